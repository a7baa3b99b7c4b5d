"""A worker that was stopped until its batch was sent by another does not send it when it goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit import databases

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, since it forks."""
    command = [sys.executable, "-m", "tests.mailbox.pause", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603


def check(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the window left, from the check to the first byte: median" in done.stdout


def test_a_worker_that_was_stopped_texts_nobody_twice() -> None:
    check(run("--pauses", "12"))


def test_a_worker_that_does_not_check_its_right_is_noticed() -> None:
    done = run("--pauses", "6", "--unchecked")
    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("texted twice"))
    assert "FAILED" in line


@pytest.mark.database
def test_a_worker_that_was_stopped_texts_nobody_twice_on_postgresql(postgresql: databases.Server) -> None:
    check(run("--pauses", "12", "--url", postgresql.new_database()))


@pytest.mark.database
def test_a_worker_that_was_stopped_texts_nobody_twice_on_mariadb(mariadb: databases.Server) -> None:
    check(run("--pauses", "12", "--url", mariadb.new_database()))
