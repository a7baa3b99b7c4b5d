"""``jzysoap balance`` against the sandbox."""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

import pytest

from jzysoap import Client, DeliveryStatus
from jzysoap.cli.main import main
from jzysoap.sandbox import Sandbox
from tests.kit.samples import MOBILE, PASSWORD, USERNAME
from tests.kit.terminals import run


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("table", "channel  messages\nmember   7\ngateway  7\ncard     7\n"),
        (
            "json",
            '[{"channel": "member", "messages": 7}, {"channel": "gateway", "messages": 7}, '
            '{"channel": "card", "messages": 7}]\n',
        ),
        ("csv", "channel,messages\nmember,7\ngateway,7\ncard,7\n"),
    ],
)
def test_the_balance_in_each_form(
    form: str, shown: str, variables: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["balance", "--output", form]) == 0
    assert capsys.readouterr() == (shown, "")


def test_the_balance_in_chinese(
    variables: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JZYSOAP_LANG", "zh")
    assert main(["balance"]) == 0
    assert capsys.readouterr() == ("通道  条数\n会员  7\n网关  7\n卡发  7\n", "")


def test_a_channel_that_the_gateway_does_not_name(variables: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    variables.fail_next("getRestMoney", result="gateSmsNum=5", times=2)
    assert main(["balance"]) == 0
    assert capsys.readouterr().out == "channel  messages\nmember   unknown\ngateway  5\ncard     unknown\n"
    assert main(["balance", "--output", "jsonl"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["messages"] for row in rows] == [None, 5, None]


def test_nothing_is_polled_or_sent(variables: Sandbox) -> None:
    variables.gateway.inject_reply(MOBILE, "收到")
    variables.gateway.inject_report(MOBILE, DeliveryStatus.DELIVERED, batch_id="1")
    assert main(["balance"]) == 0
    with Client(variables.url, USERNAME, PASSWORD, cache_dir=False) as client:
        assert (len(client.reports()), len(client.replies())) == (1, 1)
    assert variables.gateway.sent == ()


def test_the_words_of_the_gateway_cannot_disturb_the_terminal(
    variables: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    variables.fail_next("getRestMoney", result="failure;密码错误\x9b2J\u202e")
    assert main(["balance"]) == 1
    assert capsys.readouterr() == ("", "jzysoap: the gateway refused the credentials: 密码错误 2J\n")


def test_a_traceback_holds_no_secret(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    password = "n0t-the-password"
    sandbox.fail_next("getRestMoney", result=f"failure;密码错误 {password}")
    environment = {"JZYSOAP_BASE_URL": sandbox.url, "JZYSOAP_USERNAME": USERNAME, "JZYSOAP_PASSWORD": password}
    done = run(["balance", "--debug"], environment)
    assert done.returncode == 1
    assert done.stderr.startswith(b"Traceback (most recent call last):\n")
    assert done.stderr.endswith("jzysoap: the gateway refused the credentials: 密码错误 ***\n".encode())
    assert password.encode() not in done.stdout + done.stderr


@pytest.mark.parametrize(("number", "status"), [(signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_silently(
    number: signal.Signals,
    status: int,
    variables: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupt(_: Client) -> Any:
        signal.raise_signal(number)

    monkeypatch.setattr(Client, "balance", interrupt)
    assert main(["balance"]) == status
    assert capsys.readouterr() == ("", "")


def test_an_error_of_the_program_itself_is_not_hidden(variables: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Client) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(Client, "balance", fail)
    with pytest.raises(ZeroDivisionError):
        main(["balance"])


def test_the_core_alone_is_enough_with_variables(
    variables: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for library in ("keyring", "platformdirs", "shtab", "tomli_w"):
        monkeypatch.setitem(sys.modules, library, None)
    assert main(["balance"]) == 0
    assert capsys.readouterr().err == ""
