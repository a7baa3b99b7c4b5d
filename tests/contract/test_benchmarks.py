"""The benchmarks run, and say what they are to say; how fast anything is, no test asks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import TARGETS, WORKLOADS

CLONE = Path(__file__).parent.parent.parent


@pytest.mark.bench
def test_a_short_run(tmp_path: Path) -> None:
    output = tmp_path / "results.md"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "10,000 reports", "--output", str(output)]
    ran = subprocess.run(command, cwd=CLONE, check=True, timeout=300, capture_output=True, text=True)  # noqa: S603  # our own
    written = output.read_text("utf-8")
    for name in ("jzysoap", "jzysoap servlet", "zeep", "requests + lxml", "urllib3 + lxml"):
        # Measured, not left out.
        assert f"\n| {name} | " in written
        assert f"\n| {name} | " in ran.stdout
    assert "| first call: zeep | 0.8 | not measured | |" in written


@pytest.mark.bench
def test_a_short_run_of_the_mailbox() -> None:
    command = [sys.executable, "-m", "benchmarks.mailbox", "--rounds", "1", "--sends", "3", "--reports", "2500"]
    ran = subprocess.run(command, cwd=CLONE, check=True, timeout=300, capture_output=True, text=True)  # noqa: S603  # our own
    for words in (
        "a durable send, of the same by hand: ",
        "a journalled poll, of a poll: ",
        "records written a second",
    ):
        assert words in ran.stdout


def test_results_are_of_these_workloads_and_targets() -> None:
    results = (CLONE / "benchmarks" / "results.md").read_text("utf-8")
    for workload in WORKLOADS:
        assert f"\n## {workload.name[0].upper()}{workload.name[1:]}\n" in results
        for contender in workload.contenders:
            assert f"\n| {contender} | " in results
    for target in TARGETS:
        assert f"\n| {target.what} | {target.most:g} | " in results
    assert "not measured" not in results
    assert "Left out" not in results
