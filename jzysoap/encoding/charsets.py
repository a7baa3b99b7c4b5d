"""The charset of a reply: its bytes to text, whatever charset the server declares."""

from __future__ import annotations

import codecs
import re

ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
"""The characters that no XML document can have."""

# Compiled when first needed, since compiling it takes longer than importing most of this library. A range beyond U+FFFF
# would make that several times as long.
_EAST_ASIAN = "[^\x00-\u2e7f]"

# Charsets that a server declares by default: they say nothing about the body, and most of them decode any bytes.
_DEFAULTS = re.compile(r"iso8859-|ascii$|cp125\d$|cp437$|cp850$|latin|charmap$|mac-roman$")

# Python's codecs that are not charsets of documents, or (UTF-7) that no server means. bytes.decode itself refuses those
# that do not make text of bytes (hex, rot13, zip).
_NO_CHARSETS = {"utf-7", "idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "mbcs", "oem"}

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    # Before UTF-16: its little-endian mark is the beginning of UTF-32's.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(data: bytes, declared: str | None = None) -> str:
    """Return the text of a reply's body; never fails.

    Declarations are often wrong: UTF-8 may be declared as GBK, Java's servers declare ISO-8859-1 by default, and NuSOAP
    declares it for UTF-8 (tests/recorded/nusoap-rpcenc/sendSms_fault). So the rules are, in this order:

    1. A byte order mark of UTF-8, UTF-16 or UTF-32 decides.
    2. ASCII without zero bytes is ASCII. With zero bytes it may be UTF-16.
    3. Valid UTF-8 with a character from U+2E80 on is UTF-8, whatever is declared: text in another charset is not valid
       UTF-8 by chance. The last character may be cut off.
    4. The declared charset, unless it is a default, if the bytes are valid in it. GB2312 and GBK are decoded as their
       superset GB18030.
    5. UTF-8 if valid, else GB18030, with invalid bytes replaced.

    Args:
        data: the bytes.
        declared: the charset of the ``Content-Type`` header or the XML declaration; unknown names are ignored.
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
    for charset in (_declared_on_purpose(declared), "utf-8"):
        # .NET declares UTF-16 for every XML string, whatever the charset of its bytes.
        if charset.startswith(("utf-16", "utf-32")) and b"\0" not in data:
            continue
        try:
            return data.decode(charset)
        except (LookupError, UnicodeError):
            continue
    return data.decode("gb18030", "replace")


def looks_like_html(text: str) -> bool:
    """Return True if a text is a web page, such as a login form or the error page of a proxy."""
    return "<html" in text[:4096].lower() or "<!doctype html" in text[:4096].lower()


def _declared_on_purpose(declared: str | None) -> str:
    """Return Python's name of the declared charset; UTF-8, which is tried anyway, if it is a default or unknown."""
    try:
        name = codecs.lookup(declared or "utf-8").name.replace("_", "-")
    except (LookupError, ValueError):
        return "utf-8"
    if name in ("gb2312", "gbk"):
        return "gb18030"
    return "utf-8" if name in _NO_CHARSETS or _DEFAULTS.match(name) else name
