"""``jzysoap sandbox``, in processes of its own: what it prints, how it ends, and what it refuses."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

import jzysoap
from jzysoap import Client, GatewayError, OutcomeUnknownError
from jzysoap.cli.main import main
from tests.kit.samples import MOBILE

TOKEN = "made-up-token-0123456789"  # made up


@contextmanager
def running(*arguments: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Run the command; yield the process and the variables that it prints, the inbox's address among them."""
    process = subprocess.Popen(  # noqa: S603  # of this test's own arguments
        [sys.executable, "-m", "jzysoap", "sandbox", "--port", "0", *arguments],
        env={**os.environ, "PYTHONPATH": str(Path(jzysoap.__file__).parent.parent), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Where the tests run in the background, Ctrl-C is ignored, and so it would be here.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    try:
        printed: list[str] = []
        while len(printed) < 2 or printed[-1].strip() or printed[-2] == printed[1]:
            line = process.stdout.readline()
            assert line, printed
            printed.append(line)
        shown = dict(re.findall(r"^export (\w+)=(.*)$", "".join(printed), re.MULTILINE))
        shown["inbox"] = printed[1].split()[1]
        yield process, shown
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def client_of(shown: dict[str, str], password: str | None = None) -> Client:
    url, username = shown["JZYSOAP_BASE_URL"], shown["JZYSOAP_USERNAME"]
    return Client(url, username, password or shown["JZYSOAP_PASSWORD"], cache_dir=False)


def read_lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().split(" ", 1)[1].strip() for _ in range(count)]


def test_the_printed_variables_work_and_what_happens_is_a_line_each() -> None:
    with running("--account", "one", "--account", "two", "--balance", "2", "--soap-batch-ids") as (process, shown):
        assert shown["JZYSOAP_USERNAME"] == "one"
        assert shown["JZYSOAP_CACHE_DIR"] == "off"
        with client_of(shown) as client:
            batch_id = client.send(MOBILE, "您好").batch_id
            rules = f"{shown['inbox'].removesuffix('/inbox/')}/api/v1/rules"
            assert requests.post(rules, json={"kind": "fault"}, timeout=30).status_code == 201
            with pytest.raises(OutcomeUnknownError):
                client.send(MOBILE, "您好")
            with client_of(shown, "wrong") as stranger, pytest.raises(GatewayError):
                stranger.balance()
        assert read_lines(process, 4) == [
            f"accepted {batch_id}: one over soap, 1 number, 1 segment",
            "fault    sendSms: accepted, answer lost",
            "accepted 337017333: one over soap, 1 number, 1 segment",
            "refused  getRestMoney: 用户名或密码错误",
        ]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_signals_end_it(number: signal.Signals, status: int) -> None:
    with running() as (process, _):
        process.send_signal(number)
        assert process.wait(30) == status
        assert process.stdout is not None
        assert process.stdout.read() == ""


def test_messages_are_kept_over_a_restart(tmp_path: Path) -> None:
    arguments = ("--db", str(tmp_path / "inbox.db"), "--max-messages", "5", "--report-delay", "0")
    with running(*arguments) as (process, shown), client_of(shown) as client:
        client.send(MOBILE, "您好")
        process.kill()
    with running(*arguments) as (_, shown), client_of(shown) as client:
        assert len(client.reports()) == 1


@pytest.mark.parametrize("by", ["variable", "file"])
def test_other_machines_and_a_password_of_ones_own(by: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n", encoding="utf-8")
    token = ("--token-file", str(file)) if by == "file" else ()
    variables = {"JZYSOAP_SANDBOX_PASSWORD": "made-up-1"} | ({"JZYSOAP_SANDBOX_TOKEN": TOKEN} if by != "file" else {})
    with running("--host", "0.0.0.0", "--allow-host", "sandbox", *token, **variables) as (process, shown):
        assert "JZYSOAP_PASSWORD" not in shown
        with client_of(shown, "made-up-1") as client:
            client.send(MOBILE, "您好")
        assert requests.get(shown["inbox"], timeout=30).status_code == 401
        answer = requests.get(shown["inbox"], headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
        assert answer.status_code == 200
        assert TOKEN not in Path(f"/proc/{process.pid}/cmdline").read_text(encoding="utf-8")
        process.terminate()
        assert process.stdout is not None
        printed = process.stdout.read()
        assert TOKEN not in printed
        assert "made-up-1" not in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "allow_hosts"),
        (["--balance", "-1"], "balance must be"),
        (["--report-delay", "-1"], "delay"),
        (["--max-messages", "0"], "max_messages"),
        (["--account", "a", "--account", "a"], "already"),
        (["--token-file", "/dev/null/token"], "--token-file"),
        (["--db", "/dev/null/inbox.db"], "cannot keep its messages"),
        (["--port", "70000"], "port must be"),
    ],
)
def test_arguments_that_cannot_be_used(
    arguments: Sequence[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JZYSOAP_SANDBOX_TOKEN", raising=False)
    assert main(["sandbox", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(rf"jzysoap: .*{re.escape(words)}.*\n", err)
