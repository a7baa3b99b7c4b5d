"""The HTTP server around the gateway: connections, hosts, limits, faults on demand, start and end."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from jzysoap import Channel, Client, ConfigurationError, GatewayError, WsdlError
from jzysoap.sandbox import Delivery, Gateway, Sandbox, soap
from tests.kit.recordings import parse_http
from tests.kit.samples import MOBILE
from tests.sandbox.foreign import PASSWORD, connect, envelope, is_ended, post, read_all, talk

SERVICE = "/services/userApi"
SERVLET = "/servlet/UserServiceAPI"
XML = "Content-Type: text/xml; charset=utf-8"
SENDING = {"smstype": "1", "content": "你好", "mobile": MOBILE}
ASK = f"{SERVLET}?method=getRestMoney&username=test&password={PASSWORD}"


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def chunked(body: bytes, size: int = 7) -> Iterator[bytes]:
    yield from (body[start : start + size] for start in range(0, len(body), size))


def test_a_chunked_body(sandbox: Sandbox) -> None:
    # Axis2's own client sends chunks, and no Content-Length.
    body = envelope("sendSms", **SENDING)
    reply = requests.post(f"{sandbox.url}{SERVICE}", chunked(body), headers={"Content-Type": "text/xml"}, timeout=30)
    assert reply.status_code == 200
    assert sandbox.gateway.sent[0].text == "你好"
    assert sandbox.exchanges[-1].request_body == body


def test_many_requests_on_one_connection(sandbox: Sandbox) -> None:
    with connect(sandbox.url) as connection:
        for _ in range(5):
            connection.sendall(f"GET {ASK} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            data = b""
            while not data.endswith(b"kaSmsNum=1000\r\n"):
                piece = connection.recv(65536)
                assert piece
                data += piece
            assert parse_http(data).status == 200


@pytest.mark.parametrize("host", ["", "Host: localhost\r\n"])
def test_http_1_0(sandbox: Sandbox, host: str) -> None:
    # The clients of Axis 1.4 and NuSOAP send HTTP/1.0.
    body = envelope("getRestMoney")
    head = f"POST {SERVICE} HTTP/1.0\r\n{host}Content-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    with connect(sandbox.url) as connection:
        connection.sendall(head.encode() + body)
        reply = parse_http(read_all(connection))
    assert reply.start == "HTTP/1.0 200 OK"
    assert int(reply.headers["content-length"]) == len(reply.body)


def test_expect_continue(sandbox: Sandbox) -> None:
    body = envelope("getRestMoney")
    head, _, _ = post(SERVICE, body, XML, "Expect: 100-continue").partition(b"\r\n\r\n")
    with connect(sandbox.url) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert parse_http(read_all(connection)).status == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("127.0.0.1", 200),
        ("127.9.9.9:8080", 200),
        ("[::1]:8080", 200),
        ("sms.example.com", 421),
        ("localhost.example.com:80", 421),
        ("192.168.0.1", 421),
        ("[2001:db8::1]", 421),
        ("::1", 421),
        ("", 421),
    ],
)
def test_only_names_of_loopback_are_answered(sandbox: Sandbox, host: str, status: int) -> None:
    for path in (ASK, f"{SERVICE}?wsdl"):
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        assert talk(sandbox.url, request.encode()).status == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("", 200),
        ("Sec-Fetch-Site: none", 200),
        ("Sec-Fetch-Site: same-origin", 200),
        ("Sec-Fetch-Site: cross-site", 403),
        ("Sec-Fetch-Site: same-site", 403),
        ("Origin: https://evil.example", 403),
        ("Origin: null", 403),
        ("Origin: http://localhost:1", 403),
    ],
)
def test_a_page_of_another_origin_is_refused(sandbox: Sandbox, headers: str, status: int) -> None:
    reply = talk(sandbox.url, post(SERVICE, envelope("getRestMoney"), XML, *filter(None, [headers])))
    assert reply.status == status


def test_a_page_of_the_sandbox_itself_is_answered(sandbox: Sandbox) -> None:
    request = f"GET {ASK} HTTP/1.1\r\nHost: localhost:80\r\nOrigin: http://localhost:80\r\nConnection: close\r\n\r\n"
    assert talk(sandbox.url, request.encode()).status == 200


def test_exchanges_are_bounded_in_bytes(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jzysoap.sandbox.protocol.MAX_EXCHANGE_BYTES", 10_000)
    for _ in range(30):
        assert talk(sandbox.url, post(SERVICE, envelope("getRestMoney"), XML)).status == 200
    held = [len(one.request_body) + len(one.reply_body) for one in sandbox.exchanges]
    assert 0 < sum(held) <= 10_000
    assert sum(held) + held[0] > 9_000


def test_sections_that_are_not_closed_are_skipped_at_once() -> None:
    """The time to look for their ends would grow with the square of their number."""
    text = "<a>" + "<![CDATA[" * 100_000
    assert len(list(soap._PAIRS.finditer(text))) == 1  # a seam would only be made for this test


def test_http_1_1_without_a_host(sandbox: Sandbox) -> None:
    assert talk(sandbox.url, f"GET {ASK} HTTP/1.1\r\nConnection: close\r\n\r\n".encode()).status == 400


def test_a_body_of_the_largest_size_is_read_and_a_larger_one_refused() -> None:
    body = envelope("getRestMoney")
    with Sandbox(max_request_bytes=len(body)) as sandbox:
        assert talk(sandbox.url, post(SERVICE, body, XML)).status == 200
        head, _, _ = post(SERVICE, body + b" ", XML).partition(b"\r\n\r\n")
        assert talk(sandbox.url, head + b"\r\n\r\n").status == 413
        chunks = (
            f"POST {SERVICE} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{len(body) + 1:x}\r\n"
        )
        assert talk(sandbox.url, chunks.encode() + body + b" ").status == 413
        assert len(sandbox.exchanges) == 1


def test_malformed_http_is_refused(sandbox: Sandbox) -> None:
    assert talk(sandbox.url, b"GET / HTTP/1.1\r\nno header\r\n\r\n").status == 400


def test_exchanges_are_recorded_verbatim(sandbox: Sandbox) -> None:
    body = envelope("getRestMoney")
    talk(sandbox.url, post(f"{SERVICE}?短信", body, XML, 'SOAPAction: "x"', "X-Twice: 1", "x-twice: 2"))
    (exchange,) = sandbox.exchanges
    assert exchange.request_line.encode("latin-1") == f"POST {SERVICE}?短信 HTTP/1.1".encode()
    assert exchange.request_headers[-3:] == (("SOAPAction", '"x"'), ("X-Twice", "1"), ("x-twice", "2"))
    assert exchange.request_body == body
    assert exchange.status == 200
    assert exchange.reply_headers == (("Content-Type", "text/xml;charset=utf-8"),)
    assert b"memberSmsNum=1000" in exchange.reply_body
    requests.get(f"{sandbox.url}{ASK}", timeout=30)
    assert repr(sandbox.exchanges[1]) == f"<Exchange GET {SERVLET}: 200>"


def test_a_custom_reply(sandbox: Sandbox) -> None:
    sandbox.fail_next("sendSms", status=503, headers=[("X-Made", "up")], body=b"<html>busy", times=2)
    assert requests.get(f"{sandbox.url}{ASK}", timeout=30).status_code == 200
    for _ in range(2):
        reply = talk(sandbox.url, post(SERVICE, envelope("sendSms", **SENDING), XML))
        assert (reply.start, reply.headers["x-made"]) == ("HTTP/1.1 503 Service Unavailable", "up")
        assert reply.body == b"<html>busy"
    assert sandbox.gateway.sent == ()
    assert talk(sandbox.url, post(SERVICE, envelope("sendSms", **SENDING), XML)).status == 200


def test_a_status_without_a_name_and_a_reply_cut_off(sandbox: Sandbox) -> None:
    sandbox.fail_next(status=599, headers=[("content-length", "100")], body=b"cut")
    with connect(sandbox.url) as connection:
        connection.sendall(f"GET {ASK} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        reply = parse_http(read_all(connection))
    assert reply.start == "HTTP/1.1 599 Unknown"
    assert (reply.headers["content-length"], reply.body) == ("100", b"cut")


def test_a_custom_result_over_either_interface(sandbox: Sandbox) -> None:
    sandbox.fail_next("getRestMoney", result="failure;系统超时", times=2)
    assert requests.get(f"{sandbox.url}{ASK}", timeout=30).content.decode("gbk") == "failure;系统超时\r\n"
    reply = talk(sandbox.url, post(SERVICE, envelope("getRestMoney"), XML))
    assert "<ns:return>failure;系统超时</ns:return>" in reply.body.decode()


def test_a_custom_result_does_not_replace_the_definition(sandbox: Sandbox) -> None:
    sandbox.fail_next("wsdl", result="failure;")
    assert b"definitions" in requests.get(f"{sandbox.url}{SERVICE}?wsdl", timeout=30).content


@pytest.mark.parametrize("acted", [False, True])
def test_a_connection_closed_without_a_reply(sandbox: Sandbox, acted: bool) -> None:
    sandbox.fail_next(drop=True, acted=acted)
    with connect(sandbox.url) as connection:
        connection.sendall(post(SERVICE, envelope("sendSms", **SENDING), XML))
        assert read_all(connection) == b""
    assert len(sandbox.gateway.sent) == acted
    assert sandbox.exchanges[0].status is None
    assert repr(sandbox.exchanges[0]).endswith(": None>")


def test_a_delayed_reply(sandbox: Sandbox) -> None:
    sandbox.fail_next(delay=0.01)
    assert requests.get(f"{sandbox.url}{ASK}", timeout=30).content.startswith(b"memberSmsNum=1000")


def test_the_nth_request_fails(sandbox: Sandbox) -> None:
    sandbox.fail_next("sendSms", result="failure;系统繁忙", after=2)
    with Client(sandbox.url, "test", "secret1", cache_dir=False) as client:
        for number in range(4):
            client.balance()
            if number == 2:
                with pytest.raises(GatewayError, match="系统繁忙"):
                    client.send("13800001234", "好")
            else:
                client.send("13800001234", "好")
    assert len(sandbox.gateway.sent) == 3


@pytest.mark.parametrize("interface", ["soap", "servlet"])
def test_reports_may_have_no_batch_id(interface: Any, sandbox: Sandbox) -> None:
    sandbox.gateway.delivery = Delivery(batch_ids="none")
    with Client(sandbox.url, "test", "secret1", interface=interface, cache_dir=False) as client:
        client.send("13800001234", "好")
        (report,) = client.reports()
    assert report.batch_id is None


def test_faults_can_be_cleared(sandbox: Sandbox) -> None:
    sandbox.fail_next(drop=True)
    sandbox.clear_faults()
    assert requests.get(f"{sandbox.url}{ASK}", timeout=30).status_code == 200


def test_a_fault_needs_a_known_operation(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigurationError, match="sendSms"):
        sandbox.fail_next("sendSMS")


def test_closing_ends_delayed_requests(sandbox: Sandbox) -> None:
    arrived = threading.Event()
    sandbox.gateway.status = lambda _: arrived.set()
    sandbox.fail_next(delay=3600)
    with connect(sandbox.url) as waiting, connect(sandbox.url) as unfinished:
        unfinished.sendall(b"GET / HT")
        waiting.sendall(post(SERVICE, envelope("sendSms", **SENDING), XML))
        assert arrived.wait(30)
        sandbox.close()
        assert is_ended(waiting)
        assert is_ended(unfinished)


def test_a_sandbox_can_be_started_again() -> None:
    before = set(threading.enumerate())
    sandbox = Sandbox()
    for _ in range(20):
        with sandbox, requests.Session() as session:
            assert session.get(f"{sandbox.url}{ASK}", timeout=30).status_code == 200
            url = sandbox.url
            assert repr(sandbox) == f"<Sandbox {url}>"
            assert sandbox.start() is sandbox
            assert sandbox.url == url
            idle = connect(url)
        assert set(threading.enumerate()) == before
        with idle:
            assert is_ended(idle)
    sandbox.close()
    assert repr(sandbox) == "<Sandbox not running>"
    with pytest.raises(ConfigurationError, match="not running"):
        _ = sandbox.url
    assert len(sandbox.exchanges) == 20


def test_a_given_port() -> None:
    # No system picks free ports from this range, so that no other process is given one meanwhile.
    for port in range(20000, 20100):
        sandbox = Sandbox(port=port, host="LocalHost")
        with contextlib.suppress(OSError), sandbox:
            assert sandbox.url == f"http://127.0.0.1:{port}"
            with pytest.raises(OSError, match="in use"):
                Sandbox(port=port).start()
            return
    pytest.fail("no port is free")


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")
def test_ipv6() -> None:
    with Sandbox(host="::1") as sandbox:
        assert sandbox.url.startswith("http://[::1]:")
        assert sandbox.url.encode() in requests.get(f"{sandbox.url}{SERVICE}?wsdl", timeout=30).content


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.com", ""])
def test_the_sandbox_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(ConfigurationError, match="loopback"):
        Sandbox(host=host)


@pytest.mark.parametrize("given", [{"username": "x"}, {"password": "x"}, {"balance": 0}])
def test_a_custom_gateway_excludes_account_arguments(given: Any) -> None:
    with pytest.raises(ConfigurationError, match="either a gateway"):
        Sandbox(gateway=Gateway(), **given)


def test_unusable_arguments_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="slash"):
        Sandbox(context_path="sms")
    with pytest.raises(WsdlError):
        Sandbox(definition="none")


def test_the_account_has_the_given_balance() -> None:
    sandbox = Sandbox(username="a", password="b", balance={Channel.CARD: 5})
    assert sandbox.gateway.ask_balance("a", b"b") == {Channel.CARD: 5, Channel.GATEWAY: 0, Channel.MEMBER: 0}


def test_an_error_names_the_extra_if_waitress_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "jzysoap.sandbox.connections", raising=False)
    monkeypatch.setitem(sys.modules, "waitress.channel", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'jzysoap\[sandbox\]'"):
        Sandbox().start()


def test_sixteen_threads_send_without_miscounting() -> None:
    with Sandbox(balance=16 * 20) as sandbox:

        def work(number: int) -> tuple[int, int]:
            mobile = f"138000000{number:02}"
            accepted = reports = 0
            with requests.Session() as session:
                for turn in range(25):
                    if turn % 2:
                        form = {"method": "sendSMS", "username": "test", "password": PASSWORD, "content": "x"}
                        reply = session.post(f"{sandbox.url}{SERVLET}", form | {"mobile": mobile}, timeout=60)
                    else:
                        body = envelope("sendSms", **SENDING | {"mobile": mobile})
                        head = {"Content-Type": "text/xml"}
                        reply = session.post(f"{sandbox.url}{SERVICE}", body, headers=head, timeout=60)
                    accepted += b"success" in reply.content
                    poll = f"{SERVLET}?method=getSmsReport&username=test&password={PASSWORD}"
                    reports += session.get(f"{sandbox.url}{poll}", timeout=60).text.count("<psreport>")
            return accepted, reports

        with ThreadPoolExecutor(16) as pool:
            counts = list(pool.map(work, range(16)))
        sent = sandbox.gateway.sent
        assert sum(accepted for accepted, _ in counts) == len(sent) == 16 * 20
        assert sum(reports for _, reports in counts) == len(sent)
        assert len({message.batch_id for message in sent}) == len(sent)
        assert sandbox.gateway.balances("test")[Channel.GATEWAY] == 0
