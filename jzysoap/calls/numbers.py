"""Recipients: made uniform, checked, each counted once, split into batches.

Nothing here decides about sending. Every unusable number is reported; none is omitted silently.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from typing import Any, cast

from jzysoap.calls.text import name_character, remove_invisible
from jzysoap.model.door import public
from jzysoap.model.errors import InvalidMessageError
from jzysoap.model.masking import mask_number
from jzysoap.model.values import CleanNumbers, InvalidNumber
from jzysoap.settings.options import International

# Unusable numbers that an error names at most.
_NAMED = 10
# Larger ints are not written out: Python limits the digits of str(int).
_MAX_INT = 10**40
_PREFIXES: dict[International, str] = {"00": "00", "plus": "+", "bare": ""}

# ASCII digits only: \d would also match digits of other scripts, which no gateway reads.
_MAINLAND = re.compile(r"1[3-9][0-9]{9}")
_ALL_MAINLAND = re.compile(r"(?:1[3-9][0-9]{9},)+")
_DIGITS = re.compile(r"[0-9]*")
_OTHER = re.compile(r"[^0-9]")
_E164 = re.compile(r"[1-9][0-9]{6,14}")
_COMMA = re.compile("[,，]")

# Characters that people and spreadsheets put between digits. Tabs and line breaks are not among them: they usually
# separate two numbers, and removing them could join these into a third.
_SPACES = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63\uff0d"
_BRACKETS = "()（）"
_NORMAL = str.maketrans("０１２３４５６７８９＋", "0123456789+", _SPACES + _DASHES + _BRACKETS)

# The reasons why a number cannot be used. The command line has a translation of each.
EMPTY = "is empty"
NOT_DIGITS = "has {} in it, which is not a digit (separate numbers with commas)"
NOT_MAINLAND = "is not a mainland mobile number (11 digits, the first two 13 to 19)"
NEITHER = f"{NOT_MAINLAND}, and names no country or region with + or 00"
NOT_E164 = "is not an international number (7 to 15 digits after + or 00)"
FOREIGN = "is a number of another country or region: set international to send there"
NOT_ALLOWED = "is not among allow_recipients"


@public
def clean_numbers(numbers: object, *, international: International | None = None) -> CleanNumbers:
    """Make recipients uniform and sort them into valid, repeated and unusable numbers.

    Spaces, hyphens, parentheses and the invisible characters that copy and paste adds are removed, full-width digits
    become ASCII, and the prefixes ``+86``, ``0086`` and ``86`` are removed. The rest must be a mainland mobile number:
    11 digits that begin with 13 to 19. No value in ``numbers`` makes this function raise.

    Args:
        numbers: one number, several in one text with commas (``,`` or ``，``), or an iterable of these. A number is a
            str or an int. Positions count the single numbers, from 1. Empty pieces at the ends of a text with commas
            (``"a,b,"``) are not counted; any other empty piece is an invalid number.
        international: the gateway's spelling of numbers of other countries or regions: ``"00"``, ``"plus"`` or
            ``"bare"``. They must be given with ``+`` or ``00`` and their country or region code. None makes them
            invalid.

    Returns:
        The valid numbers in the order given, each once; the repeated numbers; the unusable numbers with the reason.
    """
    places, duplicate, invalid = _sort(numbers, international)
    return CleanNumbers(tuple(places), duplicate, invalid)


def recipients(
    numbers: object, *, international: International | None = None, allowed: Container[str] | None = None
) -> tuple[str, ...]:
    """Return the recipients of a send in the wire's spelling, each once (docs/protocol.md#arguments, ``mobile``).

    Args:
        numbers, international: as in ``clean_numbers``.
        allowed: the only numbers that may be sent to, in any spelling that ``clean_numbers`` accepts; None for all.

    Raises:
        InvalidMessageError: naming every number that cannot be used, or that there is none.
    """
    found = sort_recipients(numbers, international=international, allowed=allowed)
    if found.invalid:
        raise _unusable_error(found)
    if not found.valid:
        raise InvalidMessageError("mobile holds no number", field="mobile")
    return found.valid


def sort_recipients(
    numbers: object, *, international: International | None = None, allowed: Container[str] | None = None
) -> CleanNumbers:
    """Return the recipients of a send, sorted as ``clean_numbers`` does; those that are not allowed are invalid too.

    Args:
        numbers, international, allowed: as in ``recipients``.

    Raises:
        InvalidMessageError: ``numbers`` is neither a number nor an iterable.
    """
    if not isinstance(numbers, (str, int)) and not _is_iterable(numbers):
        kind = type(numbers).__name__
        raise InvalidMessageError(f"mobile must be a number or an iterable of numbers, not {kind}", field="mobile")
    places, duplicate, invalid = _sort(numbers, international)
    if allowed is not None:
        if isinstance(allowed, Collection):
            allowed, _, _ = _sort(allowed, international)
        refused = [InvalidNumber(place, one, NOT_ALLOWED) for one, place in places.items() if one not in allowed]
        invalid = tuple(sorted((*invalid, *refused), key=lambda bad: bad.position))
        places = {one: place for one, place in places.items() if one in allowed}
    return CleanNumbers(tuple(places), duplicate, invalid)


def clean_each(numbers: object, international: International | None) -> Iterator[tuple[object, str, str]]:
    """Yield the single numbers one by one, as ``clean_numbers`` would sort them, but repeated numbers too.

    Yields:
        The given number; its spelling on the wire, or any text; and why it cannot be used, empty if it can.
    """
    for given in _iterate(numbers):
        if given.__class__ is str and _MAINLAND.fullmatch(given):
            yield given, given, ""
        else:
            yield given, *_normalise(given, international)


def split(numbers: tuple[str, ...], size: int) -> list[tuple[str, ...]]:
    """Return the recipients in batches of at most ``size``, in order."""
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]


def _sort(
    numbers: object, international: International | None
) -> tuple[dict[str, int], tuple[InvalidNumber, ...], tuple[InvalidNumber, ...]]:
    """Return the valid numbers with their first positions, the repeated numbers, and the unusable numbers."""
    usual = _sort_usual(numbers)
    if usual is not None:
        return usual, (), ()
    places: dict[str, int] = {}
    duplicate: list[InvalidNumber] = []
    invalid: list[InvalidNumber] = []
    for position, (given, number, reason) in enumerate(clean_each(numbers, international), 1):
        if reason:
            invalid.append(InvalidNumber(position, _as_text(given), reason))
        elif number in places:
            duplicate.append(InvalidNumber(position, _as_text(given), f"is the same as #{places[number]}"))
        else:
            places[number] = position
    return places, tuple(duplicate), tuple(invalid)


def _sort_usual(numbers: object) -> dict[str, int] | None:
    """Return the positions of numbers that are all in the wire's spelling, none repeated; else None.

    The fast path: a send to 20,000 numbers takes 2.9 ms instead of 7.9.
    """
    if isinstance(numbers, (list, tuple, set, frozenset)) and set(map(type, numbers)) == {str}:
        text = ",".join(numbers)
    elif type(numbers) is str:
        text = numbers
    else:
        # A subclass of str may override its methods.
        return None
    if not _ALL_MAINLAND.fullmatch(f"{text},"):
        return None
    pieces = text.split(",")
    places = dict(zip(pieces, itertools.count(1), strict=False))
    return places if len(places) == len(pieces) else None


def _is_iterable(numbers: object) -> bool:
    # Iterating over bytes would give small integers, and iterating over a mapping would drop its values.
    return isinstance(numbers, Iterable) and not isinstance(numbers, (bytes, bytearray, memoryview, Mapping))


def _iterate(numbers: object) -> Iterator[Any]:
    """Yield the single numbers, of any type, one by one."""
    if isinstance(numbers, str):
        yield from _split_at_commas(numbers)
    elif not _is_iterable(numbers):
        yield numbers
    else:
        for element in cast("Iterable[object]", numbers):
            if isinstance(element, str) and ("," in element or "，" in element):
                # An element of nothing but commas counts as one empty number.
                yield from _split_at_commas(element) or [element]
            else:
                yield element


def _split_at_commas(text: str) -> list[str]:
    pieces = _COMMA.split(text)
    start, end = 0, len(pieces)
    while start < end and not _strip(pieces[start]):
        start += 1
    while start < end and not _strip(pieces[end - 1]):
        end -= 1
    return pieces[start:end]


def _strip(given: str) -> str:
    number = given.translate(_NORMAL).strip()
    return number if number.isascii() else remove_invisible(number).strip()


def _normalise(given: object, international: International | None) -> tuple[str, str]:
    """Return a number in the wire's spelling and an empty reason; or any text and why the number cannot be used."""
    if isinstance(given, bool) or not isinstance(given, (str, int)):
        return "", f"is not text but {type(given).__name__}"
    if isinstance(given, int) and not 0 <= given < _MAX_INT:
        return "", NOT_MAINLAND
    number = _strip(_as_text(given))
    if _MAINLAND.fullmatch(number):
        return number, ""
    if not _COMMA.sub("", number):
        return "", EMPTY
    bare = number[1:] if number.startswith("+") else number.removeprefix("00")
    other = _OTHER.search(bare)
    if other is not None:
        return "", NOT_DIGITS.format(name_character(other[0]))
    if bare.startswith("86") and _MAINLAND.fullmatch(bare[2:]):
        return bare[2:], ""
    if bare == number:
        return "", NEITHER
    if bare.startswith("86"):
        return "", NOT_MAINLAND
    if not _E164.fullmatch(bare):
        return "", NOT_E164
    if international is None:
        return "", FOREIGN
    return _PREFIXES[international] + bare, ""


def _as_text(given: object) -> str:
    """Return a given value as text; of other objects only the type, since their str() may fail or be very long."""
    if isinstance(given, (bytes, bytearray)):
        return bytes(given).decode("latin-1")
    if isinstance(given, int) and not -_MAX_INT < given < _MAX_INT:
        return "<int>"
    if given is None or isinstance(given, (str, int, float)):
        return str(given)
    return f"<{type(given).__name__}>"


def _unusable_error(found: CleanNumbers) -> InvalidMessageError:
    invalid = found.invalid
    given = len(found.valid) + len(found.duplicate) + len(invalid)
    named = [f"#{bad.position} {_mask(bad.number)}: {bad.reason}" for bad in invalid[:_NAMED]]
    if len(invalid) > _NAMED:
        named.append(f"and {len(invalid) - _NAMED:,} more")
    return InvalidMessageError(
        f"{len(invalid):,} of {given:,} recipients cannot be used: {'; '.join(named)}", field="mobile", numbers=invalid
    )


def _mask(given: str) -> str:
    # If a caller swaps mobile and text, this "number" is the message: hide all of it.
    number = _strip(given)
    return mask_number(number) if _DIGITS.fullmatch(number.removeprefix("+")) else "***"
