"""Help and errors of the parser, in both languages."""

from __future__ import annotations

import argparse
import io

import pytest

from jzysoap.cli.arguments import Parser, add_command, columns, wrap
from jzysoap.cli.main import COMMANDS, build_parser, main


def example() -> Parser:
    parser = Parser(prog="program")
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--number", type=int)
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--one", action="store_true")
    group.add_argument("--two", action="store_true")
    parser.add_argument("--kind", choices=("a", "b"))
    return parser


@pytest.mark.parametrize(
    ("arguments", "english", "chinese"),
    [
        ([], "the following arguments are required: NAME", "缺少参数：NAME"),
        (["x", "y"], "unrecognized arguments: y", "无法识别的参数：y"),
        (["x", "--number", "y"], "argument --number: invalid int value: 'y'", "参数 --number：'y' 不是整数"),
        (["x", "--number"], "argument --number: expected one argument", "参数 --number：需要一个值"),
        (["x", "--one=1"], "argument --one: ignored explicit argument '1'", "参数 --one：不接受值 '1'"),
        (
            ["x", "--one", "--two"],
            "argument --two: not allowed with argument --one",
            "参数 --two：不能与 --one 同时使用",
        ),
        (["x", "--kind", "c"], "argument --kind: invalid choice: 'c' (choose from ", "参数 --kind：'c' 不可用（可选："),
    ],
)
def test_wrong_arguments_are_said_in_both_languages(
    arguments: list[str],
    english: str,
    chinese: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for language, usage, words in (("en", "usage: ", english), ("zh", "用法：", chinese)):
        monkeypatch.setenv("JZYSOAP_LANG", language)
        with pytest.raises(SystemExit) as exit_:
            example().parse_args(arguments)
        assert exit_.value.code == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"{usage}program ")
        assert words in err.splitlines()[-1]


def test_an_error_without_a_translation_stays_in_english(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JZYSOAP_LANG", "zh")
    with pytest.raises(SystemExit):
        example().error("something else")
    assert capsys.readouterr().err.splitlines()[-1] == "program: 错误: something else"


@pytest.mark.parametrize("arguments", [[], *([name] for name in COMMANDS), ["wsdl", "fetch"], ["profile", "add"]])
def test_the_help_fits_the_terminal_in_both_languages(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = {}
    for language in ("en", "zh"):
        monkeypatch.setenv("JZYSOAP_LANG", language)
        with pytest.raises(SystemExit) as exit_:
            main([*arguments, "--help"])
        assert exit_.value.code == 0
        shown[language], err = capsys.readouterr()
        assert err == ""
        assert all(columns(line) <= 78 for line in shown[language].splitlines())
    assert shown["en"].isascii()
    assert {"选项:", "参数:", "命令:", "操作:"} & set(shown["zh"].splitlines())
    for heading in ("usage", "options:", "arguments:", "commands:", "actions:"):
        assert heading not in shown["zh"]


def test_the_help_is_printed_where_chinese_cannot_be_spelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JZYSOAP_LANG", "zh")
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    build_parser(()).print_help(stream)
    stream.flush()
    assert stream.buffer.getvalue().startswith(rb"\u7528\u6cd5\uff1ajzysoap")


def test_debug_may_stand_before_and_behind_a_command() -> None:
    parser = Parser(prog="program")
    commands = parser.add_actions("command", "commands")
    command = add_command(commands, "go", "do something", "And more.")
    assert command.description == "Do something. And more."
    for arguments in (["--debug", "go"], ["go", "--debug"]):
        assert parser.parse_args(arguments, argparse.Namespace(debug=False)).debug
    assert not parser.parse_args(["go"], argparse.Namespace(debug=False)).debug


def test_options_must_be_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        example().parse_args(["x", "--num", "1"])
    assert "unrecognized arguments: --num" in capsys.readouterr().err


def test_lines_are_broken_between_words_and_between_chinese_characters() -> None:
    assert wrap("one two three", 8) == ["one two", "three"]
    assert wrap("一二三，四五", 6) == ["一二", "三，四", "五"]
    assert wrap("一二 a", 20) == ["一二 a"]
    assert wrap("", 8) == [""]
    assert columns("a一，") == 5
