"""The output of the commands, on every kind of stdout."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import jzysoap
from jzysoap.cli.main import main
from jzysoap.cli.output import print_line, print_table


def test_a_terminal_without_chinese_gets_escapes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jzysoap", "demo"],
        env={**os.environ, "PYTHONPATH": str(Path(jzysoap.__file__).parent.parent), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"its text        \u6536\u5230\uff0c\u8c22\u8c22" in done.stdout.splitlines()


def test_a_stdout_without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stdout)
    assert main(["demo"]) == 0
    assert "收到，谢谢\n" in stdout.getvalue()


def test_a_process_without_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["demo"]) == 0


def test_the_columns_of_a_table_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([("a", "bb", ""), ("aaa", "b", "c")])
    assert capsys.readouterr().out == "a    bb\naaa  b   c\n"


def test_what_disturbs_a_terminal_becomes_an_escape(capsys: pytest.CaptureFixture[str]) -> None:
    print_line("a\x1b[2Jb\x9bc\u202ed\u2066e\rf\x00g\u200bh\ud800")
    print_table([("name\x1b]0;x\x07", "错\u200f")])
    assert capsys.readouterr().out == (
        "a\\x1b[2Jb\\x9bc\\u202ed\\u2066e\\rf\\x00g\\u200bh\\ud800\nname\\x1b]0;x\\x07  错\\u200f\n"
    )
