"""The way to an address: what is asked, of whom, and what of it is shown."""

from __future__ import annotations

import pytest

from jzysoap import HttpRequest, Timeout
from jzysoap.model.masking import SecretBytes
from jzysoap.transport.routes import route_to

REQUEST = HttpRequest("POST", "http://h", {"A": "\xe4"}, SecretBytes(b"ask"), Timeout(1, 1, 1), 1)


@pytest.mark.parametrize(
    ("url", "proxy", "expected"),
    [
        ("http://gateway:9003/a?b=c", "", (b" /a?b=c HTTP/1.1\r\nHost: gateway:9003\r\n", "gateway", 9003, False)),
        ("http://gateway", "", (b" / HTTP/1.1\r\nHost: gateway\r\n", "gateway", 80, False)),
        ("https://[2001:db8::1]/", "", (b" / HTTP/1.1\r\nHost: [2001:db8::1]\r\n", "2001:db8::1", 443, True)),
        (
            "http://网关.example/a",
            "",
            (b" /a HTTP/1.1\r\nHost: xn--d6q013i.example\r\n", "xn--d6q013i.example", 80, False),
        ),
        ("http://gateway/a", "http://p:1", (b" http://gateway/a HTTP/1.1\r\nHost: gateway\r\n", "gateway", 80, False)),
        ("https://gateway/a", "http://p:1", (b" /a HTTP/1.1\r\nHost: gateway\r\n", "gateway", 443, True)),
        ("http://gateway/a", "socks5://p:1", (b" /a HTTP/1.1\r\nHost: gateway\r\n", "gateway", 80, False)),
    ],
)
def test_where_a_request_goes(url: str, proxy: str, expected: tuple[bytes, str, int, bool]) -> None:
    route = route_to(url, proxy)
    assert (bytes(route.target), route.host, route.port, route.secure) == expected


def test_what_a_request_looks_like() -> None:
    route = route_to("http://h/a", "")
    assert bytes(route.encode(REQUEST)) == (b"POST /a HTTP/1.1\r\nHost: h\r\nA: \xe4\r\nContent-Length: 3\r\n\r\nask")
    bare = HttpRequest("GET", "http://h", {}, None, Timeout(1, 1, 1), 1)
    assert bytes(route.encode(bare)) == b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
    assert "ask" not in repr(route.encode(REQUEST))


@pytest.mark.parametrize(
    ("url", "port"), [("HTTP://p", 80), ("https://p", 443), ("socks5h://p", 1080), ("socks4a://p:9", 9)]
)
def test_the_port_of_a_proxy(url: str, port: int) -> None:
    proxy = route_to("http://gateway", url).proxy
    assert proxy is not None
    assert (proxy.host, proxy.port, proxy.is_socks) == ("p", port, "socks" in url)


@pytest.mark.parametrize("scheme", ["http", "https", "socks5h"])
def test_the_password_of_a_proxy_is_not_shown(scheme: str) -> None:
    for gateway in ("http://gateway", "https://gateway"):
        shown = repr(route_to(gateway, f"{scheme}://me:geheim@p:1"))
        assert "geheim" not in shown
        assert "bWU6Z2VoZWlt" not in shown
