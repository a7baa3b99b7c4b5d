"""Processes die in the middle of sends and polls, and no promise of the mailbox is broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit import databases

ROOT = Path(__file__).parents[2]
PROMISES = 11


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own: it forks, which the tests' own threads would not survive."""
    command = [sys.executable, "-m", "tests.mailbox.kill", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603


def check(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    # All of them were looked at.
    assert done.stdout.partition("\n\n")[2].count("\n") == PROMISES, done.stdout


def test_workers_that_are_killed_break_no_promise() -> None:
    check(run("--kills", "30"))


def test_what_is_queued_again_after_a_kill_is_noticed() -> None:
    done = run("--kills", "15", "--requeue")
    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("numbers texted twice"))
    assert "FAILED" in line
    assert int(line.split()[3]) > 0


@pytest.mark.database
def test_workers_that_are_killed_break_no_promise_on_postgresql(postgresql: databases.Server) -> None:
    check(run("--kills", "30", "--url", postgresql.new_database()))


@pytest.mark.database
def test_workers_that_are_killed_break_no_promise_on_mariadb(mariadb: databases.Server) -> None:
    check(run("--kills", "30", "--url", mariadb.new_database()))
