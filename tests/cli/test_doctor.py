"""``jzysoap doctor``: each planted fault is found, with what to do; and nothing is consumed or sent."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from jzysoap import Client, DeliveryStatus
from jzysoap.cli.findings import STEPS
from jzysoap.cli.main import main
from jzysoap.sandbox import Sandbox
from jzysoap.sandbox.definition import ServedDefinition
from tests.kit.definitions import definition
from tests.kit.samples import MOBILE, PASSWORD, USERNAME
from tests.kit.servers import RawServer, answering, refused_port, reply

LONG_AGO = "Mon, 01 Jan 2024 00:00:00 GMT"
WSDL = (Path(__file__).parent.parent.parent / "wsdl" / "axis2-1.6.2-7param" / "service.wsdl").read_bytes()
Handler = Callable[[RawServer, socket.socket], None]
Examine = Callable[..., dict[str, dict[str, str]]]


@pytest.fixture(autouse=True)
def _queues(sandbox: Sandbox) -> Iterator[None]:
    """A report and a reply wait, and still do so afterwards; only documents and the balance were asked for."""
    sandbox.gateway.inject_report(MOBILE, DeliveryStatus.DELIVERED, batch_id="1")
    sandbox.gateway.inject_reply(MOBILE, "收到")
    yield
    for exchange in sandbox.exchanges:
        document = exchange.request_line.startswith("GET /") and "wsdl" in exchange.request_line
        assert document or b"getRestMoney" in exchange.request_body or b"GetRestMoney" in exchange.request_body
    assert len(sandbox.gateway.poll_reports(USERNAME, PASSWORD.encode())) == 1
    assert len(sandbox.gateway.poll_replies(USERNAME, PASSWORD.encode())) == 1
    assert sandbox.gateway.sent == ()
    sandbox.gateway.check_password(USERNAME, PASSWORD.encode())


@pytest.fixture
def examine(variables: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Examine:
    """Runs the command with some variables, and returns the findings by step."""
    monkeypatch.setenv("JZYSOAP_TIMEOUT", "2,5,10")

    def run(expected: int = 1, **more: str) -> dict[str, dict[str, str]]:
        for name, value in more.items():
            monkeypatch.setenv(f"JZYSOAP_{name}", value)
        status = main(["doctor", "--json"])
        out, err = capsys.readouterr()
        assert err == ""
        assert PASSWORD not in out
        shown = json.loads(out)
        found = {step.pop("step"): step for step in shown["steps"]}
        assert tuple(found) == STEPS
        failed = any(step["status"] == "failed" for step in found.values())
        assert (status, shown["ok"]) == (1 if failed else 0, not failed)
        assert status == expected, out
        for step in found.values():
            assert bool(step["advice"]) == (step["status"] in ("failed", "warning"))
        return found

    return run


def statuses(found: dict[str, dict[str, str]], status: str) -> list[str]:
    return [step for step, finding in found.items() if finding["status"] == status]


def relaying(sandbox: Sandbox, change: Callable[[bytes], bytes] = bytes) -> Handler:
    """A handler that hands each request on to the sandbox, changed, and its answer back."""
    port = int(sandbox.url.rpartition(":")[2])

    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            with socket.create_connection(("127.0.0.1", port)) as onward:
                onward.sendall(change(request).replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
                while piece := onward.recv(65536):
                    connection.sendall(piece)
                return

    return handle


@contextlib.contextmanager
def over_tls(handler: Handler, names: tuple[str, ...] = ("127.0.0.1",)) -> Iterator[tuple[str, trustme.CA]]:
    """An address that speaks TLS, and the authority of its certificate."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)

    def handle(server: RawServer, connection: socket.socket) -> None:
        with contextlib.suppress(ssl.SSLError), context.wrap_socket(connection, server_side=True) as secured:
            handler(server, secured)

    with RawServer(handle) as server:
        yield server.url.replace("http:", "https:"), authority


