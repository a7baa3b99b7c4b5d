"""A poll's document read at a glance: records that are all written alike, straight out of the reply's ASCII bytes.

The first record is the pattern. Every byte of the document must be accounted for by it; where one is not, or where
anything else is not as most servers write it, nothing is said here and ``documents`` reads it all. What is said here is
what ``documents`` would have said: a property test holds the two equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

_PIECE = 1 << 18
_LEAD = re.compile(r"[ \t\r\n]*(?:<\?[^<>&]*\?>)?[ \t\r\n]*<(\w+)>[ \t\r\n]*")
_BLANK = r"[ \t\r\n]*"
_FIELD = re.compile(r"<([A-Za-z_]\w*)>([^<>&]*)</\1>")
# Neither markup, nor what a parser would change.
_VALUE = "([ -%'-;=?-~]*)"


class Span(NamedTuple):
    """Where in a body the result string is.

    Attributes:
        start, end: its place.
        escaped: whether its markup is written with references.
    """

    start: int
    end: int
    escaped: bool


class Layout(NamedTuple):
    """How a document's records are written.

    Attributes:
        pattern: one record, with a group for each field's value.
        fields: their names, in order.
    """

    pattern: re.Pattern[str]
    fields: tuple[str, ...]


Columns = dict[str, list[str]]
"""The values of some records, by the names of their fields."""
Models = Callable[[Columns], Sequence[Any] | None]
"""Makes models of records; None where they are not for it to read."""


def scan(body: bytes, span: Span, root: str, record: str, models: Models) -> list[Any] | None:
    """The models of all records; None where the document is not of the usual form.

    Args:
        body: the whole reply, of which the part in ``span`` is the document.
        span: that part.
        root: the document's root element.
        record: the element of a record.
        models: makes the models.
    """
    opening = b"&lt;" if span.escaped else b"<"
    start = body.find(opening + record.encode(), span.start, min(span.start + 1024, span.end))
    last = body.rfind(opening + b"/" + record.encode(), span.start, span.end)
    if start < 0 or last < start or not body.isascii():
        return None
    begins = _LEAD.fullmatch(_plain(body[span.start : start], escaped=span.escaped))
    # The record's name may end with a reference, or without one.
    name_end = last + len(opening) + 1 + len(record)
    closing = next((sign for sign in (b">", b"&gt;") if body.startswith(sign, name_end)), None)
    if begins is None or begins[1] != root or closing is None:
        return None
    mark = body[last : name_end + len(closing)]
    tail = _plain(body[name_end + len(closing) : span.end], escaped=span.escaped)
    first = body.find(mark, start) + len(mark)
    # Up to the next record, whatever stands between them.
    follow = re.compile(_BLANK.encode()).match(body, first)
    between = follow[0].decode("ascii") if follow and first < last else ""
    layout = _layout(body[start:first], record, between, escaped=span.escaped)
    if re.fullmatch(f"{_BLANK}</{root}>{_BLANK}", tail) is None or layout is None:
        return None
    end = last + len(mark)
    made: list[Any] = []
    while start < end:
        stop = body.rfind(mark, start, start + _PIECE) + len(mark) + len(between)
        if stop > end or start + _PIECE >= end:
            stop = end
        piece = body[start:stop].decode("ascii") + (between if stop == end else "")
        # What stands around the records, and in between the values of each.
        parts = layout.pattern.split(piece)
        step = len(layout.fields) + 1
        columns = {name: parts[place::step] for place, name in enumerate(layout.fields, 1)}
        some = None if len(parts) == 1 or any(parts[::step]) else models(columns)
        if some is None:
            return None
        made += some
        start = stop
    return made


def _plain(source: bytes, *, escaped: bool) -> str:
    text = source.decode("ascii")
    if not escaped:
        return text
    # Markup of the envelope's own is not the document's: it must not be taken for it.
    return text.replace("<", "&").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')


def _layout(source: bytes, record: str, between: str, *, escaped: bool) -> Layout | None:
    plain = _plain(source, escaped=escaped)
    fields = _FIELD.findall(plain)
    names = tuple(name for name, _ in fields)
    skeleton = _FIELD.sub("", plain)
    plainly = "&" not in plain and re.fullmatch(f"<{record}>{_BLANK}</{record}>", skeleton)
    if not plainly or not 1 < len(set(names)) == len(names):
        return None
    less, more = ("&lt;" if escaped else "<"), ("&gt;" if b"&gt;" in source else ">")
    pattern, rest = "", plain
    for name, value in fields:
        before, _, rest = rest.partition(f"<{name}>{value}</{name}>")
        pattern += f"{_marked(before, less, more)}{less}{name}{more}{_VALUE}{less}/{name}{more}"
    pattern += _marked(rest, less, more) + re.escape(between)
    return Layout(re.compile(pattern), names)


def _marked(text: str, less: str, more: str) -> str:
    return re.escape(text).replace("<", less).replace(">", more)
