"""The recipients of a file: each number made uniform and checked as ``clean_numbers`` does, repeated ones found.

A file of any length is sorted row by row. What is remembered of a mainland number takes eight bytes.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from jzysoap.calls import numbers
from jzysoap.calls.numbers import clean_each, clean_numbers
from jzysoap.cli.inputs import Row
from jzysoap.cli.texts import translate
from jzysoap.settings.options import International

State = Literal["valid", "repeated", "invalid"]
"""What becomes of a number: only valid ones are sent to."""

_REASONS = {
    numbers.EMPTY: "inputs.is-empty",
    numbers.NOT_MAINLAND: "inputs.not-mainland",
    numbers.NEITHER: "inputs.neither",
    numbers.NOT_E164: "inputs.not-e164",
    numbers.FOREIGN: "inputs.foreign",
    numbers.NOT_ALLOWED: "inputs.not-allowed",
}
# A prime: numbers at regular distances do not all fall into a few buckets. Each has some 250 of a million numbers.
_BUCKETS = 4099
# A number of 11 digits that begins with 1 has 35 bits: 29 of an entry's 64 remain for the row, enough for 10 GB.
_ROW_BITS = 29
_LAST_ROW = (1 << _ROW_BITS) - 1


@dataclass(slots=True, repr=False)
class Recipient:
    """A number of a row.

    Attributes:
        row: the row.
        number: the number in the wire's spelling; of an invalid one, as it was given.
        state: what becomes of it.
        reason: why it is invalid, in the language to use, else empty.
        first: the row that has a repeated number for the first time, else 0.
    """

    row: Row
    number: str
    state: State = "valid"
    reason: str = ""
    first: int = 0

    def __repr__(self) -> str:
        return f"<Recipient row={self.row.number} state={self.state}>"


def sort_rows(
    rows: Iterable[Row], *, international: International | None = None, allowed: Collection[str] | None = None
) -> Iterator[Recipient]:
    """Yield the number of each row, in order; all of them, if a cell has several with commas.

    Args:
        rows: the rows.
        international: as in ``clean_numbers``.
        allowed: the only numbers that may be sent to (the client's ``allow_recipients``); None for all.
    """
    only = None if allowed is None else frozenset(clean_numbers(allowed, international=international).valid)
    seen = Seen()
    for row in rows:
        if row.reason:
            yield Recipient(row, row.cell, "invalid", row.reason)
            continue
        for given, number, reason in clean_each((row.cell,), international):
            if not reason and only is not None and number not in only:
                reason = numbers.NOT_ALLOWED
            if reason:
                yield Recipient(row, str(given), "invalid", _translate(reason))
                continue
            first = seen.add(number, row.number)
            yield Recipient(row, number, "repeated", "", first) if first else Recipient(row, number)


class Seen:
    """The numbers that were met, and the row of each.

    A set of a million numbers as text takes 90 MB. Here each mainland number is a 64-bit integer in a sorted array,
    which has its row in the low bits: 9 MB in all. Other numbers are too long for this, and are kept in a dictionary.
    """

    def __init__(self) -> None:
        self._buckets = [array("Q") for _ in range(_BUCKETS)]
        self._others: dict[str, int] = {}

    def add(self, number: str, row: int) -> int:
        """Remember a number in the wire's spelling; return the row of the same number, or 0 if it is new."""
        if len(number) != 11 or not number.startswith("1"):
            first = self._others.get(number, 0)
            self._others.setdefault(number, row)
            return first
        value = int(number)
        bucket = self._buckets[value % _BUCKETS]
        entry = value << _ROW_BITS
        place = bisect_left(bucket, entry)
        if place < len(bucket) and bucket[place] >> _ROW_BITS == value:
            return bucket[place] & _LAST_ROW
        bucket.insert(place, entry | min(row, _LAST_ROW))
        return 0


def _translate(reason: str) -> str:
    """Return a reason of ``clean_numbers`` in the language to use."""
    if reason in _REASONS:
        return translate(_REASONS[reason])
    # The only other reason that a text can have names a character.
    start, end = numbers.NOT_DIGITS.split("{}")
    return translate("inputs.not-digits", character=reason.removeprefix(start).removesuffix(end))
