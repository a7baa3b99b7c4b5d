"""The output of the commands: results on stdout, messages on stderr, whatever these can spell."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

from jzysoap.cli.arguments import columns
from jzysoap.model.masking import escape_unprintable

Value = str | int | None
"""A field of a record; None if it is not known."""

# The first characters of a cell that a spreadsheet takes for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def print_line(line: str = "", *, start: str = "") -> None:
    """Print a line; characters that stdout cannot spell, and those that disturb a terminal, become escapes.

    Args:
        line: the line.
        start: what comes before it, from ``paint``.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print((start + escape_unprintable(line)).encode(encoding, "backslashreplace").decode(encoding), flush=True)


def discard(stream: Any) -> None:
    """Have stdout or stderr go nowhere from now on.

    What is still buffered would fail once more when the interpreter ends, with a message and another exit status.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def paint(word: str, colour: int) -> str:
    """Return a word of the program in one of a terminal's colours; unchanged where stdout is no such terminal."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or sys.stdout is None or not sys.stdout.isatty():
        return word
    return f"\x1b[{colour}m{word}\x1b[0m"


def print_message(message: str) -> None:
    """Print a message of the program as one line on stderr."""
    print("jzysoap:", escape_unprintable(" ".join(message.split())), file=sys.stderr)


def print_error(error: BaseException, *, trace: bool) -> None:
    """Print an error as one line on stderr, after its traceback if that is wanted."""
    # Texts of errors hold no secrets, and a traceback shows lines of code, no values.
    for part in traceback.format_exception(error) if trace else ():
        for line in part.splitlines():
            print(escape_unprintable(line), file=sys.stderr)
    print_message(str(error))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Print no log of the library on stderr during the block, where nobody has set up logging."""
    handler, logger = logging.NullHandler(), logging.getLogger("jzysoap")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows of equal length, their columns aligned."""
    rows = [tuple(map(escape_unprintable, row)) for row in rows]
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True))
        print_line("  ".join(cells).rstrip())


def print_records(
    fields: Sequence[str],
    rows: Sequence[Sequence[Value]],
    form: str,
    table: Sequence[tuple[str, ...]],
    *,
    heading: bool = True,
) -> None:
    """Print records.

    Args:
        fields: the names of the fields, for programs.
        rows: the values of the fields, for programs.
        form: ``table``, ``json``, ``jsonl`` or ``csv``.
        table: headings and rows for people.
        heading: False to omit the heading of CSV, which was printed before.
    """
    records = [dict(zip(fields, row, strict=True)) for row in rows]
    if form == "table":
        print_table(table)
    elif form == "json":
        # JSON in ASCII alone: every stdout can spell it, and no terminal is disturbed.
        print_line(json.dumps(records))
    elif form == "jsonl":
        for record in records:
            print_line(json.dumps(record))
    else:
        for row in (fields, *rows) if heading else rows:
            line = io.StringIO()
            csv.writer(line, lineterminator="").writerow(map(spell_cell, row))
            print_line(line.getvalue())


def spell_cell(value: Value) -> Value:
    """Return a value for a cell of CSV: a text that a spreadsheet would compute begins with ``'``."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return value
    # A formula may come from a subscriber.
    return escape_unprintable(f"'{value}" if value.startswith(_FORMULA) else value)
