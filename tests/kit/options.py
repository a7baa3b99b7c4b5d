"""The documentation of the options, copied from their table to where users read it.

``python -m tests.kit.options`` writes the constructor's docstring and the tables of ``docs/configuration*.md``. The
Chinese table keeps its own words: only names, variables and defaults are written there.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from dataclasses import MISSING
from pathlib import Path
from typing import Any

from jzysoap import Channel, Timeout
from jzysoap.client import base
from jzysoap.settings import options
from jzysoap.settings.options import OPTIONS, default_of

CLONE = Path(__file__).parent.parent.parent
DOCUMENTS = ("docs/configuration.md", "docs/configuration.zh-CN.md")
ENGLISH = DOCUMENTS[0]
_NEEDED = {DOCUMENTS[0]: "needed", DOCUMENTS[1]: "必填"}
_ROW = re.compile(r"^\| `(\w+)` \|(?:[^|]*\|){2} (.*) \|$", re.MULTILINE)


def texts() -> dict[str, str]:
    """The text under each row of the table, on one line, by the option's name."""
    (table,) = [
        node
        for node in ast.parse(inspect.getsource(options)).body
        if isinstance(node, ast.ClassDef) and node.name == "Config"
    ]
    found = {}
    for row, text in zip(table.body, table.body[1:], strict=False):
        if isinstance(row, ast.AnnAssign) and isinstance(row.target, ast.Name) and row.target.id in OPTIONS:
            assert isinstance(text, ast.Expr), f"{row.target.id} has no text"
            assert isinstance(text.value, ast.Constant), f"{row.target.id} has no text"
            found[row.target.id] = " ".join(str(text.value.value).split())
    return found


def arguments() -> str:
    """The section Args of the constructor's docstring."""
    lines = []
    for name, text in texts().items():
        line = f"{name}: {text}".replace("`", "``")
        lines += textwrap.wrap(line, 118, initial_indent=" " * 8, subsequent_indent=" " * 12, break_on_hyphens=False)
    return "    Args:\n" + "\n".join(lines) + "\n\n"


def with_arguments(source: str) -> str:
    """The source of ``client.base`` with that section."""
    return re.sub(r"    Args:\n.*?(?=    Raises:\n)", lambda _: arguments(), source, count=1, flags=re.DOTALL)


def document(name: str, text: str) -> str:
    """A document with its rows made anew; the order and the sections are the document's own."""

    def row(match: re.Match[str]) -> str:
        option = match[1]
        if option not in OPTIONS:
            return match[0]
        variable = "–" if OPTIONS[option].text is None else f"`JZYSOAP_{option.upper()}`"
        given = default_of(option)
        default = _NEEDED[name] if given is MISSING else f"`{_spelled(given)}`"
        return f"| `{option}` | {variable} | {default} | {texts()[option] if name == ENGLISH else match[2]} |"

    return _ROW.sub(row, text)


def _spelled(value: Any) -> str:
    if isinstance(value, Timeout):
        return f"Timeout({', '.join(f'{part:g}' for part in value)})"
    if isinstance(value, Channel):
        return f"Channel.{value.name}"
    if isinstance(value, int) and value >= 1024 * 1024:
        return f"{value // 1024 // 1024} * 1024 * 1024"
    return f'"{value}"' if isinstance(value, str) else repr(value)


if __name__ == "__main__":
    for name in DOCUMENTS:
        path = CLONE / name
        path.write_text(document(name, path.read_text("utf-8")), "utf-8")
    path = Path(base.__file__)
    path.write_text(with_arguments(path.read_text("utf-8")), "utf-8")
    sys.stdout.write("written\n")
