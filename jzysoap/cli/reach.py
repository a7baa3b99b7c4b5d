"""The way to a gateway, step by step: the proxy, the name, the port, TLS. No request is sent.

The client itself does all of this in one go, and then knows less of what went wrong.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import Any

import requests

from jzysoap.cli.findings import Finding, find, skip
from jzysoap.cli.texts import translate
from jzysoap.definition.collect import fetch_request
from jzysoap.definition.source import live_address
from jzysoap.model.errors import ConfigurationError
from jzysoap.settings.options import Config
from jzysoap.transport.connections import run_within
from jzysoap.transport.failures import describe_failure
from jzysoap.transport.routes import Proxy, Route, TlsContexts, route_to
from jzysoap.transport.surroundings import proxy_for

_STEPS = ("proxy", "name", "port", "tls")


def examine_way(config: Config) -> Iterator[Finding]:
    """Yield the findings of the way to a gateway; after a failure the rest is skipped."""
    try:
        route = route_to(config.base_url, proxy_for(config, config.base_url))
    except ConfigurationError as error:
        yield find("proxy", "failed", str(error), "proxy-spelling")
        yield from skip(_STEPS[1:], "after-failure")
    except requests.RequestException:
        yield from skip(_STEPS[:1], "after-failure")
        yield find("name", "failed", translate("doctor.no-name"), "name-unresolved")
        yield from skip(_STEPS[2:], "after-failure")
    else:
        yield from _examine_direct(config, route) if route.proxy is None else _examine_proxy(config, route.proxy)


def _examine_proxy(config: Config, proxy: Proxy) -> Iterator[Finding]:
    where = f"{proxy.scheme}://{proxy.host}:{proxy.port}"
    try:
        _connect(_resolve(proxy.host, proxy.port, config), config).close()
    except OSError as error:
        yield find("proxy", "failed", f"{where}: {_describe(error, config)}", "proxy-unreachable")
        yield from skip(_STEPS[1:], "after-failure")
    else:
        yield find("proxy", "ok", where)
        yield from skip(_STEPS[1:], "through-proxy")


def _examine_direct(config: Config, route: Route) -> Iterator[Finding]:
    yield find("proxy", "ok", translate("doctor.no-proxy"))
    try:
        addresses = _resolve(route.host, route.port, config)
    except OSError as error:
        yield find("name", "failed", f"{route.host}: {_describe(error, config)}", "name-unresolved")
        yield from skip(_STEPS[2:], "after-failure")
        return
    yield find("name", "ok", f"{route.host}: {', '.join(dict.fromkeys(one[4][0] for one in addresses))}")
    try:
        connection = _connect(addresses, config)
    except OSError as error:
        where = f"{route.host}:{route.port}"
        yield find("port", "failed", f"{where}: {_describe(error, config)}", "port-closed")
        yield from skip(_STEPS[3:], "after-failure")
        return
    with connection:
        yield find("port", "ok", "{}:{}".format(*connection.getpeername()))
        yield _examine_tls(config, route, connection)


def _examine_tls(config: Config, route: Route, connection: socket.socket) -> Finding:
    if not route.secure:
        return Finding("tls", "skipped", translate("doctor.no-tls"))
    try:
        with TlsContexts(config).gateway.wrap_socket(connection, server_hostname=route.host) as secured:
            version = str(secured.version())
    except ConfigurationError as error:
        return find("tls", "failed", str(error), "tls-files")
    except OSError as error:
        advice = "tls-untrusted" if isinstance(error, ssl.SSLCertVerificationError) else "tls-failed"
        return find("tls", "failed", _describe(error, config), advice)
    if config.verify is False:
        return find("tls", "warning", f"{version}, {translate('doctor.not-verified')}", "tls-unverified")
    return find("tls", "ok", version)


def _resolve(host: str, port: int, config: Config) -> list[Any]:
    """Return the addresses of a name, as ``socket.getaddrinfo`` does, within the client's limit."""
    found: list[Any] = []

    def look_up() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except UnicodeError as error:
            # A part of the name is too long, for example.
            raise socket.gaierror(socket.EAI_NONAME, "impossible") from error

    run_within(config.timeout.connect, look_up, lambda: None)
    return found


def _connect(addresses: list[Any], config: Config) -> socket.socket:
    """Return a connection to the first address that takes one.

    Raises:
        OSError: none does; the error is that of the last one.
    """
    failure: OSError | None = None
    for family, kind, protocol, _, address in addresses:
        connection = socket.socket(family, kind, protocol)
        # The time that the client has for all its addresses together.
        connection.settimeout(config.timeout.connect / len(addresses))
        try:
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
        else:
            connection.settimeout(config.timeout.connect)
            return connection
    raise failure or OSError("no address")


def _describe(error: OSError, config: Config) -> str:
    """Describe a failure in the words of the client's errors."""
    return describe_failure(error, fetch_request(live_address(config), {}, config.timeout), sent=False)
