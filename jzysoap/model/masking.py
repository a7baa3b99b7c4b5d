"""Masks for values that must not be shown: phone numbers, message texts, passwords and whole envelopes.

No log record, ``repr`` or error text may show them. The functions here return a short, harmless form of a value; the
two classes are values whose own ``repr`` is harmless.
"""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import quote, quote_plus

# A mobile number with separators anywhere, or any run of digits.
_LONG_DIGITS = re.compile(r"\d{7,}|(?<!\d)1[ .\u00a0-]{0,2}[3-9](?:[ .\u00a0-]{0,2}\d){9}(?!\d)")
_LOWER_PERCENT = re.compile("%[0-9A-F]{2}")
_SEPARATORS = str.maketrans("", "", " .\u00a0-")
_NUMBER = re.compile(r"\+?\d{10,}")
# What moves a terminal's cursor, turns the direction of its text, or is not seen at all; and lone surrogates.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]+"
)

RUN = 6
"""Characters of a secret in a row that are masked where a text has them. Shorter runs would garble more of a gateway's
words than they would hide."""

MAX_MESSAGE = 2000
"""Characters of an error's text at most."""

MAX_SHOWN = 200
"""Characters at most that are shown of a text from the gateway or a library."""

EVIDENCE = 4096
"""Bytes at most that an error keeps of an unusable answer, except a poll's, which is kept completely."""


class Secret(str):
    """A text that no ``repr`` shows. ``str()`` and formatting show it, since these put it on the wire."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class SecretNumber(Secret):
    """A mobile number. A text shows a part of it, as ``mask_number`` does, and nothing of its other spellings."""

    __slots__ = ()


class SecretBytes(bytes):
    """Bytes whose ``repr`` is only their length; so is their ``str()``, which never puts bytes on the wire."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"

    __str__ = __repr__


def spell(secret: str) -> set[str]:
    """Return the spellings in which a page or an error message may echo a secret, or the beginning of a long one."""
    secret = secret[:EVIDENCE]
    plain, attribute = html.escape(secret, quote=False), html.escape(secret)
    found = {secret, plain, attribute, attribute.replace("&#x27;", "&#39;"), attribute.replace("&#x27;", "&apos;")}
    found |= {one.encode("ascii", "xmlcharrefreplace").decode() for one in (secret, plain, attribute)}
    for pattern in ("&#x{:x};", "&#x{:X};", "&#{};"):
        found.add("".join(pattern.format(ord(one)) for one in secret))
        found.add("".join(one if one.isascii() else pattern.format(ord(one)) for one in secret))
    for ascii_only in (True, False):
        escaped = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        found |= {
            escaped,
            escaped.replace("/", "\\/"),
            re.sub(r"\\u[0-9a-f]{4}", lambda one: "\\u" + one[0][2:].upper(), escaped),
        }
    for charset in ("utf-8", "gbk"):
        encoded = b64encode(secret.encode(charset, "replace")).decode("ascii")
        found |= {encoded, encoded.rstrip("=")}
        quotes = (
            quote_plus(secret, "", charset, "replace"),
            quote(secret, "", charset, "replace"),
            quote_plus(encoded),
        )
        for quoted in quotes:
            found |= {quoted, _LOWER_PERCENT.sub(lambda one: one[0].lower(), quoted), quoted.replace("%2F", "/")}
    return {one for one in found if one}


def mask_number(number: str) -> str:
    """Return a number as ``138****5678``; a shorter text, or one that is not a number, is masked completely."""
    digits = number.translate(_SEPARATORS)
    if len(digits) < 11 or not _NUMBER.fullmatch(digits):
        # If a caller swaps mobile and text, this "number" is the message: hide all of it.
        return "*" * min(len(number), 11)
    return f"{digits[:3]}****{digits[-4:]}"


def tidy(text: str, limit: int = MAX_MESSAGE) -> str:
    """Return a text that no terminal is disturbed by: unprintable characters become blanks, and its end is cut off."""
    text = _UNPRINTABLE.sub(" ", text).strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def escape_unprintable(text: str) -> str:
    """Return a text whose unprintable characters are written as escapes, such as ``\\x1b``."""
    return _UNPRINTABLE.sub(lambda run: run[0].encode("unicode_escape").decode(), text)


def mask_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a foreign text for a log or an error: secrets and long digits masked, control characters removed, cut.

    Secrets are masked in every spelling, and so are runs of their characters, as in a text that was shortened.
    """
    secrets = [secret for secret in secrets if secret]
    numbers = {secret for secret in secrets if isinstance(secret, SecretNumber)}
    # The longest spelling first, since a secret may be part of another.
    forms = sorted({form for secret in secrets for form in spell(secret)} - numbers, key=len, reverse=True)
    # What is cut off anyway need not be searched. Half a secret at the cut would not be recognised.
    text = text[: 4 * MAX_SHOWN + sum(map(len, forms[:1]))]
    for form in forms:
        text = text.replace(form, "***")
    for secret in secrets:
        if secret not in numbers:
            text = _mask_runs(text, secret[:EVIDENCE])
    text = _LONG_DIGITS.sub(lambda run: mask_number(run[0]), text)
    return tidy(text, MAX_SHOWN)


def _mask_runs(text: str, secret: str) -> str:
    start = 0
    while start + RUN <= len(secret):
        end = start + RUN
        if secret[start:end] in text:
            while end < len(secret) and secret[start : end + 1] in text:
                end += 1
            text = text.replace(secret[start:end], "***")
            start = end
        else:
            start += 1
    return text


def mask_batch_id(batch_id: str | None) -> str | None:
    """Return a batch id for a ``repr``: a gateway's text need not be short or printable."""
    if batch_id is None or (batch_id.isalnum() and len(batch_id) <= 40):
        return batch_id
    return mask_text(batch_id)


def mask_evidence(body: bytes, secrets: Iterable[str]) -> bytes:
    """Return the first bytes of an answer, with the secrets that it echoes masked."""
    forms = sorted({form for secret in secrets if secret for form in spell(secret)}, key=len, reverse=True)
    # Masked before the cut, since half a secret at the cut would not be recognised.
    body = body[: EVIDENCE + 4 * sum(map(len, forms[:1]))]
    for form in forms:
        for encoding in ("utf-8", "gb18030", "utf-16-le", "utf-16-be"):
            with suppress(UnicodeEncodeError):
                body = body.replace(form.encode(encoding, "surrogatepass"), "***".encode(encoding))
    return body[:EVIDENCE]
