"""The output of the commands: lines and tables on stdout, whatever stdout can spell."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from jzysoap.model.masking import escape_unprintable


def print_line(line: str = "") -> None:
    """Print a line; characters that stdout cannot spell, and those that disturb a terminal, become escapes."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(escape_unprintable(line).encode(encoding, "backslashreplace").decode(encoding), flush=True)


def print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows of equal length, their columns aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print_line("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def flush() -> None:
    """Flush stdout, or do nothing in a process without stdout, where ``sys.stdout`` is None."""
    print(end="", flush=True)
