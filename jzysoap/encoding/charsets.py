"""The bytes of an answer as text, whatever charset it declares."""

from __future__ import annotations

import codecs
import re

ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
"""What no XML document can hold."""

# Compiled when first needed: it takes longer than most of this library. It names nothing beyond U+FFFF, or it would
# take several times as long.
_EAST_ASIAN = "[^\x00-\u2e7f]"

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


def _meant(declared: str | None) -> str:
    """Python's name of a charset that was declared on purpose, else UTF-8's, which is tried next anyway."""
    try:
        name = codecs.lookup(declared or "utf-8").name.replace("_", "-")
    except (LookupError, ValueError):
        return "utf-8"
    if name in ("gb2312", "gbk"):
        return "gb18030"
    return "utf-8" if name in _NO_CHARSETS or _DEFAULTS.match(name) else name
