"""The fast path for a poll's document: records that are all written like the first one are read by one pattern.

Every character of the document must match the pattern of its first record; otherwise this module gives no answer and
``documents`` reads the document. Both give the same records: a property test holds them equal. It buys three quarters
of the CPU time and three quarters of the memory of a poll of 200,000 reports (``python -m benchmarks``); without that
need, the module may be deleted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

Columns = dict[str, list[str]]
"""The values of some records, by the names of their fields."""

MakeModels = Callable[[Columns], Sequence[Any] | None]
"""Makes a model of each record; None if it cannot read one of them."""

# Characters of the document that are split at once: a bound on the memory for the strings in between.
_PIECE = 1 << 18
# The first record begins within so many characters.
_HEAD = 1024
MAX_FIELDS = 32
"""Fields of a record at most: the pattern of a record takes time that grows with the square of their number."""
_BLANK = r"[ \t\r\n]*"
_FIELD = re.compile(r"<([A-Za-z_]\w*)>([^<>&]*)</\1>")
# A field's value: ASCII without markup, and without line breaks and tabs, which a parser may change.
_VALUE = "([ -%'-;=?-~]*)"


def read_uniform(text: str, root: str, record: str, make_models: MakeModels) -> list[Any] | None:
    """Return the models of all records; None if the records are not all written alike.

    Args:
        text: the document.
        root: the name of its root element.
        record: the name of a record's element.
        make_models: makes the models.
    """
    opening, closing = f"<{record}>", f"</{record}>"
    start, last = text.find(opening, 0, _HEAD), text.rfind(closing)
    end = last + len(closing)
    if not (
        0 <= start < last
        and re.fullmatch(rf"{_BLANK}(?:<\?[^<>&]*\?>)?{_BLANK}<{root}>{_BLANK}", text[:start])
        and re.fullmatch(rf"{_BLANK}</{root}>{_BLANK}", text[end:])
    ):
        return None
    first = text[start : text.find(closing, start) + len(closing)]
    if first.count("</") > MAX_FIELDS + 1:
        return None
    fields = list(_FIELD.finditer(first))
    names = [field[1] for field in fields]
    if not re.fullmatch(f"{opening}{_BLANK}{closing}", _FIELD.sub("", first)) or not 1 < len(set(names)) == len(names):
        return None
    pattern = _pattern(first, fields)
    step = len(names) + 1
    found: list[Any] = []
    while start < end:
        # As many complete records as fit into one piece.
        stop = end if start + _PIECE >= end else text.rfind(closing, start, start + _PIECE) + len(closing)
        # Splitting at the pattern leaves the text around the records at every step-th place, and their values between.
        parts = pattern.split(text[start:stop].strip(" \t\r\n"))
        columns = {name: parts[place::step] for place, name in enumerate(names, 1)}
        models = make_models(columns) if len(parts) > 1 and not any(parts[::step]) else None
        if models is None:
            return None
        found += models
        start = stop
    return found


def _pattern(record: str, fields: Sequence[re.Match[str]]) -> re.Pattern[str]:
    """Return the pattern of a record, with a group for each field's value, and of the blanks behind the record."""
    places = [0, *(place for field in fields for place in field.span(2)), len(record)]
    fixed = (re.escape(record[begin:stop]) for begin, stop in zip(places[::2], places[1::2], strict=True))
    return re.compile(_VALUE.join(fixed) + _BLANK)
