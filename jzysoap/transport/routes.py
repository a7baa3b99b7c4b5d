"""The way to an address, worked out once for all calls to it: host, proxy, TLS, and how each request begins. No I/O."""

from __future__ import annotations

import os
import ssl
from base64 import b64encode
from functools import cached_property
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import certifi
import requests

from jzysoap.model.errors import ConfigurationError
from jzysoap.model.http import HttpRequest
from jzysoap.model.masking import Secret, SecretBytes
from jzysoap.settings.options import Config
from jzysoap.transport.surroundings import find_tls_fault, load_client_certificate, trusted

_PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}


class Proxy(NamedTuple):
    """A proxy: where it is, and who asks it.

    Attributes:
        credentials: the line of a request's head with user and password; empty without them.
    """

    scheme: str
    host: str
    port: int
    user: Secret
    password: Secret
    credentials: SecretBytes

    @property
    def is_socks(self) -> bool:
        """True if it speaks SOCKS, False if HTTP."""
        return self.scheme.startswith("socks")


class Route(NamedTuple):
    """The way to an address.

    Attributes:
        key: routes with equal keys can share connections.
        secure: True for TLS with the host, through the proxy if there is one.
        target: the head of a request from behind the method up to the first header that is the request's own.
    """

    key: tuple[str, Secret]
    host: str
    port: int
    secure: bool
    proxy: Proxy | None
    target: SecretBytes

    def encode(self, request: HttpRequest) -> SecretBytes:
        """Return the bytes of a request."""
        head = "".join([f"{name}: {value}\r\n" for name, value in request.headers.items()]).encode("latin-1")
        method, body = request.method.encode("ascii"), request.body
        if body is None:
            return SecretBytes(b"%b%b%b\r\n" % (method, self.target, head))
        return SecretBytes(b"%b%b%bContent-Length: %d\r\n\r\n%b" % (method, self.target, head, len(body), body))


def route_to(url: str, proxy_url: str) -> Route:
    """Return the route to an address, through the proxy with the other address unless that is empty.

    Raises:
        requests.RequestException: the address cannot be used.
    """
    prepared = requests.PreparedRequest()
    prepared.prepare_url(url, None)
    url = prepared.url or ""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    proxy = _parse_proxy(proxy_url) if proxy_url else None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    credentials = b""
    if proxy is not None and not secure and not proxy.is_socks:
        path, credentials = url, proxy.credentials
    target = SecretBytes(f" {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n".encode("ascii") + credentials)
    key = (f"{parts.scheme}://{parts.netloc}", Secret(proxy_url))
    return Route(key, parts.hostname or "", parts.port or _PORTS[parts.scheme], secure, proxy, target)


def _parse_proxy(url: str) -> Proxy:
    parts = urlsplit(url)
    user, password = Secret(unquote(parts.username or "")), Secret(unquote(parts.password or ""))
    credentials = SecretBytes(b"")
    if user or password:
        text = Secret(f"{user}:{password}")
        # As requests encodes it, where it can.
        encoded = b64encode(text.encode("latin-1" if max(text) <= "\xff" else "utf-8"))
        credentials = SecretBytes(b"Proxy-Authorization: Basic " + encoded + b"\r\n")
    scheme = parts.scheme.lower()
    return Proxy(scheme, parts.hostname or "", parts.port or _PORTS[scheme], user, password, credentials)


class TlsContexts:
    """The contexts for TLS, made when they are first needed.

    Args:
        config: the client's options.

    Raises:
        ConfigurationError: at the first use, if a certificate cannot be used.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._verify = trusted(config)

    @cached_property
    def gateway(self) -> ssl.SSLContext:
        """The context for the gateway."""
        return self._new(self._config.cert)

    @cached_property
    def proxy(self) -> ssl.SSLContext:
        """The context for a proxy, which never gets the client certificate."""
        return self._new(None)

    def _new(self, cert: str | tuple[str, str] | None) -> ssl.SSLContext:
        try:
            trusted = self._verify if isinstance(self._verify, str) else certifi.where()
            folder = os.path.isdir(trusted)
            context = ssl.create_default_context(cafile=None if folder else trusted, capath=trusted if folder else None)
            if self._verify is False:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            if cert is not None:
                load_client_certificate(context, cert)
        except OSError as error:
            fault = find_tls_fault(self._config, self._verify) or f"TLS cannot be used: {type(error).__name__}"
            raise ConfigurationError(fault) from None
        context.set_alpn_protocols(["http/1.1"])
        return context
