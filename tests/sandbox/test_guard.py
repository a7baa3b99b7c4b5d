"""Who may see the page and call the API: hosts, web pages of other origins, the token."""

from __future__ import annotations

import socket
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from jzysoap import Client, ConfigurationError
from jzysoap.sandbox import Sandbox
from tests.kit.inbox import call
from tests.kit.samples import MOBILE
from tests.sandbox.foreign import talk

TOKEN = "made-up-token-0123456789"  # made up
PATHS = ["/inbox/", "/inbox/inbox.js", "/api/v1/state", "/api/v1/openapi.json", "/api/v1/nothing"]


def origin(sandbox: Sandbox) -> str:
    return sandbox.inbox_url.removesuffix("/inbox/")


def get(sandbox: Sandbox, path: str, **headers: str) -> requests.Response:
    return requests.get(f"{origin(sandbox)}{path}", headers=headers, timeout=30, allow_redirects=False)


@pytest.mark.parametrize("path", PATHS)
def test_a_name_that_was_made_to_resolve_to_loopback_gets_nothing(sandbox: Sandbox, path: str) -> None:
    answer = get(sandbox, path, Host="evil.example")
    assert answer.status_code == 421
    assert answer.json()["field"] is None


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    ],
)
def test_a_page_of_another_origin_reads_nothing(sandbox: Sandbox, path: str, headers: dict[str, str]) -> None:
    assert get(sandbox, path, **headers).status_code == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_a_page_of_another_origin_changes_nothing(sandbox: Sandbox, method: str) -> None:
    headers = {"Origin": "http://localhost:1", "Content-Type": "application/json"}
    assert call(sandbox, method, "/rules", data="{}", headers=headers).status_code == 403


def test_a_link_of_another_page_opens_the_inbox(sandbox: Sandbox) -> None:
    visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert get(sandbox, "/inbox/", **visit).status_code == 200
    assert get(sandbox, "/api/v1/export", **visit).status_code == 403


def test_its_own_page_is_answered(sandbox: Sandbox) -> None:
    own = {"Origin": origin(sandbox), "Sec-Fetch-Site": "same-origin"}
    assert get(sandbox, "/api/v1/state", **own).status_code == 200
    assert call(sandbox, "POST", "/reset", {}, headers=own).status_code == 204


