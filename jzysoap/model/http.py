"""HTTP requests and replies as plain values. Interfaces make requests and read replies; transports exchange them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit


class Timeout(NamedTuple):
    """Limits of one call, in seconds, each finite.

    Attributes:
        connect: to reach the gateway: name resolution, all its addresses, a proxy and TLS together.
        read: between two arrivals of bytes.
        total: for the whole call.
    """

    connect: float
    read: float
    total: float


# mypy allows no assignment in the body of a named tuple.
Timeout.__module__ = "jzysoap"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request that a transport is to send.

    Attributes:
        method: the HTTP method.
        url: the absolute address.
        headers: all except those that only the transport knows (Host, Content-Length).
        body: the body, or None.
        timeout: the limits of this exchange.
        max_bytes: how large a reply may be, decompressed.
        consuming: True if the gateway may forget the reply once it was asked for.
        not_after: the moment, on the clock ``time.CLOCK_BOOTTIME`` where there is one, else ``time.monotonic()``, after
            which the first byte must not be sent; None for no such moment.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    timeout: Timeout
    max_bytes: int
    consuming: bool = False
    not_after: float | None = None

    __module__ = "jzysoap"


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A reply that a transport received, completely or in part.

    Attributes:
        status: the HTTP status code.
        headers: by lower-case name.
        body: the body, decompressed; as much of it as was received.
        problem: why the body is incomplete, else None.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    problem: str | None = None

    __module__ = "jzysoap"

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters."""
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
    """Return scheme, host and port: two addresses with the same origin are on the same server.

    Raises:
        ValueError: the address has no host, or an impossible host or port.
    """
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    if not parts.hostname:
        raise ValueError("no host")
    if "\\" in parts.netloc or "" in parts.hostname.removesuffix(".").split("."):
        # Parsers disagree about what the host is: one takes a backslash for a slash, another for a part of the name.
        raise ValueError("an impossible host")
    return scheme, parts.hostname.lower(), parts.port or {"http": 80, "https": 443}.get(scheme, 0)


def address_of(url: str) -> str:
    """Return scheme, host and port of an address, such as ``http://smsapi.example.com:9003``."""
    scheme, host, port = origin(url)
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