# -- the twelve faults ------------------------------------------------------------------------------------------------


def test_nothing_is_wrong(examine: Examine, variables: Sandbox) -> None:
    found = examine(0)
    assert statuses(found, "skipped") == ["tls"]
    assert len(statuses(found, "ok")) == len(STEPS) - 1
    assert found["account"]["found"] == f"{variables.url} (JZYSOAP_BASE_URL), {USERNAME} (JZYSOAP_USERNAME)"
    assert found["password"]["found"] == "JZYSOAP_PASSWORD"
    assert found["encryption"]["found"] == "none, but the gateway is on this machine"
    assert found["definition"]["found"].startswith(
        f"{variables.url}/services/userApi?wsdl, arguments matched by name, "
    )
    assert found["balance"]["found"] == "member 7, gateway 7, card 7"


def test_fault_name(examine: Examine) -> None:
    found = examine(BASE_URL="http://no-such-host.invalid:9003")
    assert statuses(found, "failed") == ["name"]
    assert found["name"]["found"] == "no-such-host.invalid: its name cannot be resolved"
    assert "nslookup" in found["name"]["advice"]
    assert statuses(found, "skipped") == ["port", "tls", "definition", "clock", "credentials", "balance"]


def test_fault_port(examine: Examine) -> None:
    with refused_port() as port:
        found = examine(BASE_URL=f"http://127.0.0.1:{port}")
    assert statuses(found, "failed") == ["port"]
    assert found["port"]["found"] == f"127.0.0.1:{port}: the connection was refused"
    assert "check the port" in found["port"]["advice"]


def test_fault_tls(examine: Examine, variables: Sandbox) -> None:
    with over_tls(relaying(variables)) as (url, _):
        found = examine(BASE_URL=url)
    assert statuses(found, "failed") == ["tls"]
    assert "its certificate is not trusted" in found["tls"]["found"]
    assert "JZYSOAP_VERIFY" in found["tls"]["advice"]
    assert found["encryption"] == {"status": "ok", "found": "https", "advice": ""}


def test_fault_proxy(examine: Examine) -> None:
    with refused_port() as port:
        found = examine(BASE_URL="http://gateway.invalid", PROXIES=f"http://me:{PASSWORD}@127.0.0.1:{port}")
    assert statuses(found, "failed") == ["proxy"]
    assert found["proxy"]["found"] == f"http://127.0.0.1:{port}: the connection was refused"
    assert "NO_PROXY" in found["proxy"]["advice"]


def test_fault_404(examine: Examine, variables: Sandbox) -> None:
    found = examine(BASE_URL=f"{variables.url}/nothing")
    assert statuses(found, "failed") == ["definition"]
    assert "HTTP 404" in found["definition"]["found"]
    assert "JZYSOAP_INTERFACE=servlet" in found["definition"]["advice"]
    assert statuses(found, "skipped") == ["tls", "credentials", "balance"]


def test_fault_wrong_definition(examine: Examine, variables: Sandbox) -> None:
    other = definition(arguments=["string one", "string two"])
    variables.fail_next("wsdl", body=other, times=2)
    found = examine()
    assert statuses(found, "failed") == ["definition"]
    assert found["definition"]["advice"].startswith(f"see what it says: jzysoap wsdl show {variables.url}/services/")


def test_fault_credentials(examine: Examine, variables: Sandbox) -> None:
    found = examine(PASSWORD="wrong-password")
    assert statuses(found, "failed") == ["credentials"]
    assert found["credentials"]["found"].startswith("the gateway refused the credentials: ")
    assert "JZYSOAP_PASSWORD_ENCODING" in found["credentials"]["advice"]
    assert sum(b"getRestMoney" in exchange.request_body for exchange in variables.exchanges) == 1


def test_fault_ip_refused(examine: Examine, variables: Sandbox) -> None:
    variables.fail_next("getRestMoney", result="failure;IP地址未授权")
    found = examine()
    assert statuses(found, "failed") == ["credentials"]
    assert "the public address of this machine" in found["credentials"]["advice"]


