"""Message templates: text with ``{column}`` for the cells of a row, and nothing else of Python's format strings.

``{{`` and ``}}`` are literal braces. A value that could turn the message into another one, with a signature, a line or
a link of its own, is refused unless that is allowed. No error shows a value or the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jzysoap.calls.text import remove_invisible
from jzysoap.cli.inputerror import InputError
from jzysoap.cli.inputs import show_names
from jzysoap.cli.texts import translate

# A literal brace, a column between braces, or a brace that is neither; the rest of the text stands between these.
_PARTS = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
# What format strings know: an attribute, an index, a conversion, a format.
_FORMAT = re.compile(r"[.\[\]!:]")
_BRACKETS = re.compile("[【】]")
_LINE_BREAK = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# A scheme; www.; a host, by name or by number, with a path.
_ADDRESS = re.compile(
    r"[a-z][a-z0-9+.-]*://|(?<![a-z0-9])www\.|[^\W_][\w-]*\.(?:[^\W\d_]{2,}|xn--[a-z0-9-]+)(?::[0-9]+)?/"
    r"|(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]+)?/",
    re.IGNORECASE,
)
_UNSAFE = {"templates.brackets": _BRACKETS, "templates.line-break": _LINE_BREAK, "templates.address": _ADDRESS}


@dataclass(frozen=True, slots=True, repr=False)
class Template:
    """A parsed template.

    Attributes:
        columns: the columns that it names, each once, in the order of the text.
    """

    columns: tuple[str, ...]
    # Literal texts and columns in turn; the first and the last are literal.
    _parts: tuple[str, ...]

    def check_columns(self, header: Sequence[str]) -> None:
        """Check that a file has the template's columns.

        Args:
            header: the headings of the file; empty if it has no header.

        Raises:
            InputError: columns are missing, or are there more than once; all of them are named.
        """
        missing = [name for name in self.columns if name not in header]
        if missing:
            raise InputError(translate("templates.missing", names=show_names(missing), header=show_names(header)))
        repeated = [name for name in self.columns if header.count(name) > 1]
        if repeated:
            raise InputError(translate("templates.repeated", names=show_names(repeated)))

    def fill(self, values: Mapping[str, str], row: int, *, allow_values: bool = False) -> str:
        """Return the message for a row.

        Args:
            values: the cells of the row by the headings, with those of ``columns``.
            row: the row's number, for the error.
            allow_values: accept values with 【】, a line break or an address.

        Raises:
            InputError: a value has one of these; the row and the column are named.
        """
        texts = list(self._parts)
        for place in range(1, len(texts), 2):
            value = values[texts[place]]
            if not allow_values:
                # Most values are a name or a number, and none of the patterns can match.
                why = None if value.isalnum() else _find_unsafe(value)
                if why is not None:
                    column = show_names([texts[place]])
                    raise InputError(translate("templates.unsafe", row=row, column=column, why=translate(why)))
            texts[place] = value
        return "".join(texts)

    def __repr__(self) -> str:
        return f"<Template with {len(self.columns)} columns>"


def parse_template(text: str) -> Template:
    """Parse a template.

    Raises:
        InputError: a brace stands alone, or braces hold nothing, or more than the heading of a column; the error says
            at which character, from 1.
    """
    parts = [""]
    end = 0
    for found in _PARTS.finditer(text):
        parts[-1] += text[end : found.start()]
        end = found.end()
        name = found[1]
        if name is not None:
            name = name.strip()
            _check_name(name, found.start() + 1)
            parts += [name, ""]
        elif found[0] in ("{{", "}}"):
            parts[-1] += found[0][0]
        else:
            raise InputError(translate("templates.brace", place=found.start() + 1))
    parts[-1] += text[end:]
    return Template(tuple(dict.fromkeys(parts[1::2])), tuple(parts))


def _check_name(name: str, place: int) -> None:
    if not name:
        raise InputError(translate("templates.nameless", place=place))
    if _FORMAT.search(name):
        raise InputError(translate("templates.format", place=place))


def _find_unsafe(value: str) -> str | None:
    """Return the key of what makes a value unsafe, or None."""
    # Full-width and invisible characters could hide an address that a phone still makes a link of.
    plain = remove_invisible(unicodedata.normalize("NFKC", value))
    return next((key for key, pattern in _UNSAFE.items() if pattern.search(value) or pattern.search(plain)), None)
