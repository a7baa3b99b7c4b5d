"""The guard in front of the sandbox: which hosts, which web pages and which callers it answers.

A sandbox on loopback is reached by every web page that a browser on this machine shows. Nothing here opens a socket.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jzysoap.model.masking import Secret

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

COOKIE = "jzysoap-inbox"
"""The cookie that a browser has once the token was given."""


class Guard:
    """The rules of access.

    Args:
        allow_hosts: names, besides those of loopback, that requests may be addressed to.
        token: the token that the page and the JSON API demand; None for none.
    """

    def __init__(self, allow_hosts: Collection[str] = (), token: str | None = None) -> None:
        self._allow_hosts = frozenset(host.lower() for host in allow_hosts)
        self._token = None if token is None else Secret(token)

    def refuse(self, environ: WSGIEnvironment) -> int | None:
        """Return the HTTP status that refuses a request; None for one that is answered.

        A web page may have its own name resolve to loopback, so that a browser sends its requests here: their Host
        header has that name. A browser also sends some requests of a page to any address, such as a form; it names the
        page's origin.
        """
        header = environ.get("HTTP_HOST")
        if header is None:
            return None if environ["SERVER_PROTOCOL"] == "HTTP/1.0" else 400
        match = re.fullmatch(r"(?:\[(.+)\]|([^:]+))(?::[0-9]*)?", header)
        host = (match[1] or match[2]).lower() if match else ""
        if not (is_loopback(host) or host in self._allow_hosts):
            return 421
        page = urlsplit(environ.get("HTTP_ORIGIN", "")).netloc
        foreign = "HTTP_ORIGIN" in environ and page.lower() != header.lower()
        return 403 if foreign or environ.get("HTTP_SEC_FETCH_SITE", "none") not in ("none", "same-origin") else None

    def knows(self, environ: WSGIEnvironment) -> bool:
        """Return True if a request for the page or the API has the token, or if there is none."""
        if self._token is None:
            return True
        kind, _, given = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if kind.lower() == "bearer" and self.is_token(given.strip()):
            return True
        # Not parsed further: the cookie has no attributes and no quotes.
        cookies = environ.get("HTTP_COOKIE", "").split(";")
        expected = f"{COOKIE}={self.cookie}".encode()
        return any(hmac.compare_digest(cookie.strip().encode(), expected) for cookie in cookies)

    def is_token(self, given: str) -> bool:
        """Return True if a text is the token."""
        return self._token is not None and hmac.compare_digest(given.encode(), self._token.encode())

    @property
    def cookie(self) -> str:
        """The value of the cookie: made of the token, which cannot be found out from it."""
        return hashlib.sha256(f"{COOKIE} {self._token}".encode()).hexdigest()


def is_loopback(host: str) -> bool:
    """Return True if a host name or an address (IPv6 without brackets) is that of loopback."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
