"""An HTTP request and its reply as plain values: what the interfaces make and the transports move.

Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from jzysoap.model.errors import HttpStatusError
from jzysoap.model.masking import SecretBytes

EVIDENCE = 4096
"""Bytes of an unusable answer that an error keeps, where it need not keep all."""


class Timeout(NamedTuple):
    """Limits of one call, in seconds, each finite.

    Attributes:
        connect: to reach the gateway, TLS included.
        read: between two arrivals of bytes.
        total: for the whole call, name resolution apart.
    """

    connect: float
    read: float
    total: float


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be sent.

    Attributes:
        method: the HTTP method.
        url: where to, absolute.
        headers: all but those that the transport alone knows (Host, Content-Length).
        body: the body, or None.
        timeout: its limits.
        max_bytes: how large a reply may be, decompressed.
        consuming: whether the reply, once asked for, may be gone from the gateway.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: SecretBytes | None
    timeout: Timeout
    max_bytes: int
    consuming: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What came.

    Attributes:
        status: the HTTP status code.
        headers: by lower-case name.
        body: the body, decompressed; as much of it as came.
        problem: why that is not all of it, else None.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    problem: str | None = None

    @property
    def content_type(self) -> str:
        """The media type, in lower case, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str | None:
        """The charset that the Content-Type names, else None."""
        for parameter in self.headers.get("content-type", "").split(";")[1:]:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "charset":
                return value.strip().strip("\"'") or None
        return None


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: two addresses with the same are the same server.

    Raises:
        ValueError: the address has no host, or a port that is none.
    """
    parts: SplitResult = urlsplit(url)
    scheme = parts.scheme.lower()
    if not parts.hostname:
        raise ValueError("no host")
    return scheme, parts.hostname.lower(), parts.port or {"http": 80, "https": 443}.get(scheme, 0)


def evidence(body: bytes, secrets: Iterable[str], *, whole: bool) -> bytes:
    """What an error keeps of a body: all of it, or its first bytes without what they may echo."""
    if whole:
        return body
    # Cut last: a secret that lies across the cut would keep its beginning.
    for secret in sorted(secrets, key=len, reverse=True):
        for encoding in ("utf-8", "gb18030", "utf-16-le", "utf-16-be"):
            with suppress(UnicodeEncodeError):
                body = body.replace(secret.encode(encoding, "surrogatepass"), "***".encode(encoding))
    return body[:EVIDENCE]


def status_error(reply: Reply) -> HttpStatusError:
    """The error for an HTTP status that came without an answer."""
    hint = ""
    if reply.status == 404:
        hint = ": check base_url"
    elif reply.status in (301, 302, 303, 307, 308):
        hint = " (a redirect, which is never followed): check base_url"
    return HttpStatusError(f"the gateway answered with HTTP status {reply.status}{hint}", status=reply.status)
