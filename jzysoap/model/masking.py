"""Masks for values that must not be shown: phone numbers, message texts, passwords and whole envelopes.

No log record, ``repr`` or error text may show them. The functions here return a short, harmless form of a value; the
two classes are values whose own ``repr`` is harmless.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import quote_plus

_LONG_DIGITS = re.compile(r"\d{7,}|(?<!\d)1\d\d[ -]\d{4}[ -]\d{4}(?!\d)")
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_SEPARATORS = str.maketrans("", "", " -")
_NUMBER = re.compile(r"\+?\d{10,}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")

MAX_SHOWN = 200
"""Characters at most that are shown of a text from the gateway or a library."""

EVIDENCE = 4096
"""Bytes at most that an error keeps of an unusable answer, except a poll's, which is kept completely."""


class Secret(str):
    """A text that no ``repr`` shows. ``str()`` and formatting show it, since these put it on the wire."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class SecretBytes(bytes):
    """Bytes whose ``repr`` is only their length; so is their ``str()``, which never puts bytes on the wire."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"

    __str__ = __repr__


def echo_forms(*secrets: str) -> tuple[Secret, ...]:
    """Return the forms in which a page or an error message may echo secrets: verbatim, URL-encoded, as HTML."""
    found = {Secret(secret.translate(_HTML)) for secret in secrets} | {Secret(secret) for secret in secrets}
    for encoding in ("utf-8", "gbk"):
        found |= {Secret(quote_plus(secret, encoding=encoding, errors="replace")) for secret in secrets}
    return tuple(found)


def mask_number(number: str) -> str:
    """Return a number as ``138****5678``; a shorter text, or one that is not a number, is masked completely."""
    digits = number.translate(_SEPARATORS)
    if len(digits) < 11 or not _NUMBER.fullmatch(digits):
        # If a caller swaps mobile and text, this "number" is the message: hide all of it.
        return "*" * min(len(number), 11)
    return f"{digits[:3]}****{digits[-4:]}"


def mask_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a foreign text for a log or an error: secrets and long digits masked, control characters removed, cut."""
    # The longest secret first, since a secret may be part of another.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    text = _LONG_DIGITS.sub(lambda run: mask_number(run[0]), text)
    text = _UNPRINTABLE.sub(" ", text).strip()
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def mask_batch_id(batch_id: str | None) -> str | None:
    """Return a batch id for a ``repr``: a gateway's text need not be short or printable."""
    if batch_id is None or (batch_id.isalnum() and len(batch_id) <= 40):
        return batch_id
    return mask_text(batch_id)


def mask_evidence(body: bytes, secrets: Iterable[str]) -> bytes:
    """Return the first bytes of an answer, with the secrets that it echoes masked."""
    # Masked before the cut, since half a secret at the cut would not be recognised.
    for secret in sorted(secrets, key=len, reverse=True):
        for encoding in ("utf-8", "gb18030", "utf-16-le", "utf-16-be"):
            with suppress(UnicodeEncodeError):
                body = body.replace(secret.encode(encoding, "surrogatepass"), "***".encode(encoding))
    return body[:EVIDENCE]
