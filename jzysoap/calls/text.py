"""Message text: the characters that the wire can carry, and the number of messages that a text costs.

No error text here shows the message.
"""

from __future__ import annotations

import re
import unicodedata

from jzysoap.encoding.charsets import ILLEGAL
from jzysoap.model.door import public
from jzysoap.model.errors import InvalidMessageError

SINGLE = 70
"""UTF-16 units of a message of one segment, as usual in GSM: an assumption (docs/protocol.md#what-is-not-known)."""

PART = 67
"""UTF-16 units of each segment of a longer message: the header that joins the segments takes three."""

# Characters that GBK lacks, and their nearest readable form. NFKC finds most others.
_READABLE = {
    "€": "EUR",
    "•": "·",
    "‣": "·",
    "™": "(TM)",
    "®": "(R)",
    "©": "(C)",
    "£": "￡",
    "¥": "￥",
    "¢": "￠",
    "¬": "￢",
    "¦": "￤",
    "«": "《",
    "»": "》",
    "‹": "〈",
    "›": "〉",
    "„": "“",
    "‟": "“",
    "‚": "‘",
    "‛": "‘",
    "ß": "ss",
    "æ": "ae",
    "Æ": "AE",
    "œ": "oe",
    "Œ": "OE",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
    "−": "-",
    "⁄": "/",
    "✓": "√",
    "✔": "√",
    "✗": "×",
    "✘": "×",
    "➜": "→",
    "\u0085": "\n",
    "\u2028": "\n",
    "\u2029": "\n",
}


# Unicode's Default_Ignorable_Code_Point, as far as these are not format characters (DerivedCoreProperties.txt).
_DEFAULT_IGNORABLE = (
    *(("\u034f", "\u034f"), ("\u115f", "\u1160"), ("\u17b4", "\u17b5"), ("\u180b", "\u180f"), ("\u2065", "\u2065")),
    *(("\u3164", "\u3164"), ("\ufe00", "\ufe0f"), ("\uffa0", "\uffa0"), ("\ufff0", "\ufff8")),
    ("\U000e0000", "\U000e0fff"),
)


def check_text(text: object, *, field: str = "text") -> str:
    """Check that an XML document can carry a message text (docs/protocol.md#arguments, ``content``), and return it.

    Args:
        text: the given value.
        field: the argument's name, for the error.

    Raises:
        InvalidMessageError: the value is not text, or blank, or has a character that XML 1.0 cannot carry; the error
            names the character and its position.
    """
    if not isinstance(text, str):
        raise InvalidMessageError(f"{field} must be text, not {type(text).__name__}", field=field)
    if not text.strip():
        raise InvalidMessageError(f"{field} is empty", field=field, text=text)
    illegal = ILLEGAL.search(text)
    if illegal is None:
        return text
    raise _character_error(text, field, illegal.start(), "which XML cannot carry")


def sign(text: str, signature: str) -> str:
    """Return the text with the signature in front, unless it begins with this signature already.

    Blanks and invisible characters in front of a signature are removed: the gateway may not find it behind them.

    Args:
        text: the message.
        signature: with or without its ``【】``; empty for none.
    """
    name = signature[1:-1] if signature.startswith("【") and signature.endswith("】") else signature
    mark = f"【{name}】"
    if not name or text.startswith(mark):
        return text
    bare = _skip_invisible(text)
    return bare if bare.startswith(mark) else mark + text


def has_other_signature(text: str, signature: str) -> bool:
    """Return True if a text begins with a signature, and ``sign`` would put another one in front."""
    found = re.match("【[^【】]+】", _skip_invisible(text))
    return bool(signature) and found is not None and found[0].strip("【】") != signature.strip("【】")


def remove_invisible(text: str) -> str:
    """Return a text without the characters that Unicode calls format characters or default ignorable."""
    return "".join(character for character in text if not _is_invisible(character))


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) == "Cf" or any(
        first <= character <= last for first, last in _DEFAULT_IGNORABLE
    )


def _skip_invisible(text: str) -> str:
    visible = (place for place, one in enumerate(text) if not (one.isspace() or _is_invisible(one)))
    return text[next(visible, 0) :]


