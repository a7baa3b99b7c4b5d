"""``jzysoap demo``."""

from __future__ import annotations

import base64
import re
import sys
from pathlib import Path

import pytest

from jzysoap import Client, Poll
from jzysoap.cli import demo
from jzysoap.cli.main import main
from jzysoap.sandbox import Sandbox
from tests.kit.samples import MOBILE, SECOND_MOBILE, THIRD_MOBILE
from tests.kit.servers import refused_port

NUMBERS = (MOBILE, SECOND_MOBILE, THIRD_MOBILE)


def test_the_demo(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
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


def test_the_wire_is_shown_without_secrets(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    password = "made-up-0123456789"
    monkeypatch.setattr("jzysoap.cli.demo.secrets.token_hex", lambda _: password)
    assert main(["demo", "--wire"]) == 0
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


def test_the_demo_ignores_proxies(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with refused_port() as port:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        assert main(["demo"]) == 0
    assert "batch_id=337017333" in capsys.readouterr().out


def test_the_demo_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert main(["demo"]) == 0
    assert not list(tmp_path.iterdir())


def test_late_reports_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "PAUSE", 0.001)
    polls = iter([Poll(("first",)), Poll(), Poll(("second", "third"))])
    assert demo.collect(lambda: next(polls), 3) == ["first", "second", "third"]


def test_missing_reports_end_the_demo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.POLLS * demo.PAUSE <= 30
    monkeypatch.setattr(demo, "PAUSE", 0)
    monkeypatch.setattr(Client, "reports", lambda _: Poll())
    assert main(["demo"]) == 1
    assert capsys.readouterr().err == "jzysoap: 0 of 3 records came in 50 polls\n"


def test_the_demo_without_its_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "waitress"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "jzysoap.sandbox.connections", raising=False)
    monkeypatch.setitem(sys.modules, "waitress", None)
    assert main(["demo"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"jzysoap: .*pip install 'jzysoap\[sandbox\]'\n", err)


def test_an_error_of_the_system_is_printed_as_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(self: Sandbox) -> Sandbox:
        raise PermissionError(13, "made\nup")

    monkeypatch.setattr(Sandbox, "start", refuse)
    assert main(["demo"]) == 1
    assert capsys.readouterr() == ("", "jzysoap: [Errno 13] made up\n")
