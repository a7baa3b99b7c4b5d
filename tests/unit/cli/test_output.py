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
from jzysoap.cli.output import paint, print_error, print_line, print_records, print_table


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


def test_columns_are_aligned_where_characters_are_two_columns_wide(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([("通道", "x"), ("abc", "y"), ("\x1b", "z")])
    assert capsys.readouterr().out == "通道  x\nabc   y\n\\x1b  z\n"


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("table", "h\nx\n"),
        ("json", '[{"a": 1, "b": "\\u9519\\u001b\\n"}, {"a": null, "b": ""}]\n'),
        ("jsonl", '{"a": 1, "b": "\\u9519\\u001b\\n"}\n{"a": null, "b": ""}\n'),
        ("csv", "a,b\n1,错\\x1b\\n\n,\n"),
    ],
)
def test_records_are_printed_in_each_form(form: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_records(("a", "b"), [(1, "错\x1b\n"), (None, "")], form, [("h",), ("x",)])
    assert capsys.readouterr().out == shown


def test_no_records_are_valid_in_each_form(capsys: pytest.CaptureFixture[str]) -> None:
    for form, shown in (("json", "[]\n"), ("jsonl", ""), ("csv", "a\n")):
        print_records(("a",), [], form, [("h",)])
        assert capsys.readouterr().out == shown


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(start: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_records(("a",), [(f"{start}1+1",)], "csv", [])
    _, cell = capsys.readouterr().out.splitlines()
    assert cell.startswith("'")
    print_records(("a",), [(-1,)], "csv", [])
    assert capsys.readouterr().out == "a\n-1\n"


def test_an_error_is_one_line_or_its_traceback_too(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("made\nup\x1b")
    except ValueError as error:
        print_error(error, trace=False)
        assert capsys.readouterr().err == "jzysoap: made up\\x1b\n"
        print_error(error, trace=True)
    err = capsys.readouterr().err
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.endswith("\njzysoap: made up\\x1b\n")
    assert "\x1b" not in err


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("variables", "shown"),
    [
        ({"TERM": "xterm"}, "\x1b[31mfailed\x1b[0m \\x1b\n"),
        ({"TERM": "dumb"}, "failed \\x1b\n"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "failed \\x1b\n"),
        ({"TERM": "xterm", "NO_COLOR": ""}, "\x1b[31mfailed\x1b[0m \\x1b\n"),
    ],
)
def test_a_word_is_coloured_on_a_terminal_alone(
    variables: dict[str, str], shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    print_line(" \x1b", start=paint("failed", 31))
    assert capsys.readouterr().out == "failed \\x1b\n"
    stdout = _Terminal()
    monkeypatch.setattr(sys, "stdout", stdout)
    print_line(" \x1b", start=paint("failed", 31))
    assert stdout.getvalue() == shown
    monkeypatch.setattr(sys, "stdout", None)
    assert paint("failed", 31) == "failed"