@pytest.mark.parametrize("path", ["/", "/inbox"])
def test_other_ways_to_the_page(sandbox: Sandbox, path: str) -> None:
    answer = get(sandbox, path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/inbox/")


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_headers_that_protect_it(sandbox: Sandbox, path: str) -> None:
    headers = get(sandbox, path).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'self'; frame-ancestors 'none'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in headers


def test_the_page_has_three_files(sandbox: Sandbox) -> None:
    page = get(sandbox, "/inbox/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    for name, kind in (("inbox.js", "text/javascript"), ("inbox.css", "text/css")):
        assert name in page.text
        assert get(sandbox, f"/inbox/{name}").headers["Content-Type"].startswith(kind)
    for name in ("other.js", "%2e%2e", "%2e%2e%2fweb.py"):
        assert get(sandbox, f"/inbox/{name}").status_code == 404


def test_without_a_host_nothing_is_answered(sandbox: Sandbox) -> None:
    assert talk(sandbox.inbox_url, b"GET /inbox/ HTTP/1.1\r\nConnection: close\r\n\r\n").status == 400


class TestToken:
    @pytest.fixture
    def sandbox(self) -> Any:
        with Sandbox(token=TOKEN) as sandbox:
            yield sandbox

    @pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", "Bearer 令牌"])
    def test_the_api_without_it(self, sandbox: Sandbox, header: str) -> None:
        answer = call(sandbox, "GET", "/state", headers={"Authorization": header.encode()} if header else {})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json() == {"error": "the token is missing or wrong", "field": None}

    def test_the_api_with_it(self, sandbox: Sandbox) -> None:
        assert call(sandbox, "GET", "/state", headers={"Authorization": f"bearer {TOKEN}"}).status_code == 200

    def test_the_page_asks_for_it(self, sandbox: Sandbox) -> None:
        with requests.Session() as session:
            page = session.get(sandbox.inbox_url, timeout=30)
            assert page.status_code == 401
            assert '<form method="post" action="/inbox/login">' in page.text
            wrong = session.post(f"{sandbox.inbox_url}login", data={"token": "wrong"}, timeout=30)
            assert (wrong.status_code, "令牌不正确" in wrong.text) == (401, True)
            assert not session.cookies
            right = session.post(f"{sandbox.inbox_url}login", data={"token": TOKEN}, timeout=30)
            assert (right.status_code, right.url) == (200, sandbox.inbox_url)
            assert TOKEN not in str(session.cookies)
            assert session.get(f"{origin(sandbox)}/api/v1/state", timeout=30).status_code == 200
        for cookie in ("jzysoap-inbox=wrong", 'jzysoap-inbox="', "other=1", ";;=;"):
            assert call(sandbox, "GET", "/state", headers={"Cookie": cookie}).status_code == 401

    def test_a_form_that_is_too_large(self, sandbox: Sandbox) -> None:
        form = {"token": TOKEN, "more": "x" * 2**20}
        assert requests.post(f"{sandbox.inbox_url}login", data=form, timeout=30).status_code == 401

    def test_the_files_of_the_page_need_it_too(self, sandbox: Sandbox) -> None:
        assert requests.get(f"{sandbox.inbox_url}inbox.js", timeout=30).status_code == 401

    def test_the_gateway_does_not_ask_for_it(self, sandbox: Sandbox) -> None:
        with Client(sandbox.url, "test", "secret1", cache_dir=False) as client:
            client.send(MOBILE, "你好")

    def test_it_is_in_no_repr(self, sandbox: Sandbox) -> None:
        shown = "".join(repr(value) for value in vars(sandbox).values())
        assert TOKEN not in shown


def test_a_sandbox_for_other_machines() -> None:
    with Sandbox(host="0.0.0.0", allow_hosts=["Sandbox"], token=TOKEN, context_path="/sms") as sandbox:
        assert urlsplit(sandbox.url).hostname == "127.0.0.1"
        assert sandbox.inbox_url == sandbox.url.replace("/sms", "/inbox/")
        authority = f"sandbox:{urlsplit(sandbox.url).port}"
        headers = {"Host": authority}
        wsdl = requests.get(f"{sandbox.url}/services/userApi?wsdl", headers=headers, timeout=30)
        # Other stacks call the address that the definition names.
        assert f'location="http://{authority}/sms/services/UserApi'.encode() in wsdl.content
        assert call(sandbox, "GET", "/state", headers=headers).status_code == 401
        assert call(sandbox, "GET", "/state", headers={"Host": "other"}).status_code == 421
        with Client(sandbox.url, "test", "secret1", cache_dir=False) as client:
            client.send(MOBILE, "你好")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"host": "0.0.0.0"}, "allow_hosts"),
        ({"host": "0.0.0.0", "allow_hosts": ["sandbox"]}, "token"),
        ({"host": "0.0.0.0", "token": TOKEN}, "allow_hosts"),
        ({"allow_hosts": "sandbox"}, "host names"),
        ({"allow_hosts": ["sandbox:9003"]}, "without a port"),
        ({"token": "short"}, "16 characters"),
        ({"port": 65536}, "port"),
        ({"context_path": "/inbox"}, "the inbox is there"),
    ],
)
def test_options_that_cannot_be_used(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Sandbox(**options)


def test_a_port_that_is_in_use_is_an_error_that_says_so(sandbox: Sandbox) -> None:
    port = urlsplit(sandbox.url).port
    assert port is not None
    with pytest.raises(OSError, match=f"cannot listen on port {port} of 127.0.0.1: Address already in use") as caught:
        Sandbox(port=port).start()
    assert isinstance(caught.value.errno, int)
    assert isinstance(caught.value.__cause__, socket.error)


def test_an_error_names_the_extra_if_werkzeug_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "werkzeug", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'jzysoap\[sandbox\]'"):
        Sandbox().start()
