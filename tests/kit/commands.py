"""The documentation of the commands' options, made from the parser.

``python -m tests.kit.commands`` writes the tables of ``docs/commands*.md``, each between ``<!-- jzysoap … -->`` and
``<!-- end -->``. The rest of the documents is their own.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from jzysoap.cli.main import COMMANDS, build_parser

CLONE = Path(__file__).parent.parent.parent
DOCUMENTS = ("docs/commands.md", "docs/commands.zh-CN.md")
_LANGUAGES = dict(zip(DOCUMENTS, ("en", "zh"), strict=True))
_HEADS = {"en": "| argument | meaning |", "zh": "| 参数 | 含义 |"}
_NEEDED = {"en": " (needed)", "zh": "（必填）"}
_TABLE = re.compile(r"<!-- (jzysoap[a-z ]*) -->\n.*?<!-- end -->", re.DOTALL)
# Every command has them; they are documented once, for the program.
_COMMON = ("--help", "--debug")


def leaves() -> list[str]:
    """The program and its commands and actions, without those that are only a choice of actions."""
    return [name for name, parser in _parsers(build_parser(COMMANDS)) if name == "jzysoap" or not _choices(parser)]


def documented(text: str) -> list[str]:
    """The commands that a document has a table for."""
    return _TABLE.findall(text)


def document(name: str, text: str) -> str:
    """A document with its tables made anew."""
    language = _LANGUAGES[name]
    with patch.dict("os.environ", {"JZYSOAP_LANG": language}):
        parsers = dict(_parsers(build_parser(COMMANDS)))
        tables = {command: "".join(_rows(parser, language)) for command, parser in parsers.items()}
    return _TABLE.sub(lambda match: f"<!-- {match[1]} -->\n{tables[match[1]]}<!-- end -->", text)


def _parsers(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    yield parser.prog, parser
    for choice in _choices(parser):
        yield from _parsers(choice)


# argparse has no public way to ask a parser for its arguments.
def _choices(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    found = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return list(found[0].values()) if found else []


def _rows(parser: argparse.ArgumentParser, language: str) -> Iterator[str]:
    actions = [
        action
        for action in parser._actions
        if not isinstance(action, argparse._SubParsersAction)
        and (parser.prog == "jzysoap" or action.option_strings[-1:] not in [[name] for name in _COMMON])
    ]
    if actions:
        yield f"{_HEADS[language]}\n|---|---|\n"
    for action in actions:
        value = action.metavar or (f"{{{','.join(action.choices)}}}" if action.choices else "")
        spelled = " ".join([", ".join(action.option_strings), str(value)]).strip()
        needed = _NEEDED[language] if action.required and action.option_strings else ""
        yield f"| `{spelled}` | {str(action.help).replace('|', chr(92) + '|')}{needed} |\n"


if __name__ == "__main__":
    for name in DOCUMENTS:
        path = CLONE / name
        path.write_text(document(name, path.read_text("utf-8")), "utf-8")
    sys.stdout.write("written\n")
