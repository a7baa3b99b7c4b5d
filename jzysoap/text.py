"""Message text: what the wire can carry, what it costs; and the bytes of an answer as text.

No error here has a text that shows the message.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

from jzysoap.errors import InvalidMessageError

SINGLE = 70
"""UTF-16 units that a message of one segment holds: an assumption of the platform, as everywhere in GSM's UCS-2."""

PART = 67
"""UTF-16 units in each segment of a longer message: three go into the header that joins them."""

ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
"""What no XML document can hold."""

# Compiled when first needed: it takes longer than most of this library. It names nothing beyond U+FFFF, or it would
# take several times as long.
_EAST_ASIAN = "[^\x00-\u2e7f]"

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

# Charsets that a server declares because it declares them for everything: they say nothing about the body, and most
# of them decode any bytes at all.
_DEFAULTS = re.compile(r"iso8859-|ascii$|cp125\d$|cp437$|cp850$|latin|charmap$|mac-roman$")

# Codecs of Python that are no charset of a document, or (UTF-7) one that no server means.
# Those that make no text of bytes at all (hex, rot13, zip) are refused by bytes.decode itself.
_NO_CHARSETS = {"utf-7", "idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "mbcs", "oem"}

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    # UTF-32's little-endian mark begins with UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


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


def decode(data: bytes, declared: str | None = None) -> str:
    """The body of an answer as text; never fails.

    A declaration is not believed as such: UTF-8 is seen declared as GBK, and Java's servers declare ISO-8859-1 where
    nobody chose. So, in this order:

    1. a byte order mark of UTF-8, 16 or 32 wins;
    2. ASCII is ASCII (with a NUL in it, it may be UTF-16);
    3. what is valid UTF-8 with an East Asian character or a later one in it, is UTF-8, whatever was declared: other
       charsets do not look like that by chance. A last character cut in two does not count against it;
    4. the declared charset, where it is one that is declared on purpose and the bytes are valid in it. GB2312 and GBK
       are read as their superset, GB18030;
    5. UTF-8 where valid, else GB18030, bytes that mean nothing replaced.

    Args:
        data: the bytes.
        declared: the charset of the ``Content-Type`` header or the XML declaration; unknown ones do no harm.
    """
    for mark, charset in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(charset, "replace")
    if data.isascii() and b"\0" not in data:
        return data.decode("ascii")
    reader = codecs.getincrementaldecoder("utf-8")()
    try:
        text = reader.decode(data)
    except UnicodeDecodeError:
        pass
    else:
        if re.search(_EAST_ASIAN, text):
            return text + ("\ufffd" if reader.getstate()[0] else "")
    for charset in (_meant(declared), "utf-8"):
        # .NET declares UTF-16 for every string that it writes, in whatever charset the bytes are then sent.
        if charset.startswith(("utf-16", "utf-32")) and b"\0" not in data:
            continue
        try:
            return data.decode(charset)
        except (LookupError, UnicodeError):
            continue
    return data.decode("gb18030", "replace")


def looks_like_html(text: str) -> bool:
    """Whether it is a page for people."""
    return "<html" in text[:4096].lower() or "<!doctype html" in text[:4096].lower()


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


def _meant(declared: str | None) -> str:
    """Python's name of a charset that was declared on purpose, else UTF-8's, which is tried next anyway."""
    try:
        name = codecs.lookup(declared or "utf-8").name.replace("_", "-")
    except (LookupError, ValueError):
        return "utf-8"
    if name in ("gb2312", "gbk"):
        return "gb18030"
    return "utf-8" if name in _NO_CHARSETS or _DEFAULTS.match(name) else name