def utf16_units(text: str) -> int:
    """Count the UTF-16 units of a text: two for a character beyond U+FFFF, such as an emoji, one for all others."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@public
def count_segments(text: str, *, signature: str = "", single: int = SINGLE, part: int = PART) -> int:
    """Count the messages that a text costs for each recipient, its signature included.

    The limits, 70 UTF-16 units in one message and 67 in each of several, are an assumption: the vendor names none
    (docs/protocol.md#what-is-not-known).

    Args:
        text: the message.
        signature: the signature, with or without its ``【】``, that is put in front unless the text begins with it.
        single: UTF-16 units that fit in one message.
        part: UTF-16 units that fit in each of several messages.

    Returns:
        The number of messages, at least 1.

    Raises:
        InvalidMessageError: ``text`` is not text, or a limit is below 1.
    """
    if not isinstance(text, str):
        raise InvalidMessageError(f"text must be text, not {type(text).__name__}", field="text")
    for name, limit in (("single", single), ("part", part)):
        if limit < 1:
            raise InvalidMessageError(f"{name} must be at least 1", field=name)
    return segments_of(utf16_units(sign(text, signature)), single, part)


def segments_of(units: int, single: int = SINGLE, part: int = PART) -> int:
    """Return the number of messages for so many UTF-16 units, as ``count_segments`` does."""
    return 1 if units <= single else -(-units // part)


def check_gbk(text: str, *, field: str = "text") -> None:
    """Refuse a text that the servlet's form cannot carry, since its charset is GBK (docs/protocol.md#http-servlet).

    Python's GBK decides. Java's GBK has the same bytes for all its characters but ⊕ (U+2295), which Java's lacks.

    Raises:
        InvalidMessageError: naming the first character that GBK lacks, its position, and how many there are.
    """
    try:
        text.encode("gbk")
    except UnicodeEncodeError as error:
        count = sum(not _fits_gbk(character) for character in text)
        others = f", and {count - 1:,} more" if count > 1 else ""
        advice = "gbk_safe(text) returns a text that it can"
        raise _character_error(text, field, error.start, f"which GBK cannot encode{others}: {advice}") from None


@public
def gbk_safe(text: str) -> str:
    """Return the nearest readable text that GBK can encode.

    Characters of GBK stay verbatim. Of all others:

    - some signs become a readable form (``€`` ``EUR``, ``™`` ``(TM)``, ``•`` ``·``, ``£`` ``￡``, ``«`` ``《``);
    - spaces become an ordinary space;
    - invisible characters (of zero width, direction and emoji marks) are removed;
    - compatibility forms become their plain form, and letters lose an accent that GBK lacks;
    - everything else becomes ``?``, emoji included.

    Raises:
        InvalidMessageError: ``text`` is not text.
    """
    if not isinstance(text, str):
        raise InvalidMessageError(f"text must be text, not {type(text).__name__}", field="text")
    if _fits_gbk(text):
        return text
    return "".join(character if _fits_gbk(character) else _find_nearest(character) for character in text)


def name_character(character: str) -> str:
    """Return a character's code point and its Unicode name, if it has one, for an error."""
    if "\ud800" <= character <= "\udfff":
        name = "a lone surrogate"
    else:
        name = unicodedata.name(character, "a control character" if unicodedata.category(character) == "Cc" else "")
    return f"U+{ord(character):04X} {name}".rstrip()


def _character_error(text: str, field: str, position: int, why: str) -> InvalidMessageError:
    return InvalidMessageError(
        f"{field} has {name_character(text[position])} at position {position} (counted from 0), {why}",
        field=field,
        text=text,
        position=position,
    )


def _fits_gbk(text: str) -> bool:
    try:
        text.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True


def _find_nearest(character: str) -> str:
    """Return the nearest readable form, in GBK, of a character that GBK lacks."""
    if character in _READABLE:
        return _READABLE[character]
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    if category in ("Cf", "Mn", "Me"):
        return ""
    for form in ("NFKC", "NFKD"):
        parts = unicodedata.normalize(form, character)
        # Accents are separate characters here; they are dropped. An unchanged character has no plainer form.
        plain = "".join(_READABLE.get(part, part) for part in parts if not unicodedata.combining(part))
        if plain and _fits_gbk(plain):
            return plain
    return "?"
