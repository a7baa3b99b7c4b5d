"""Message text: what the wire can carry and what it costs.

No error here has a text that shows the message.
"""

from __future__ import annotations

import unicodedata

from jzysoap.encoding.charsets import ILLEGAL
from jzysoap.model.errors import InvalidMessageError

SINGLE = 70
"""UTF-16 units that a message of one segment holds: an assumption of the platform, as everywhere in GSM's UCS-2."""

PART = 67
"""UTF-16 units in each segment of a longer message: three go into the header that joins them."""

# What has no spelling in GBK but a reading that has one; NFKC finds most others.
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


def check_text(text: object, *, field: str = "text") -> str:
    """A message text that an XML document can carry (vendor page, "SMS发送接口", ``content``).

    Args:
        text: what was given.
        field: the argument's name, for the error.

    Raises:
        InvalidMessageError: no text, nothing in it, or a character that XML 1.0 cannot carry, by name and position.
    """
    if not isinstance(text, str):
        raise InvalidMessageError(f"{field} must be text, not {type(text).__name__}", field=field)
    if not text.strip():
        raise InvalidMessageError(f"{field} is empty", field=field, text=text)
    illegal = ILLEGAL.search(text)
    if illegal is None:
        return text
    raise _unspellable(text, field, illegal.start(), "which XML cannot carry")


def sign(text: str, signature: str) -> str:
    """The text with the signature in front, once.

    Args:
        text: the message; left alone when it begins with this signature already.
        signature: with or without its ``【】``; empty for none.
    """
    name = signature[1:-1] if signature.startswith("【") and signature.endswith("】") else signature
    mark = f"【{name}】"
    return text if not name or text.startswith(mark) else mark + text


def utf16_units(text: str) -> int:
    """How many UTF-16 units a text has: two for a character beyond U+FFFF, such as an emoji, else one."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def count_segments(text: str, *, signature: str = "", single: int = SINGLE, part: int = PART) -> int:
    """How many messages a text costs for each recipient, its signature included.

    That the platform counts UTF-16 units, 70 for one message and 67 for each of several, is an assumption: the vendor
    does not say.

    Args:
        text: the message.
        signature: what ``sign`` puts in front.
        single: UTF-16 units that fit in one message.
        part: UTF-16 units that fit in each of several.

    Raises:
        InvalidMessageError: ``text`` is no text, or a limit is below one.
    """
    if not isinstance(text, str):
        raise InvalidMessageError(f"text must be text, not {type(text).__name__}", field="text")
    for name, limit in (("single", single), ("part", part)):
        if limit < 1:
            raise InvalidMessageError(f"{name} must be at least 1", field=name)
    units = utf16_units(sign(text, signature))
    return 1 if units <= single else -(-units // part)


def is_long(text: str, single: int = SINGLE) -> bool:
    """Whether a text, signed already, is more than one message (vendor page: ``isLongSms``, 加长短信)."""
    return utf16_units(text) > single


def check_gbk(text: str, *, field: str = "text") -> None:
    """Refuses a text that the servlet's form cannot spell: it is GBK (vendor page: 采用 GBK 进行URLENCODE).

    Python's GBK is the measure: what it spells is spelled with the same bytes by Java's, but for ⊕ (U+2295), which
    Java's does not have.

    Raises:
        InvalidMessageError: naming the first such character, its position, and how many there are.
    """
    try:
        text.encode("gbk")
    except UnicodeEncodeError as error:
        start = error.start
    else:
        return
    count = sum(not _spellable(character) for character in text)
    others = f", and {count - 1:,} more" if count > 1 else ""
    raise _unspellable(text, field, start, f"which GBK cannot spell{others}: gbk_safe(text) makes a text that it can")


def gbk_safe(text: str) -> str:
    """A text that GBK can spell, as near to this one as can be read.

    What GBK spells stays as it is. Of the rest: a few signs get what is read in their place (``€`` ``EUR``, ``™``
    ``(TM)``, ``•`` ``·``, ``£`` ``￡``, ``«`` ``《``); other spaces become a space; what cannot be seen (zero-width
    characters, direction and emoji marks) goes; compatibility forms get their plain one, letters lose an accent that
    GBK does not know; everything else, emoji among it, becomes ``?``.

    Raises:
        InvalidMessageError: ``text`` is no text.
    """
    if not isinstance(text, str):
        raise InvalidMessageError(f"text must be text, not {type(text).__name__}", field="text")
    if _spellable(text):
        return text
    return "".join(character if _spellable(character) else _nearest(character) for character in text)


def name_character(character: str) -> str:
    """How an error names a character: its code point, and its Unicode name where it has one."""
    if "\ud800" <= character <= "\udfff":
        name = "half of a surrogate pair"
    else:
        name = unicodedata.name(character, "a control character" if unicodedata.category(character) == "Cc" else "")
    return f"U+{ord(character):04X} {name}".rstrip()


def _unspellable(text: str, field: str, position: int, why: str) -> InvalidMessageError:
    return InvalidMessageError(
        f"{field} has {name_character(text[position])} at position {position} (counted from 0), {why}",
        field=field,
        text=text,
        position=position,
    )


def _spellable(text: str) -> bool:
    try:
        text.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True


def _nearest(character: str) -> str:
    """What stands in GBK for a character that it cannot spell."""
    if character in _READABLE:
        return _READABLE[character]
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    if category in ("Cf", "Mn", "Me"):
        return ""
    for form in ("NFKC", "NFKD"):
        parts = unicodedata.normalize(form, character)
        # The separated marks of an accent go, as they do above; what stays the same has no plainer form.
        plain = "".join(_READABLE.get(part, part) for part in parts if not unicodedata.combining(part))
        if plain and _spellable(plain):
            return plain
    return "?"
