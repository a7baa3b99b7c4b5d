"""``jzysoap send`` is killed and resumed: no number is texted twice, and each has exactly one fate."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.database
def test_a_send_that_is_killed_and_resumed() -> None:
    command = [sys.executable, "-m", "tests.cli.kill", "--numbers", "6000", "--kills", "5", "--margin", "0.5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    # All of it was looked at.
    assert done.stdout.count(" ok\n") == 7
