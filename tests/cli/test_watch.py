"""``jzysoap reports`` and ``jzysoap replies``."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from jzysoap import DeliveryStatus
from jzysoap.cli.main import main
from jzysoap.sandbox import Sandbox
from tests.kit.samples import MOBILE, SECOND_MOBILE
from tests.kit.terminals import run, terminal

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def fill(sandbox: Sandbox) -> None:
    sandbox.gateway.inject_report(MOBILE, DeliveryStatus.DELIVERED, batch_id="7")
    sandbox.gateway.inject_report(SECOND_MOBILE, DeliveryStatus.FAILED, batch_id="8")
    sandbox.gateway.inject_reply(MOBILE, "退订")


def test_reports_are_shown_once(variables: Sandbox, capsys: Output) -> None:
    fill(variables)
    assert main(["reports", "--yes", "--output", "json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["number"], first["status"], first["batch"], first["key"]) == ("138****4295", "delivered", "7", None)
    assert second["status"] == "failed"
    # The replies came with the same poll.
    assert main(["replies", "--show-numbers", "--output", "csv"]) == 0
    heading, reply = capsys.readouterr().out.splitlines()
    assert heading == "time,number,text"
    assert reply.split(",")[1:] == [MOBILE, "退订"]
    assert main(["reports"]) == 0
    assert capsys.readouterr().out == "time  number  status  batch  key\n"


def test_the_first_poll_asks(variables: Sandbox) -> None:
    fill(variables)
    with terminal(["reports"]) as shell:
        shell.wait_for("poll (y/n)?")
        shell.type("n")
        assert shell.end() == 1
    assert b"nothing was polled" in shell.shown
    with terminal(["reports"]) as shell:
        shell.wait_for("poll (y/n)?")
        shell.type("y")
        assert shell.end() == 0
    assert b"138****4295  delivered" in shell.shown
    assert MOBILE.encode() not in shell.shown


def test_without_a_terminal_nothing_is_polled_unasked(variables: Sandbox, capsys: Output) -> None:
    fill(variables)
    done = run(["replies"])
    assert done.returncode == 1
    assert b"give --yes" in done.stderr
    assert len(variables.gateway.poll_reports("account", b"s3cret-Pass")) == 2


def test_it_follows_until_interrupted(variables: Sandbox) -> None:
    with terminal(["replies", "--yes", "--follow", "--interval", "0.05"]) as shell:
        variables.fail_next("getRecvSMS", result="failure;操作过于频繁")
        variables.gateway.inject_reply(MOBILE, "first")
        shell.wait_for("first")
        variables.gateway.inject_reply(MOBILE, "second")
        shell.wait_for("second")
        shell.process.send_signal(signal.SIGINT)
        assert shell.end() == 130
    assert shell.shown.count(b"time ") == 1
    assert b"Traceback" not in shell.shown


@pytest.mark.parametrize("command", ["reports", "worker"])
@pytest.mark.parametrize("interval", ["0", "-1", "nan", "inf"])
def test_an_interval_that_is_no_pause(command: str, interval: str, variables: Sandbox, capsys: Output) -> None:
    assert main([command, f"--interval={interval}"]) == 1
    assert "--interval must be" in capsys.readouterr().err


def test_asked_too_often_it_says_so(variables: Sandbox, capsys: Output) -> None:
    variables.fail_next("getSmsReport", result="failure;操作过于频繁")
    assert main(["reports", "--yes"]) == 1
    assert "操作过于频繁" in capsys.readouterr().err


def test_what_could_not_be_printed_comes_again(
    variables: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    fill(variables)
    with monkeypatch.context() as patch:
        patch.setattr("jzysoap.cli.watch.print_records", _fail)
        assert main(["reports", "--yes"]) == 141
    assert main(["reports", "--output", "jsonl"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def _fail(*_: object, **__: object) -> None:
    raise BrokenPipeError