def test_fault_clock(examine: Examine, variables: Sandbox) -> None:
    headers = (("Content-Type", "text/xml"), ("Date", LONG_AGO))
    variables.fail_next("wsdl", body=WSDL, headers=headers)
    found = examine(0)
    assert statuses(found, "warning") == ["clock"]
    assert found["clock"]["found"].endswith(" s ahead of the gateway's")
    assert "NTP" in found["clock"]["advice"]


def test_fault_balance(examine: Examine, variables: Sandbox) -> None:
    variables.gateway.set_balance(USERNAME, 0)
    found = examine()
    assert statuses(found, "failed") == ["balance"]
    assert found["balance"]["found"] == "member 0, gateway 0, card 0"
    assert "top up the channel gateway" in found["balance"]["advice"]


@pytest.mark.usefixtures("_no_terminal")
def test_fault_keyring_missing(examine: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JZYSOAP_PASSWORD")
    found = examine()
    assert statuses(found, "failed") == ["password"]
    assert found["password"]["found"].startswith(f"no password for {USERNAME}: this system has no keyring")
    assert "pip install 'jzysoap[cli]'" in found["password"]["advice"]
    assert statuses(found, "skipped") == ["tls", "credentials", "balance"]
    assert found["credentials"]["found"] == "not tried without a password"


def test_fault_plain_http_across_a_network(examine: Examine, variables: Sandbox) -> None:
    gateway, host = b"http://gateway.invalid:9003", variables.url.partition("//")[2].encode()

    def to_sandbox(request: bytes) -> bytes:
        return request.replace(gateway, b"", 1).replace(b"gateway.invalid:9003", host, 1)

    with RawServer(relaying(variables, to_sandbox)) as proxy:
        found = examine(0, BASE_URL=gateway.decode(), PROXIES=proxy.url)
    assert statuses(found, "warning") == ["encryption"]
    assert found["encryption"]["found"] == "none: plain HTTP across a network"
    assert "https" in found["encryption"]["advice"]
    assert found["proxy"]["found"] == proxy.url
    assert found["credentials"]["status"] == "ok"


# -- each step --------------------------------------------------------------------------------------------------------


def test_an_account_that_is_not_named(examine: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JZYSOAP_BASE_URL")
    found = examine()
    assert statuses(found, "failed") == ["account"]
    assert len(statuses(found, "skipped")) == len(STEPS) - 2


def test_a_password_that_was_typed_for_want_of_a_keyring(examine: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JZYSOAP_PASSWORD")
    monkeypatch.setattr("jzysoap.cli.credentials.has_terminal", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda _: PASSWORD)
    found = examine(0)
    assert found["password"]["status"] == "warning"
    assert found["password"]["found"] == "the prompt (this system has no keyring)"


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_tls_that_works_and_tls_that_is_not_verified(examine: Examine, variables: Sandbox, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    with over_tls(relaying(variables)) as (url, authority):
        authority.cert_pem.write_to_path(str(bundle))
        found = examine(0, BASE_URL=url, VERIFY=str(bundle))
        assert found["tls"]["found"].startswith("TLSv1.")
        assert statuses(found, "ok") == list(STEPS)
        found = examine(0, VERIFY="false")
        assert found["tls"]["found"].endswith(", certificates are not verified")
    bundle.write_text("damaged")
    with over_tls(relaying(variables)) as (url, _):
        found = examine(BASE_URL=url, VERIFY=str(bundle))
    assert statuses(found, "failed") == ["tls"]
    assert "verify is not a usable CA bundle" in found["tls"]["found"]


def test_a_port_that_does_not_speak_tls(examine: Examine) -> None:
    def refuse(_: RawServer, connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(reply(b"", "400 Bad Request"))

    with RawServer(refuse) as server:
        found = examine(BASE_URL=server.url.replace("http:", "https:"))
    assert statuses(found, "failed") == ["tls"]
    assert found["tls"]["found"] == "it does not speak TLS: try http://"


def test_a_certificate_behind_a_proxy(examine: Examine, variables: Sandbox) -> None:
    with over_tls(relaying(variables), ("other.invalid",)) as (url, _):
        port = int(url.rpartition(":")[2])

        def tunnel(server: RawServer, connection: socket.socket) -> None:
            server.read_request(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with socket.create_connection(("127.0.0.1", port)) as onward:
                back = threading.Thread(target=pump, args=(onward, connection))
                back.start()
                pump(connection, onward)
                back.join()

        with RawServer(tunnel) as proxy:
            found = examine(BASE_URL="https://gateway.invalid", PROXIES=proxy.url)
    assert statuses(found, "failed") == ["definition"]
    assert "JZYSOAP_VERIFY" in found["definition"]["advice"]


def pump(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := one.recv(65536):
            other.sendall(piece)
        other.shutdown(socket.SHUT_WR)


def test_a_proxy_that_wants_a_password(examine: Examine) -> None:
    refusal = reply(b"", "407 Proxy Authentication Required")
    with RawServer(answering(refusal)) as proxy:
        found = examine(BASE_URL="http://gateway.invalid", PROXIES=proxy.url)
        assert statuses(found, "failed") == ["definition"]
        assert "its user and password in JZYSOAP_PROXIES" in found["definition"]["advice"]
        found = examine(BASE_URL="https://gateway.invalid")
    assert statuses(found, "failed") == ["definition"]
    assert "its user and password in JZYSOAP_PROXIES" in found["definition"]["advice"]
    assert statuses(found, "skipped") == ["name", "port", "tls", "clock", "credentials", "balance"]


def test_a_proxy_of_the_environment_that_is_none(examine: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"nothing://user:{PASSWORD}@127.0.0.1")
    found = examine(BASE_URL="http://gateway.invalid")
    assert statuses(found, "failed") == ["proxy"]
    assert "HTTP_PROXY" in found["proxy"]["advice"]


def test_a_host_that_no_name_server_can_be_asked_for(examine: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    found = examine(BASE_URL=f"http://{'ü' * 64}.invalid")
    assert statuses(found, "failed") == ["name"]

    def refuse(host: str, *_: object, **__: object) -> None:
        host.encode("idna")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    found = examine(BASE_URL=f"http://{'a' * 64}.invalid")
    assert statuses(found, "failed") == ["name"]


def test_a_name_without_an_address(examine: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    found = examine(BASE_URL="http://localhost:1")
    assert statuses(found, "failed") == ["port"]


def test_something_else_that_answers(examine: Examine) -> None:
    with RawServer(answering(reply(b"<html>welcome</html>"))) as server:
        found = examine(BASE_URL=server.url)
    assert statuses(found, "failed") == ["definition"]
    assert "something else answers" in found["definition"]["advice"]


def test_a_gateway_that_does_not_say_what_time_it_is(examine: Examine) -> None:
    with RawServer(answering(reply(WSDL))) as server:
        found = examine(BASE_URL=server.url)
    assert found["clock"]["status"] == "skipped"
    assert statuses(found, "failed") == ["credentials"]
    assert "try again later" in found["credentials"]["advice"]


def test_a_clock_that_is_behind(examine: Examine, variables: Sandbox) -> None:
    headers = (("Content-Type", "text/xml"), ("Date", "Mon, 01 Jan 2125 00:00:00 GMT"))
    variables.fail_next("wsdl", body=WSDL, headers=headers)
    assert examine(0)["clock"]["found"].endswith(" s behind the gateway's")


def test_the_servlet_needs_no_definition(examine: Examine) -> None:
    found = examine(0, INTERFACE="servlet")
    assert statuses(found, "skipped") == ["tls", "definition"]
    assert found["clock"]["status"] == "ok"


def test_a_local_definition(examine: Examine, tmp_path: Path) -> None:
    (tmp_path / "own.wsdl").write_bytes(WSDL)
    found = examine(0, WSDL=str(tmp_path / "own.wsdl"))
    assert found["definition"]["found"].startswith(f"{tmp_path / 'own.wsdl'}, arguments matched by name, sha256 ")
    assert found["clock"]["status"] == "ok"


def test_a_local_definition_that_is_missing(examine: Examine, tmp_path: Path) -> None:
    found = examine(WSDL=str(tmp_path / "own.wsdl"))
    assert statuses(found, "failed") == ["definition"]
    assert "JZYSOAP_WSDL" in found["definition"]["advice"]


def test_a_definition_whose_hash_is_pinned(examine: Examine) -> None:
    found = examine(WSDL_SHA256="0" * 64)
    assert statuses(found, "failed") == ["definition"]
    assert " has sha256 " in found["definition"]["found"]
    assert "JZYSOAP_WSDL_SHA256" in found["definition"]["advice"]


def test_a_saved_definition(examine: Examine, variables: Sandbox) -> None:
    with Client(variables.url, USERNAME, PASSWORD) as client:
        client.prepare()
    variables.fail_next("wsdl", status=500, body=b"")
    found = examine()
    assert statuses(found, "failed") == ["definition"]
    assert found["definition"]["found"].endswith("(clients use the one that was saved last)")
    assert found["credentials"]["status"] == "ok"
    changed = ServedDefinition(WSDL, {}, "")
    other = WSDL.replace(changed.namespace.encode(), b"http://other.invalid")
    variables.fail_next("wsdl", body=other, times=2)
    found = examine(0)
    assert statuses(found, "warning") == ["definition"]
    assert f"jzysoap wsdl fetch {variables.url} --accept" in found["definition"]["advice"]
    found = examine(0, WSDL_ACCEPT_CHANGES="true")
    assert statuses(found, "warning") == []


def test_a_balance_that_is_asked_for_too_often(examine: Examine, variables: Sandbox) -> None:
    variables.gateway.balance_interval = 60
    assert examine(0)["balance"]["status"] == "ok"
    found = examine(0)
    assert statuses(found, "warning") == ["credentials"]
    assert "wait" in found["credentials"]["advice"]


def test_a_channel_that_the_gateway_does_not_name(examine: Examine, variables: Sandbox) -> None:
    variables.fail_next("getRestMoney", result="gateSmsNum=5")
    found = examine(0, CHANNEL="card")
    assert statuses(found, "warning") == ["balance"]
    assert found["balance"]["found"] == "member unknown, gateway 5, card unknown"


def test_a_stdout_without_chinese(variables: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with open(tmp_path / "out", "w", encoding="ascii") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        assert main(["doctor"]) == 0
    lines = (tmp_path / "out").read_text("ascii").splitlines()
    assert "warning  encoding     ascii" in lines


@pytest.mark.parametrize(
    ("language", "lines", "last"),
    [
        (
            "en",
            [
                "failed   credentials  the gateway refused the credentials: 用户名或密码错误",
                " " * 22 + "-> check the account's",
            ],
            "steps that failed: 1",
        ),
        (
            "zh",
            ["失败  登录      the gateway refused the credentials: 用户名或密码错误", " " * 16 + "-> 请检查账号名"],
            "失败的步骤：1 个",
        ),
    ],
)
def test_the_findings_are_printed_for_people(
    language: str,
    lines: list[str],
    last: str,
    variables: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("JZYSOAP_LANG", language)
    monkeypatch.setenv("JZYSOAP_PASSWORD", "wrong")
    assert main(["doctor"]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    for line in lines:
        assert any(shown.startswith(line) for shown in out.splitlines())
    assert out.splitlines()[-2:] == ["", last]


def test_that_no_step_failed_is_printed_too(variables: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.endswith("\n\nno step failed\n")
