"""The command line, in this process, and in one of its own where its end is what counts."""

from __future__ import annotations

import base64
import io
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from jzysoap import Client, Poll, __version__
from jzysoap.cli import main as cli
from jzysoap.sandbox import Sandbox
from tests.kit.recordings import ROOT, load
from tests.kit.samples import MOBILE, SECOND_MOBILE, THIRD_MOBILE
from tests.kit.servers import refused_port

NUMBERS = (MOBILE, SECOND_MOBILE, THIRD_MOBILE)


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """The command line as a process."""
    return subprocess.run(  # noqa: S603  # this Python, these arguments
        [sys.executable, "-m", "jzysoap", *arguments],
        env={**os.environ, "PYTHONPATH": str(Path(cli.__file__).parent.parent), **variables},
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_the_demo(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["demo"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    labels = re.findall(r"^([a-z ]+?)  +(.*)$", out, re.MULTILINE)
    assert [label for label, _ in labels] == [
        "gateway",
        "balance before",
        *["sent"] * 2,
        "balance after",
        *["report"] * 3,
        "reply",
        "its text",
    ]
    values = [value for _, value in labels]
    assert values[0].startswith("http://127.0.0.1:")
    assert values[1] == "Balance(member=1000, gateway=1000, card=1000)"
    assert re.fullmatch(r"<Sent accepted: 2 numbers .*, batch_id=337017332>", values[2])
    assert re.fullmatch(r"<Sent accepted: 1 number .*, batch_id=337017333>", values[3])
    assert values[4] == "Balance(member=1000, gateway=997, card=1000)"
    reports = [re.sub(", sent_at.*", "", value) for value in values[5:8]]
    assert reports == [
        "<DeliveryReport 138****4295 DELIVERED, batch_id=337017332",
        "<DeliveryReport 153****7702 DELIVERED, batch_id=337017332",
        "<DeliveryReport 152****7712 DELIVERED, batch_id=337017333",
    ]
    assert values[8].startswith("<Reply from 138****4295, 5 characters, received_at=")
    assert values[9] == "收到，谢谢"


def test_the_bytes_that_go_over(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    password = "made-up-0123456789"
    monkeypatch.setattr("jzysoap.cli.main.secrets.token_hex", lambda _: password)
    assert cli.main(["demo", "--wire"]) == 0
    out, _ = capsys.readouterr()
    wire = "\n".join(line for line in out.splitlines() if line.startswith("  "))
    assert len(re.findall("^  > POST /services/userApi HTTP/1.1$", wire, re.MULTILINE)) == 6
    assert "  > GET /services/userApi?wsdl HTTP/1.1" in wire
    assert re.search(r"^  < \(\d\d,\d{3} bytes\)$", wire, re.MULTILINE)
    assert wire.count("password>***</") == 6
    assert wire.count("content>***</") == 2
    assert "content>***&lt;/" in wire
    assert "mobile>138****4295,153****7702</" in wire
    assert "<ns:return>success;337017332</ns:return>" in wire
    shown = out.replace("收到，谢谢", "", 1)
    replied = base64.b64encode("收到，谢谢".encode("gb18030")).decode()
    for secret in (password, base64.b64encode(password.encode()).decode(), *NUMBERS, "验证码", "包裹", "收到", replied):
        assert secret not in shown


def test_the_demo_goes_past_a_dead_proxy(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with refused_port() as port:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        assert cli.main(["demo"]) == 0
    assert "batch_id=337017333" in capsys.readouterr().out


def test_the_demo_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cli.main(["demo"]) == 0
    assert not list(tmp_path.iterdir())


def test_reports_that_are_late_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_PAUSE", 0.001)
    polls = iter([Poll(("first",)), Poll(), Poll(("second", "third"))])
    assert cli._collect(lambda: next(polls), 3) == ["first", "second", "third"]


def test_reports_that_do_not_come_end_the_demo(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli._POLLS * cli._PAUSE <= 30
    monkeypatch.setattr(cli, "_PAUSE", 0)
    monkeypatch.setattr(Client, "reports", lambda _: Poll())
    assert cli.main(["demo"]) == 1
    assert capsys.readouterr().err == "jzysoap: 0 of 3 records came in 50 polls\n"


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "waitress"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "jzysoap.sandbox.connections", raising=False)
    monkeypatch.setitem(sys.modules, "waitress", None)
    assert cli.main(["demo"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"jzysoap: .*pip install 'jzysoap\[sandbox\]'\n", err)


def test_the_port_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(self: Sandbox) -> Sandbox:
        raise PermissionError(13, "made\nup")

    monkeypatch.setattr(Sandbox, "start", refuse)
    assert cli.main(["demo"]) == 1
    assert capsys.readouterr() == ("", "jzysoap: [Errno 13] made up\n")


def test_control_c(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(self: Client) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "balance", interrupt)
    assert cli.main(["demo"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("arguments", [["demo"], ["wsdl", "show"], ["--version"]])
def test_nobody_reads_the_output(
    arguments: Sequence[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    # Buffered, so that what cannot be written is still there at the end.
    with open(writer, "w", encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert cli.main(arguments) == 141
    assert capsys.readouterr().err == ""


def test_nobody_reads_the_output_of_a_process() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "jzysoap", "wsdl", "show"],
            env={**os.environ, "PYTHONPATH": str(Path(cli.__file__).parent.parent)},
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no file that is always full")
def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with open("/dev/full", "w", encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert cli.main(["wsdl", "show"]) == 1
    assert capsys.readouterr().err.startswith("jzysoap: [Errno 28]")


def test_no_output_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert cli.main(["demo"]) == 0


def test_a_terminal_that_cannot_spell_chinese() -> None:
    done = run("demo", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"its text        \u6536\u5230\uff0c\u8c22\u8c22" in done.stdout.splitlines()


def test_an_output_that_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stdout)
    assert cli.main(["demo"]) == 0
    assert "收到，谢谢\n" in stdout.getvalue()


def test_what_is_bundled(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["wsdl", "show"]) == 0
    assert capsys.readouterr().out == (
        "definition  bundled:axis2-1.6.2-7param\n"
        "sha256      d5ae5f3171e4bc79738b4f08510bf74acad70c27d45c60fec0648ac55dafb1a8\n"
        "port        UserApiHttpSoap11Endpoint\n"
        "SOAP        1.1\n"
        "\n"
        "operation     action            argument   taken for  matched\n"
        "sendSms       urn:sendSms       username   username   by name\n"
        "                                password   password   by name\n"
        "                                smstype    smstype    by name\n"
        "                                content    content    by name\n"
        "                                mobile     mobile     by name\n"
        "                                isLongSms  isLongSms  by name\n"
        "                                extenno    extenno    by name\n"
        "getRestMoney  urn:getRestMoney  username   username   by name\n"
        "                                password   password   by name\n"
        "getSmsReport  urn:getSmsReport  username   username   by name\n"
        "                                password   password   by name\n"
        "getRecvSMS    urn:getRecvSMS    username   username   by name\n"
        "                                password   password   by name\n"
    )
    assert cli.main(["wsdl", "show", "bundled:axis2-1.6.2"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("definition  bundled:axis2-1.6.2\n")
    assert "extenno" not in out


@pytest.mark.parametrize("stack", ["cxf-3.3.2-jaxws", "axis-1.4-wrapped"])
def test_numbered_arguments(stack: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["wsdl", "show", str(ROOT / stack / "service.wsdl")]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[6:]]
    assert rows[0][:2] == ["sendSms", '""']
    stem = re.sub(r"\d", "", rows[0][2])
    assert [row[-4:] for row in rows[:6]] == [
        [f"{stem}{number}", name, "by", "position"]
        for number, name in enumerate(
            ["username", "password", "smstype", "content", "mobile", "isLongSms"], int(rows[0][2][-1])
        )
    ]


def test_an_argument_whose_name_cannot_be_told() -> None:
    from jzysoap.definition.bindings import Bindings, Template

    bindings = Bindings(
        "1.1", "port", {"getRestMoney": Template("", (b"no element", b"", b""), ("username", "password"))}
    )
    assert [row[2:] for row in cli._matches(bindings)] == [
        ("?", "username", "by position"),
        ("?", "password", "by position"),
    ]


def test_a_definition_from_an_address(httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]) -> None:
    recorded = load("axis2-1.6.2-7param")
    httpserver.expect_request("/services/userApi", query_string="wsdl").respond_with_data(
        recorded.wsdl, content_type="text/xml"
    )
    url = httpserver.url_for("/services/userApi?wsdl")
    assert cli.main(["wsdl", "show", url]) == 0
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
def test_a_definition_that_cannot_be_used(source: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["wsdl", "show", source]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("jzysoap: ")
    assert says in err
    assert err.count("\n") == 1


def test_an_address_that_nobody_answers_at(capsys: pytest.CaptureFixture[str]) -> None:
    with refused_port() as port:
        assert cli.main(["wsdl", "show", f"http://127.0.0.1:{port}/services/userApi?wsdl"]) == 1
    assert "the connection was refused" in capsys.readouterr().err


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"jzysoap {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["wsdl"], ["send"], ["demo", "--wires"]])
def test_arguments_that_are_wrong(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    assert exit_.value.code == 2
    assert "usage: jzysoap" in capsys.readouterr().err


def test_as_a_module(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["jzysoap", "wsdl", "show"])
    with pytest.raises(SystemExit) as exit_:
        runpy.run_module("jzysoap", run_name="__main__")
    assert exit_.value.code == 0
    assert capsys.readouterr().out.startswith("definition")


def test_a_module_that_is_only_imported_does_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_module("jzysoap.__main__", run_name="jzysoap.__main__")
    assert capsys.readouterr().out == ""
