"""Proxies that cannot be used, and how they are spelled. Those that can be are in ``test_transport`` and the matrix."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import requests

from jzysoap import AsyncClient, Client, ConfigurationError, HttpStatusError, NotSentError
from tests.kit.facade import KINDS, Facade, Kind
from tests.kit.leaks import shown
from tests.kit.samples import MOBILE
from tests.kit.servers import answering, refused_port, reply
from tests.wire.conftest import Serve

ENVIRONMENT = ("http_proxy", "HTTP_PROXY")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY", *ENVIRONMENT):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("interface", ["soap", "servlet"])
def test_a_proxy_of_the_environment_that_is_none(
    interface: str, kind: Kind, environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ENVIRONMENT:
        environment.setenv(name, "http://user:geheim@[10.0.0.1:3128")
    with Facade(kind, "http://gateway.invalid", "account", "geheim1", interface=interface) as client:
        with pytest.raises(
            ConfigurationError, match=r"^proxies are not given, and the environment's address "
        ) as caught:
            client.send(MOBILE, "text")
    assert caught.value.result is not None
    assert not caught.value.may_have_been_sent
    assert not any("geheim" in text for text in shown(caught.value, caplog.records))


@pytest.mark.parametrize("kind", KINDS)
def test_a_proxy_of_the_environment_without_a_scheme(kind: Kind, serve: Serve, environment: pytest.MonkeyPatch) -> None:
    proxy = serve(answering(reply(b"success;7")))
    for name in ENVIRONMENT:
        environment.setenv(name, f"user:geheim@127.0.0.1:{proxy.port}")
    with Facade(kind, "http://gateway.invalid", "account", "geheim1", interface="servlet") as client:
        assert client.send(MOBILE, "text").batches[0].batch_id == "7"
    assert b"Proxy-Authorization: Basic dXNlcjpnZWhlaW0=" in proxy.requests[0]


@pytest.mark.parametrize(("kind", "package"), [(Client, "socks"), (AsyncClient, "python_socks")])
def test_a_proxy_that_needs_a_package(kind: Kind, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if kind is Client:
        # urllib3 looks once for it.
        monkeypatch.delitem(sys.modules, "urllib3.contrib.socks", raising=False)
        monkeypatch.setattr("requests.adapters.SOCKSProxyManager", missing)
    monkeypatch.setitem(sys.modules, package, None)
    options: Any = {"interface": "servlet", "proxies": {"http": "socks5://u:geheim@127.0.0.1:1080"}}
    with Facade(kind, "http://gateway.invalid", "account", "geheim1", **options) as client:
        with pytest.raises(ConfigurationError, match=r"SOCKS proxy, which needs \S+: pip install 'jzysoap\[socks\]'$"):
            client.send(MOBILE, "text")


def missing(*_: Any, **__: Any) -> Any:
    """As requests has it without PySocks."""
    raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gateway", ["http://gateway.invalid", "https://gateway.invalid"])
@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("http://user:geheim@127.0.0.1:{port}", "the connection was refused"),
        ("socks5h://user:geheim@127.0.0.1:{port}", "the connection was refused"),
        ("http://user:geheim@no-such-proxy.invalid:1", "its name cannot be resolved"),
    ],
)
@pytest.mark.usefixtures("no_pause")
def test_a_proxy_that_cannot_be_reached_is_not_taken_for_the_gateway(
    proxy: str, words: str, gateway: str, kind: Kind
) -> None:
    with refused_port() as port:
        address = proxy.format(port=port)
        options: dict[str, Any] = {"interface": "servlet", "proxies": {"http": address, "https": address}}
        with Facade(kind, gateway, "account", "geheim1", **options) as client:
            with pytest.raises(NotSentError) as caught:
                client.send(MOBILE, "text")
    assert str(caught.value) == f"nothing was sent to gateway.invalid: the proxy cannot be reached: {words}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "words",
    [
        "The plain HTTP request was sent to HTTPS port",  # nginx
        "Reason: You're speaking plain HTTP to an SSL-enabled server port.",  # Apache
        "Bad Request. This combination of host and port requires TLS.",  # Tomcat
    ],
)
def test_a_port_for_tls_that_answers_in_http_says_so(words: str, kind: Kind, serve: Serve) -> None:
    server = serve(answering(reply(f"<html>{words}</html>".encode(), "400 Bad Request")))
    with Facade(kind, server.url, "account", "geheim1", interface="servlet") as client:
        with pytest.raises(HttpStatusError, match=r"HTTP status 400: it speaks TLS, try https://$"):
            client.send(MOBILE, "text")
