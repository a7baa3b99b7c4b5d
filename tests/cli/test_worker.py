"""``jzysoap worker`` as a process."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jzysoap import Client
from jzysoap.cli.main import main
from jzysoap.mailbox import Mailbox
from jzysoap.sandbox import Sandbox
from tests.kit.samples import MOBILE, PASSWORD, TEXT, USERNAME
from tests.kit.terminals import Terminal, run, terminal

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@pytest.fixture(name="url")
def _url(variables: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path / 'sms.db'}"
    monkeypatch.setenv("JZYSOAP_MAILBOX", url)
    return url


def queue(sandbox: Sandbox, url: str) -> None:
    with (
        Client(sandbox.url, USERNAME, PASSWORD, wsdl="bundled", cache_dir=False) as client,
        Mailbox(client, url) as box,
    ):
        box.enqueue(MOBILE, TEXT)


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_it_works_until_a_signal_comes(number: signal.Signals, status: int, variables: Sandbox, url: str) -> None:
    queue(variables, url)
    with terminal(["worker", "--interval", "0.1", "--retention", "90"]) as shell:
        shell.wait_for("collected 1 reports and 0 replies")
        # Two of them are one.
        shell.process.send_signal(number)
        shell.process.send_signal(number)
        assert shell.end() == status
    assert len(variables.gateway.sent) == 1
    lines = shell.shown.decode().splitlines()
    assert all(line[4:5] == "-" for line in lines), lines
    assert any(line.endswith("sent a batch: accepted") for line in lines)
    for secret in (MOBILE, TEXT, PASSWORD):
        assert secret not in shell.shown.decode()


def test_a_signal_lets_the_batch_under_way_end(variables: Sandbox, url: str) -> None:
    queue(variables, url)
    variables.fail_next("sendSms", delay=0.5)
    with terminal(["worker"]) as shell:
        until(lambda: _is_sending(url))
        shell.process.send_signal(signal.SIGTERM)
        assert shell.end() == 0
    with Mailbox(None, url) as box:
        assert {state for state in box.counts() if "report" not in state} == {"accepted"}


def _is_sending(url: str) -> bool:
    with Mailbox(None, url) as box:
        return "sending" in box.counts()


def test_the_second_one_waits_on_sqlite(variables: Sandbox, url: str) -> None:
    with terminal(["worker"]) as first:
        first.wait_for("the worker begins")
        until(lambda: _has_lease(url))
        with terminal(["worker"]) as second:
            second.wait_for("another process runs on this file")
            first.process.send_signal(signal.SIGTERM)
            assert first.end() == 0
            queue(variables, url)
            second.wait_for("sent a batch: accepted")
            _end(second)


def _has_lease(url: str) -> bool:
    with Mailbox(None, url) as box:
        box.counts()
        statement = "SELECT count(*) FROM jzysoap_lease WHERE name LIKE 'run%'"
        return bool(box._database.read(lambda connection: connection.exec_driver_sql(statement).scalar()))


def _end(shell: Terminal) -> None:
    shell.process.send_signal(signal.SIGTERM)
    assert shell.end() == 0


def test_signals_are_given_back(url: str, variables: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        timer = subprocess.Popen(["sh", "-c", f"sleep 0.5; kill -TERM {__import__('os').getpid()}"])  # noqa: S603, S607  # this process
        assert main(["worker"]) == 0
        timer.wait()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before[signal.SIGHUP])
    assert {number: signal.getsignal(number) for number in SIGNALS} == before
    assert "the worker begins" in capsys.readouterr().err


def test_a_retention_that_cannot_be(url: str, variables: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worker", "--retention", "0"]) == 1
    assert "retention must be" in capsys.readouterr().err


def test_without_a_mailbox_it_says_what_to_set(variables: Sandbox) -> None:
    done = run(["worker"])
    assert done.returncode == 1
    assert b"JZYSOAP_MAILBOX" in done.stderr
    assert b"Traceback" not in done.stderr
