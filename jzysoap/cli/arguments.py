"""The parser of the command line: argparse with help and errors in both languages, and the options of an account.

Importing this module must stay fast, since ``jzysoap --help`` does.
"""

from __future__ import annotations

import argparse
import re
import sys
from typing import Any, NoReturn
from unicodedata import east_asian_width

from jzysoap.cli.texts import translate

# Titles that argparse gives to its groups.
_TITLES = {"positional arguments": "general.arguments", "options": "general.options"}
# The errors of argparse, by their pattern. Another error stays in English.
_ERRORS = {
    "one-of": r"one of the arguments (?P<names>.+) is required",
    "required": r"the following arguments are required: (?P<names>.+)",
    "unrecognized": r"unrecognized arguments: (?P<names>.+)",
    "choice": r"argument (?P<name>.+): invalid choice: (?P<value>.+) \(choose from (?P<choices>.+)\)",
    "one-value": r"argument (?P<name>.+): expected one argument",
    "no-value": r"argument (?P<name>.+): ignored explicit argument (?P<value>.+)",
    "not-with": r"argument (?P<name>.+): not allowed with argument (?P<other>.+)",
    "not-number": r"argument (?P<name>.+): invalid int value: (?P<value>.+)",
}
# A Chinese character with the closing signs after it, or a word; with the blanks after either.
_PIECE = re.compile(r"[\u2e80-\uffef][，。；：、）”]*\s*|[^\s\u2e80-\uffef]+\s*")


class Parser(argparse.ArgumentParser):
    """A parser whose help and errors are in the language to use; each has ``--help`` and ``--debug``."""

    def __init__(self, **options: Any) -> None:
        super().__init__(add_help=False, allow_abbrev=False, formatter_class=_Formatter, **options)
        self.add_argument("-h", "--help", action="help", help=translate("general.help"))
        # Suppressed: the default of a command would replace what was given before the command.
        self.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=translate("general.debug"))

    def add_argument_group(self, title: str | None = None, *args: Any, **options: Any) -> Any:
        """Add a group; the titles of argparse's own groups are replaced."""
        title = translate(_TITLES[title]) if title in _TITLES else title
        return super().add_argument_group(title, *args, **options)

    def add_actions(self, dest: str, title: str) -> Any:
        """Add a choice of commands or actions, whose name will be the attribute ``dest``."""
        return self.add_subparsers(dest=dest, required=True, metavar=dest.upper(), title=title)

    def print_help(self, file: Any = None) -> None:
        """Print the help; characters that the stream cannot spell become escapes."""
        write(self.format_help(), file or sys.stdout)

    def error(self, message: str) -> NoReturn:
        """Print the usage and what is wrong with the arguments, and exit with 2."""
        for name, pattern in _ERRORS.items():
            found = re.fullmatch(pattern, message, re.DOTALL)
            if found:
                message = translate(f"general.{name}", **found.groupdict())
                break
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {translate('general.error')}: {message}\n")


class _Formatter(argparse.HelpFormatter):
    """A formatter whose lines fit the terminal also where Chinese characters are two columns wide."""

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, translate("general.usage") if prefix is None else prefix)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrap(text, width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(indent + line for line in wrap(text, width - len(indent)))


def add_command(commands: Any, name: str, about: str, more: str = "") -> Parser:
    """Add a command or an action, and return its parser.

    Args:
        commands: the choice of commands.
        name: its name.
        about: what it does, without a full stop.
        more: further sentences of its help.
    """
    stop = "." if about.isascii() else "。"
    description = f"{about[:1].upper()}{about[1:]}{stop} {more}".rstrip()
    parser: Parser = commands.add_parser(name, help=about, description=description)
    return parser


def add_account_options(parser: Parser) -> None:
    """Add the options that say whose account a command is about."""
    group = parser.add_argument_group(translate("general.account-options"))
    group.add_argument("--profile", metavar="NAME", help=translate("account.profile"))
    group.add_argument("--base-url", metavar="URL", help=translate("account.base-url"))
    group.add_argument("--username", metavar="NAME", help=translate("account.username"))
    group.add_argument("--password-fd", type=int, metavar="N", help=translate("account.password-fd"))


def add_output_option(parser: Parser) -> None:
    """Add the option that says how records are printed."""
    parser.add_argument(
        "--output", choices=("table", "json", "jsonl", "csv"), default="table", help=translate("general.output")
    )


def check_interval(seconds: float) -> None:
    """Refuse an interval that is no pause.

    Raises:
        ConfigurationError: it is not above 0, or not finite.
    """
    if not 0 < seconds < float("inf"):
        from jzysoap.model.errors import ConfigurationError

        raise ConfigurationError(translate("general.interval"))


def write(text: str, stream: Any) -> None:
    """Write a text of the program; characters that the stream cannot spell become escapes."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), end="", file=stream)


def wrap(words: str, width: int) -> list[str]:
    """Break a text into lines of at most so many columns, between words and between Chinese characters."""
    lines, line = [], ""
    for piece in _PIECE.findall(words):
        if line and columns(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()]


def columns(words: str) -> int:
    """Return the number of columns of a terminal that a text takes."""
    return sum(2 if east_asian_width(one) in "WF" else 1 for one in words)
