"""``jzysoap wsdl show``, ``fetch`` and ``diff``, with definitions that were recorded or made up."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from jzysoap import Client, __version__
from jzysoap.cli.definition import describe_arguments
from jzysoap.cli.main import main
from jzysoap.definition.bindings import Bindings, Template
from jzysoap.definition.source import last_saved
from jzysoap.model.errors import WsdlError
from jzysoap.settings.options import configure
from tests.kit.definitions import DOCUMENTED, definition, overloaded
from tests.kit.recordings import ROOT, Stack, load
from tests.kit.servers import refused_port


def serve(server: HTTPServer, stack: Stack) -> str:
    """Serve a recorded definition at the path that clients ask for, and return the base address."""
    host = re.match("http://[^/]+", stack.url)
    assert host is not None
    base = server.url_for("").rstrip("/")
    documents: Mapping[str, bytes] = {
        url.partition("?")[2]: document.replace(host[0].encode(), base.encode())
        for url, document in stack.documents.items()
    }
    path = "/" + stack.url.partition("?")[0].split("/", 3)[3]

    def answer(request: Request) -> Response:
        return Response(
            documents[request.query_string.decode()], headers={"Server": "made-up/1.0"}, mimetype="text/xml"
        )

    server.expect_request(path).respond_with_handler(answer)
    if path != "/services/userApi":
        server.expect_request("/services/userApi").respond_with_data(
            b"", status=302, headers={"Location": f"{path}?wsdl"}
        )
    return base


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JZYSOAP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


def table(out: str) -> dict[str, str]:
    return {row[:12].strip(): row[12:].strip() for row in out.splitlines()}


# -- show -------------------------------------------------------------------------------------------------------------


def test_show_prints_a_bundled_definition(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wsdl", "show"]) == 0
    assert capsys.readouterr().out == (
        "definition  bundled:axis2-1.6.2-7param\n"
        "sha256      d5ae5f3171e4bc79738b4f08510bf74acad70c27d45c60fec0648ac55dafb1a8\n"
        "port        UserApiHttpSoap11Endpoint\n"
        "SOAP        1.1\n"
        "\n"
        "operation     action            argument   stands for  matched\n"
        "sendSms       urn:sendSms       username   username    by name\n"
        "                                password   password    by name\n"
        "                                smstype    smstype     by name\n"
        "                                content    content     by name\n"
        "                                mobile     mobile      by name\n"
        "                                isLongSms  isLongSms   by name\n"
        "                                extenno    extenno     by name\n"
        "getRestMoney  urn:getRestMoney  username   username    by name\n"
        "                                password   password    by name\n"
        "getSmsReport  urn:getSmsReport  username   username    by name\n"
        "                                password   password    by name\n"
        "getRecvSMS    urn:getRecvSMS    username   username    by name\n"
        "                                password   password    by name\n"
    )
    assert main(["wsdl", "show", "bundled:axis2-1.6.2"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("definition  bundled:axis2-1.6.2\n")
    assert "extenno" not in out


@pytest.mark.parametrize("stack", ["cxf-3.3.2-jaxws", "axis-1.4-wrapped"])
def test_show_matches_numbered_arguments_by_position(stack: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wsdl", "show", str(ROOT / stack / "service.wsdl")]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[6:]]
    assert rows[0][:2] == ["sendSms", '""']
    stem = re.sub(r"\d", "", rows[0][2])
    assert [row[-4:] for row in rows[:6]] == [
        [f"{stem}{number}", name, "by", "position"]
        for number, name in enumerate(
            ["username", "password", "smstype", "content", "mobile", "isLongSms"], int(rows[0][2][-1])
        )
    ]


def test_show_prints_a_question_mark_for_an_argument_without_an_element() -> None:
    bindings = Bindings(
        "1.1", "port", {"getRestMoney": Template("", (b"no element", b"", b""), ("username", "password"))}
    )
    assert [row[2:] for row in describe_arguments(bindings)] == [
        ("?", "username", "by position"),
        ("?", "password", "by position"),
    ]


def test_show_fetches_a_definition_from_an_address(httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]) -> None:
    recorded = load("axis2-1.6.2-7param")
    httpserver.expect_request("/services/userApi", query_string="wsdl").respond_with_data(
        recorded.wsdl, content_type="text/xml"
    )
    url = httpserver.url_for("/services/userApi?wsdl")
    assert main(["wsdl", "show", url]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"definition  {url}\nsha256 ")
    assert "\nport        UserApiHttpSoap11Endpoint\n" in out
    ((request, _),) = httpserver.log
    assert request.headers["User-Agent"] == f"jzysoap/{__version__}"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("bundled:nothing", "no bundled definition called 'nothing'"),
        ("nothing.wsdl", "cannot read nothing.wsdl"),
        ("ftp://127.0.0.1/", "wsdl must be"),
        (str(ROOT / "axis-1.4-doc" / "service.wsdl"), "6 parts in its body"),
        (str(ROOT / "README.md"), "not well-formed XML"),
    ],
)
def test_show_says_why_a_definition_cannot_be_used(source: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wsdl", "show", source]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("jzysoap: ")
    assert says in err
    assert err.count("\n") == 1


def test_show_says_that_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    with refused_port() as port:
        assert main(["wsdl", "show", f"http://127.0.0.1:{port}/services/userApi?wsdl"]) == 1
    assert "the connection was refused" in capsys.readouterr().err


# -- fetch ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["axis2-1.6.2", "jaxws-ri-2.3.0.2"])
def test_fetch_records_a_definition_that_a_client_can_use(
    name: str, httpserver: HTTPServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = serve(httpserver, load(name))
    assert main(["wsdl", "fetch", base, "--out", str(tmp_path / "new" / "copy")]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    rows = table(out)
    assert rows["definition"] == f"{base}/services/userApi?wsdl"
    assert rows["documents"] == str(len(load(name).documents))
    assert rows["written to"] == str(tmp_path / "new" / "copy")
    assert {request.headers["User-Agent"] for request, _ in httpserver.log} == {f"jzysoap/{__version__}"}
    source = (tmp_path / "new" / "copy" / "SOURCE").read_text("utf-8")
    assert f"URL:       {base}/services/userApi?wsdl (Content-Type: text/xml; charset=utf-8)\n" in source
    assert re.search(r"^Server:    .*made-up/1\.0", source, re.MULTILINE)
    assert f"SHA-256:   {rows['sha256']}\n" in source
    # Recording a definition does not accept it.
    assert not (tmp_path / "cache").exists()
    # The recorded definition works without the gateway, under the same pin.
    httpserver.clear()
    with Client(base, "test", "pw", wsdl=tmp_path / "new" / "copy", wsdl_sha256=rows["sha256"]) as client:
        client.prepare()
    assert not httpserver.log


def test_fetch_writes_to_the_working_directory_by_default(
    httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    base = serve(httpserver, load("axis2-1.6.2-7param"))
    assert main(["wsdl", "fetch", base]) == 0
    assert sorted(path.name for path in Path("userApi-wsdl").iterdir()) == ["SOURCE", "service.wsdl"]
    assert table(capsys.readouterr().out)["written to"] == "userApi-wsdl"
    assert main(["wsdl", "diff", "userApi-wsdl", "userApi-wsdl/service.wsdl"]) == 0


def test_after_a_redirect_fetch_records_the_server_of_the_last_answer(
    httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    base = serve(httpserver, load("axis2-1.6.2-7param"))
    assert main(["wsdl", "fetch", base]) == 0
    assert re.search(r"^Server:    .*made-up/1\.0", Path("userApi-wsdl/SOURCE").read_text("utf-8"), re.MULTILINE)
    assert len(httpserver.log) == 2


def test_accept_makes_clients_use_a_changed_definition(
    httpserver: HTTPServer, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    served = [definition()]
    httpserver.expect_request("/services/userApi").respond_with_handler(lambda _: Response(served[0]))
    base = httpserver.url_for("").rstrip("/")
    options: dict[str, Any] = {"wsdl_max_age": 0, "cache_dir": "cache"}

    def warnings() -> int:
        return sum(record.name == "jzysoap" and record.levelname == "WARNING" for record in caplog.records)

    def prepared() -> str:
        with Client(base, "test", "pw", **options) as client:
            client.prepare()
            return client._session.definition

    assert main(["wsdl", "fetch", base + "/", "--accept"]) == 0
    assert "changes     none was saved before\n" in capsys.readouterr().out
    assert not Path("userApi-wsdl").exists()
    assert (prepared(), warnings()) == ("live", 0)
    assert main(["wsdl", "fetch", base, "--accept"]) == 0
    assert "changes     nothing in what is sent\n" in capsys.readouterr().out
    served[0] = definition(namespace="urn:changed")
    assert (prepared(), warnings()) == ("saved", 1)
    assert main(["wsdl", "fetch", base, "--accept", "--out", "copy"]) == 0
    out = capsys.readouterr().out
    assert "changes     sendSms: its element {urn:gateway}sendSms becomes {urn:changed}sendSms\n" in out
    assert f"accepted    for {base}\n" in out
    assert "written to  copy\n" in out
    assert Path("copy/SOURCE").is_file()
    assert (prepared(), warnings()) == ("live", 1)
    with Client(base, "test", "pw", **options) as client:
        client.prepare()
    saved = last_saved(configure({**options, "base_url": base, "username": "test", "password": "pw"}))
    assert saved is not None
    assert saved.documents[saved.url] == served[0]


def test_accept_replaces_a_saved_definition_that_cannot_be_used(
    httpserver: HTTPServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    unusual = [f"{one.split(' ')[0]} a{place}b" for place, one in enumerate(DOCUMENTED[:6])]
    served = [definition(arguments=unusual)]
    httpserver.expect_request("/services/userApi").respond_with_handler(lambda _: Response(served[0]))
    base = httpserver.url_for("").rstrip("/")
    assert main(["wsdl", "fetch", base, "--accept"]) == 1
    assert "cannot be matched" in capsys.readouterr().err
    monkeypatch.setenv("JZYSOAP_ARGUMENTS", "username,password,smstype,content,mobile,isLongSms")
    assert main(["wsdl", "fetch", base, "--accept"]) == 0
    monkeypatch.delenv("JZYSOAP_ARGUMENTS")
    served[0] = definition()
    capsys.readouterr()
    assert main(["wsdl", "fetch", base, "--accept"]) == 0
    assert "changes     the one that was saved could not be used\n" in capsys.readouterr().out


def test_accept_needs_a_directory_to_save_to(
    httpserver: HTTPServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    base = serve(httpserver, load("axis2-1.6.2"))
    monkeypatch.setenv("JZYSOAP_CACHE_DIR", "off")
    assert main(["wsdl", "fetch", base, "--accept"]) == 1
    assert "nothing can be saved: check JZYSOAP_CACHE_DIR" in capsys.readouterr().err


def test_fetch_ignores_other_variables(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    base = serve(httpserver, load("axis2-1.6.2"))
    for name in ("BASE_URL", "CHANNEL", "WSDL", "PASSWORD_FILE", "TIMEOUT"):
        monkeypatch.setenv(f"JZYSOAP_{name}", "nonsense")
    assert main(["wsdl", "fetch", base]) == 0
    monkeypatch.setenv("JZYSOAP_VERIFY", "no/such/bundle.pem")
    assert main(["wsdl", "fetch", base]) == 1


@pytest.mark.parametrize("base", ["gateway.invalid", "http://127.0.0.1/services/userApi?wsdl"])
def test_fetch_refuses_a_malformed_address(base: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wsdl", "fetch", base]) == 1
    assert capsys.readouterr().err.startswith("jzysoap: base_url must be ")


def test_fetch_says_that_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    with refused_port() as port:
        assert main(["wsdl", "fetch", f"http://127.0.0.1:{port}"]) == 1
    err = capsys.readouterr().err
    assert err.count("nothing was sent") == 1
    assert "the connection was refused" in err
    assert not Path("userApi-wsdl").exists()


def test_fetch_reports_a_directory_that_cannot_be_written_to(
    httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    base = serve(httpserver, load("axis2-1.6.2"))
    Path("taken").write_bytes(b"")
    assert main(["wsdl", "fetch", base, "--out", "taken"]) == 1
    assert "taken" in capsys.readouterr().err


# -- diff -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("new", "status", "line"),
    [
        (definition(), 0, ""),
        (definition().replace(b"10.0.0.1", b"10.0.0.2"), 0, ""),
        (definition(ports=["http", "1.2", "1.1"]), 0, "  port 1: port0, SOAP 1.1 becomes port2, SOAP 1.1\n"),
        (
            definition(arguments=[one.replace("int ", "string ") for one in DOCUMENTED[:6]]),
            0,
            "  port 1, sendSms, arguments: string username, string password, int smstype, ",
        ),
        (
            definition(operations=["sendSms", "getRestMoney", "getSmsReport", "getRecvSMS", "login"]),
            0,
            "  port 1, login, style: none becomes document, literal\n",
        ),
        (definition(arguments=DOCUMENTED), 1, "isLongSms becomes username, password, smstype, content, mobile, isLong"),
        (definition(ports=["1.2"]), 1, "  SOAP 1.1 becomes 1.2\n"),
        (definition(action=""), 1, '  getRecvSMS: its action "urn:getRecvSMS" becomes ""\n'),
        (definition(namespace="urn:n"), 1, "  sendSms: its arguments' namespace urn:gateway becomes urn:n\n"),
    ],
    ids=["same", "address", "ports", "types", "more", "arguments", "version", "action", "namespace"],
)
def test_diff_prints_what_differs(new: bytes, status: int, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("old.wsdl").write_bytes(definition())
    Path("new.wsdl").write_bytes(new)
    assert main(["wsdl", "diff", "old.wsdl", "new.wsdl"]) == status
    out, err = capsys.readouterr()
    assert err == ""
    assert line in out
    assert ("what is sent stays the same\n" in out) == (status == 0)
    assert ("what is sent changes:\n" in out) == (status == 1)
    if status == 0 and not line:
        assert out == "what is sent stays the same\n"


def test_diff_prints_styles(capsys: pytest.CaptureFixture[str]) -> None:
    one, other = (str(ROOT / name / "service.wsdl") for name in ("php-soap-rpcenc", "gsoap-doclit"))
    assert main(["wsdl", "diff", one, other]) == 1
    out = capsys.readouterr().out
    assert "  port 1, sendSms, style: rpc, encoded becomes document, literal\n" in out
    assert "  sendSms: its encoding style http://schemas.xmlsoap.org/soap/encoding/ becomes none\n" in out


def test_diff_compares_a_live_definition_with_a_recorded_one(
    httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    base = serve(httpserver, load("axis2-1.6.2"))
    assert main(["wsdl", "diff", f"{base}/services/userApi?wsdl", "bundled:axis2-1.6.2"]) == 0
    assert capsys.readouterr().out == "what is sent stays the same\n"


@pytest.mark.parametrize("arguments", [["bundled", "absent.wsdl"], ["absent.wsdl", "bundled"], ["ftp://h/", "bundled"]])
def test_an_error_of_diff_has_another_exit_status(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wsdl", "diff", *arguments]) == 2
    assert capsys.readouterr().err.startswith("jzysoap: ")


def test_a_full_disk_is_an_error_of_diff_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(line: str = "") -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr("jzysoap.cli.definition.print_line", full)
    assert main(["wsdl", "diff", "bundled", "bundled"]) == 2
    assert "no space left" in capsys.readouterr().err


def test_the_printed_hash_is_the_hash_to_pin(capsys: pytest.CaptureFixture[str]) -> None:
    Path("own.wsdl").write_bytes(definition())
    assert main(["wsdl", "show", "own.wsdl"]) == 0
    shown = table(capsys.readouterr().out)["sha256"]
    assert shown == hashlib.sha256(definition()).hexdigest()
    with Client("http://127.0.0.1", "test", "pw", wsdl="own.wsdl", wsdl_sha256=shown) as client:
        client.prepare()
    with Client("http://127.0.0.1", "test", "pw", wsdl="own.wsdl", wsdl_sha256="0" * 64) as client:
        with pytest.raises(WsdlError, match=shown):
            client.prepare()


def test_diff_compares_the_forms_of_an_overloaded_operation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "old.wsdl").write_bytes(definition(arguments=DOCUMENTED))
    # In the port type, the form with the extension number comes second; HTTP is spelled with a slash.
    new = overloaded().replace(b'soap/http"', b'soap/http/"').replace(b"urn:seven", b"urn:sendSms")
    (tmp_path / "new.wsdl").write_bytes(new)
    assert main(["wsdl", "diff", str(tmp_path / "old.wsdl"), str(tmp_path / "new.wsdl")]) == 0
    out = capsys.readouterr().out
    assert "what is sent stays the same" in out
    assert "port 1, sendSms, arguments (form 2): none becomes" in out
    assert "string extenno" in out
