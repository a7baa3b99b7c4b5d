"""The charset of a reply: its bytes to text, whatever charset the server declares."""

from __future__ import annotations

import codecs
import re

ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
"""The characters that no XML document can have."""

# Compiled when first needed, since compiling it takes longer than importing most of this library. A range beyond U+FFFF
# would make that several times as long.
_EAST_ASIAN = "[^\x00-\u2e7f]"

# ASCII with single signs of Latin-1, and with accented letters in words that have other letters too.
_LATIN = (
    r"(?:[\x00-\x7f]|(?<![^\x00-\x7f])[\xa0-\u024f](?![^\x00-\x7f])"
    r"|(?<=[A-Za-z])[\xc0-\u024f]+|[\xc0-\u024f]+(?=[A-Za-z]))*"
)
# What a declaration is worth, in bytes, when they are valid in no charset.
_DECLARED_BONUS = 6

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
    5. Valid UTF-8 is UTF-8, unless nothing is declared and the bytes are GB2312 too: then Chinese words are likelier
       than Greek, Cyrillic or several accented letters in a row.
    6. Otherwise bytes are invalid: the charset of the three in which most characters are valid. Each invalid byte
       becomes U+FFFD and costs only itself.

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
    on_purpose = _declared_on_purpose(declared)
    # .NET declares UTF-16 for every XML string, whatever the charset of its bytes.
    if on_purpose.startswith(("utf-16", "utf-32")):
        if b"\0" in data:
            return data.decode(on_purpose, "replace")
        on_purpose = ""
    for charset in (on_purpose, "utf-8"):
        try:
            text = data.decode(charset)
        except (LookupError, UnicodeError):
            continue
        chinese = "" if on_purpose else _chinese_instead(data, text)
        return chinese or text
    # The first one of those with the highest score.
    attempts = [_decode_damaged(data, charset, on_purpose) for charset in (on_purpose, "utf-8", "gb18030") if charset]
    return max(attempts, key=lambda attempt: attempt[0])[1]


def _decode_damaged(data: bytes, charset: str, declared: str) -> tuple[int, str]:
    """Decode bytes that are not valid in a charset; return a score, and the text.

    The score is the number of bytes that are valid characters, less three for each place that is not.
    """
    text = data.decode(charset, "replace")
    if charset == "utf-8":
        # Two bytes of GBK are a letter of UTF-8 rather often, three bytes hardly ever: these count twice.
        valid = 6 * len(re.sub("[\x00-\u07ff\ufffd]", "", text))
        damaged = text.count("\ufffd")
    else:
        # Nearly any two bytes are a character of GB18030. Words are made of those of GB2312.
        likely = data.decode("gb2312", "replace") if charset == "gb18030" else text
        valid = 2 * len(re.sub("[\x00-\x7f\ufffd]", "", likely))
        damaged = likely.count("\ufffd")
    return valid - 3 * damaged + (_DECLARED_BONUS if charset == declared else 0), text


def _chinese_instead(data: bytes, text: str) -> str:
    """Return the Chinese text of bytes that are valid UTF-8 without an East Asian character; empty if there is none."""
    try:
        chinese = data.decode("gb2312")
    except UnicodeError:
        return ""
    return "" if re.fullmatch(_LATIN, text) else chinese


def looks_like_html(text: str) -> bool:
    """Return True if a text is a web page, such as a login form or the error page of a proxy."""
    return "<html" in text[:4096].lower() or "<!doctype html" in text[:4096].lower()


def is_garbled(text: str) -> bool:
    """Return True if a text cannot be what its author wrote.

    It then has question marks in a row, or letters that came of bytes read in a wrong charset. The gateway's words are
    Chinese or English; any other letter is a sign of a wrong charset.
    """
    if re.search(r"[?\uff1f]{2}|\ufffd|\u951f\u65a4\u62f7", text):
        return True
    if re.search("[\x80-\x9f\xa1-\xb6\xb8-\u02ff\u0370-\u1fff\ue000-\uf8ff]", text):
        return True
    try:
        # UTF-8 that was read as GBK.
        return re.search(_EAST_ASIAN, text.encode("gb18030").decode("utf-8")) is not None
    except UnicodeError:
        return False


def _declared_on_purpose(declared: str | None) -> str:
    """Return Python's name of the declared charset; empty if it is a default, unknown, or none."""
    try:
        name = codecs.lookup(declared or "").name.replace("_", "-")
        # Refused by a codec that makes no bytes of text.
        "1".encode(name)
    except (LookupError, ValueError):
        return ""
    if name in ("gb2312", "gbk"):
        return "gb18030"
    return "" if name in _NO_CHARSETS or _DEFAULTS.match(name) else name
