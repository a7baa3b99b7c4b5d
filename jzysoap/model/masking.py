"""What may be shown of a value that must not be shown.

Phone numbers, message texts, passwords and whole envelopes pass through this library. Nothing of them may reach a log,
a ``repr`` or the text of an error, error trackers that capture local variables included. The functions here make the
short, harmless form; the two classes carry a value whose own ``repr`` is harmless.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote_plus

_LONG_DIGITS = re.compile(r"\d{7,}|(?<!\d)1\d\d[ -]\d{4}[ -]\d{4}(?!\d)")
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_SEPARATORS = str.maketrans("", "", " -")
_NUMBER = re.compile(r"\+?\d{10,}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")

SHOWN = 200
"""Characters of a foreign text that are shown at most."""

EVIDENCE = 4096
"""Bytes of an unusable answer that an error keeps, unless it must keep all of them."""


class Secret(str):
    """A text that no ``repr`` shows. ``str()`` and formatting still give it: that is how it reaches the wire."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class SecretBytes(bytes):
    """Bytes whose ``repr`` is only their length; ``str()``, which for bytes is no way to the wire, gives the same."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"

    __str__ = __repr__


def mask_repr(value: Any) -> Any:
    """A value of the caller's in a form whose ``repr`` is harmless: text, bytes, or a mapping to these."""
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, (bytes, bytearray)):
        return SecretBytes(value)
    if isinstance(value, Mapping):
        return {key: mask_repr(one) for key, one in value.items()}
    return value


def echo_forms(*secrets: str) -> tuple[Secret, ...]:
    """Secrets as a page or an error message may echo them: as they are, as a form has them, as HTML."""
    found = {Secret(secret.translate(_HTML)) for secret in secrets} | {Secret(secret) for secret in secrets}
    for encoding in ("utf-8", "gbk"):
        found |= {Secret(quote_plus(secret, encoding=encoding, errors="replace")) for secret in secrets}
    return tuple(found)


def mask_number(number: str) -> str:
    """``138****5678``; what is shorter than a mainland number, or no number at all, is mask_repr whole."""
    digits = number.translate(_SEPARATORS)
    if len(digits) < 11 or not _NUMBER.fullmatch(digits):
        # Whoever confuses the arguments of a send has the text in the place of a number.
        return "*" * min(len(number), 11)
    return f"{digits[:3]}****{digits[-4:]}"


def mask_text(text: str, secrets: Iterable[str] = ()) -> str:
    """A foreign text made fit for a log: secrets and long runs of digits masked, control characters out, cut short."""
    # The longest first: one may be part of another.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    text = _LONG_DIGITS.sub(lambda run: mask_number(run[0]), text)
    text = _UNPRINTABLE.sub(" ", text).strip()
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def mask_batch_id(batch_id: str | None) -> str | None:
    """Return a batch id for a ``repr``: a gateway's text need not be short or printable."""
    if batch_id is None or (batch_id.isalnum() and len(batch_id) <= 40):
        return batch_id
    return mask_text(batch_id)


def mask_evidence(body: bytes, secrets: Iterable[str]) -> bytes:
    """Return the first bytes of an answer, with the secrets that it echoes masked."""
    # Masked before it is cut: half of a secret at the cut would not be recognised.
    for secret in sorted(secrets, key=len, reverse=True):
        for encoding in ("utf-8", "gb18030", "utf-16-le", "utf-16-be"):
            with suppress(UnicodeEncodeError):
                body = body.replace(secret.encode(encoding, "surrogatepass"), "***".encode(encoding))
    return body[:EVIDENCE]
