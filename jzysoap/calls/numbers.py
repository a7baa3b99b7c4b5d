"""Recipients: made uniform, checked, counted once, split into batches.

Nothing here decides whether to send; that an unusable number is never left out silently is what it is for.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from typing import Any, cast

from jzysoap.model.errors import InvalidMessageError
from jzysoap.model.masking import mask_number
from jzysoap.model.values import CleanNumbers, InvalidNumber
from jzysoap.settings.options import International

_SHOWN = 10
_HUGE = 10**40
_PREFIXES: dict[International, str] = {"00": "00", "plus": "+", "bare": ""}

# ASCII digits only: \d would let Arabic-Indic ones through, which no gateway reads.
_MAINLAND = re.compile(r"1[3-9][0-9]{9}")
_ALL_MAINLAND = re.compile(r"(?:1[3-9][0-9]{9},)+")
_DIGITS = re.compile(r"[0-9]*")
_E164 = re.compile(r"[1-9][0-9]{6,14}")
_COMMA = re.compile("[,，]")

# What people and spreadsheets put between digits. A tab or a line break is not in it: it parts two numbers rather than
# the digits of one, and taking it out could join them into a third.
_SPACES = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_INVISIBLE = (
    "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufeff"
)
_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63\uff0d"
_BRACKETS = "()（）"
_NORMAL = str.maketrans("０１２３４５６７８９＋", "0123456789+", _SPACES + _INVISIBLE + _DASHES + _BRACKETS)

_EMPTY = "is empty"
_NOT_DIGITS = "has characters other than digits in it (separate numbers with commas)"
_NOT_MAINLAND = "is not a mainland mobile number (11 digits, the first two 13 to 19)"
_NEITHER = f"{_NOT_MAINLAND}, and names no other country with + or 00"
_NOT_E164 = "is not an international number (7 to 15 digits after + or 00)"
_FOREIGN = "is another country's number: set international to send abroad"
_NOT_ALLOWED = "is not among allow_recipients"


def clean_numbers(numbers: object, *, international: International | None = None) -> CleanNumbers:
    """Makes recipients uniform and sorts them into valid, repeated and unusable ones.

    Spaces, hyphens, parentheses and the invisible marks that copy and paste brings are removed, full-width digits
    become ASCII, and the prefixes ``+86``, ``0086`` and ``86`` are taken off. What is left must be a mainland mobile
    number: 11 digits that begin with 13 to 19. Nothing in ``numbers`` makes this function raise.

    Args:
        numbers: one number, several in one text with commas (``,`` or ``，``), or an iterable of these. A number is a
            str, or an int. Positions count the single numbers, from 1. Empty pieces at the ends of a text with commas
            (``"a,b,"``) do not count; any other empty piece is an invalid number.
        international: how numbers of other countries, which must be given with ``+`` or ``00`` and their country code,
            are spelled: ``"00"``, ``"plus"`` or ``"bare"``. None makes them invalid.

    Returns:
        The valid numbers in the order given, each once; the repeated ones; those that cannot be used, with the reason.
    """
    places, duplicate, invalid = _sort(numbers, international)
    return CleanNumbers(tuple(places), duplicate, invalid)


def recipients(
    numbers: object, *, international: International | None = None, allowed: Container[str] | None = None
) -> tuple[str, ...]:
    """The numbers of a send as they go over the wire, each once (vendor page, "SMS发送接口", ``mobile``).

    Args:
        numbers: as ``clean_numbers`` takes them.
        international: as ``clean_numbers`` takes it.
        allowed: the only numbers that may be sent to, in any spelling that ``clean_numbers`` reads; None for all.

    Raises:
        InvalidMessageError: naming every number that cannot be used, or that there is none.
    """
    if not isinstance(numbers, (str, int)) and not _is_several(numbers):
        kind = type(numbers).__name__
        del numbers
        raise InvalidMessageError(f"mobile must be a number or an iterable of numbers, not {kind}", field="mobile")
    places, duplicate, invalid = _sort(numbers, international)
    given = len(places) + len(duplicate) + len(invalid)
    # A traceback shows the locals of its frames: by then none of these may hold a number that its repr shows.
    del numbers
    if allowed is not None:
        if isinstance(allowed, Collection):
            allowed = frozenset(clean_numbers(allowed, international=international).valid)
        refused = [InvalidNumber(place, one, _NOT_ALLOWED) for one, place in places.items() if one not in allowed]
        invalid = tuple(sorted((*invalid, *refused), key=lambda bad: bad.position))
        del allowed
    if invalid:
        del places
        raise _unusable(invalid, given)
    if not places:
        raise InvalidMessageError("mobile holds no number", field="mobile")
    return tuple(places)


def split(numbers: tuple[str, ...], size: int) -> list[tuple[str, ...]]:
    """Return the recipients in batches of at most ``size``, in order."""
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]


def _sort(
    numbers: object, international: International | None
) -> tuple[dict[str, int], tuple[InvalidNumber, ...], tuple[InvalidNumber, ...]]:
    """The valid numbers with the positions where they came first, the repeated ones, the unusable ones."""
    plain = _plain(numbers)
    if plain is not None:
        return plain, (), ()
    places: dict[str, int] = {}
    duplicate: list[InvalidNumber] = []
    invalid: list[InvalidNumber] = []
    for position, given in enumerate(_singles(numbers), 1):
        if given.__class__ is str and _MAINLAND.fullmatch(given):
            number, reason = given, ""
        else:
            number, reason = _normalise(given, international)
        if reason:
            invalid.append(InvalidNumber(position, _as_text(given), reason))
        elif number in places:
            duplicate.append(InvalidNumber(position, _as_text(given), f"is the same as #{places[number]}"))
        else:
            places[number] = position
    return places, tuple(duplicate), tuple(invalid)


def _plain(numbers: object) -> dict[str, int] | None:
    """The usual at a glance: numbers as they go over the wire, none twice; None where anything is otherwise."""
    if isinstance(numbers, (list, tuple, set, frozenset)) and set(map(type, numbers)) == {str}:
        text = ",".join(numbers)
    elif type(numbers) is str:
        text = numbers
    else:
        # A class derived from str may spell itself otherwise.
        return None
    if not _ALL_MAINLAND.fullmatch(f"{text},"):
        return None
    pieces = text.split(",")
    places = dict(zip(pieces, itertools.count(1), strict=False))
    return places if len(places) == len(pieces) else None


def _is_several(numbers: object) -> bool:
    # The bytes of a number would come out as small integers, and a mapping says more than its keys.
    return isinstance(numbers, Iterable) and not isinstance(numbers, (bytes, bytearray, memoryview, Mapping))


def _singles(numbers: object) -> Iterator[Any]:
    """The single numbers in what was given, one by one, whatever they are."""
    if isinstance(numbers, str):
        yield from _pieces(numbers)
    elif not _is_several(numbers):
        yield numbers
    else:
        for element in cast("Iterable[object]", numbers):
            if isinstance(element, str) and ("," in element or "，" in element):
                # An element that is all commas is still an element: it counts, as an empty one.
                yield from _pieces(element) or [element]
            else:
                yield element


def _pieces(text: str) -> list[str]:
    pieces = _COMMA.split(text)
    start, end = 0, len(pieces)
    while start < end and not _strip(pieces[start]):
        start += 1
    while start < end and not _strip(pieces[end - 1]):
        end -= 1
    return pieces[start:end]


def _strip(given: str) -> str:
    return given.translate(_NORMAL).strip()


def _normalise(given: object, international: International | None) -> tuple[str, str]:
    """A number as it goes over the wire and an empty reason, or anything and the reason why it cannot."""
    if isinstance(given, bool) or not isinstance(given, (str, int)):
        return "", f"is not text but {type(given).__name__}"
    if isinstance(given, int) and given < 0:
        return "", _NOT_MAINLAND
    number = _strip(_as_text(given))
    if _MAINLAND.fullmatch(number):
        return number, ""
    if not _COMMA.sub("", number):
        return "", _EMPTY
    bare = number[1:] if number.startswith("+") else number.removeprefix("00")
    if not _DIGITS.fullmatch(bare):
        return "", _NOT_DIGITS
    if bare.startswith("86") and _MAINLAND.fullmatch(bare[2:]):
        return bare[2:], ""
    if bare == number:
        return "", _NEITHER
    if bare.startswith("86"):
        return "", _NOT_MAINLAND
    if not _E164.fullmatch(bare):
        return "", _NOT_E164
    if international is None:
        return "", _FOREIGN
    return _PREFIXES[international] + bare, ""


def _as_text(given: object) -> str:
    """What was given, as text; of a strange object only its kind, since its own text may fail or be endless."""
    if isinstance(given, (bytes, bytearray)):
        return bytes(given).decode("latin-1")
    if isinstance(given, int) and not -_HUGE < given < _HUGE:
        return "<int>"
    if given is None or isinstance(given, (str, int, float)):
        return str(given)
    return f"<{type(given).__name__}>"


def _unusable(invalid: tuple[InvalidNumber, ...], given: int) -> InvalidMessageError:
    named = [f"#{bad.position} {_masked(bad.number)}: {bad.reason}" for bad in invalid[:_SHOWN]]
    if len(invalid) > _SHOWN:
        named.append(f"and {len(invalid) - _SHOWN:,} more")
    return InvalidMessageError(
        f"{len(invalid):,} of {given:,} recipients cannot be used: {'; '.join(named)}", field="mobile", numbers=invalid
    )


def _masked(given: str) -> str:
    # Whoever confuses the arguments puts the message text here, and a code is in its last four characters.
    number = _strip(given)
    return mask_number(number) if _DIGITS.fullmatch(number.removeprefix("+")) else "***"
