"""``jzysoap outbox``: what a mailbox knows, and what a person decides."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jzysoap import Client, Outcome
from jzysoap.cli.main import main
from jzysoap.mailbox import Mailbox, State
from jzysoap.sandbox import Sandbox
from tests.kit.samples import MOBILE, PASSWORD, SECOND_MOBILE, TEXT, USERNAME

Output = pytest.CaptureFixture[str]


@pytest.fixture(name="box")
def _box(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A mailbox that the environment names, in which one answer was lost."""
    url = f"sqlite:///{tmp_path / 'sms.db'}"
    monkeypatch.setenv("JZYSOAP_MAILBOX", url)
    with (
        Client(sandbox.url, USERNAME, PASSWORD, wsdl="bundled", cache_dir=False) as client,
        Mailbox(client, url) as box,
    ):
        sandbox.fail_next("sendSms", drop=True, acted=True)
        box.send([MOBILE, SECOND_MOBILE], TEXT, key="order-1")
        yield box


def test_the_states_are_counted(box: Mailbox, capsys: Output) -> None:
    assert main(["outbox", "counts", "--output", "json"]) == 0
    ((row,),) = [json.loads(capsys.readouterr().out)]
    assert (row["state"], row["number"]) == ("unknown", 1)


@pytest.mark.parametrize("name", ["order-1", "1"])
def test_a_message_is_shown_by_its_key_or_number(box: Mailbox, name: str, capsys: Output) -> None:
    assert main(["outbox", "show", name]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[0].split() == ["batch", "state", "numbers", "started", "error"]
    assert shown.count("unknown") >= 2
    assert "OutcomeUnknownError" in shown
    assert MOBILE not in shown


def test_a_message_without_a_history(box: Mailbox, capsys: Output) -> None:
    box.enqueue(MOBILE, TEXT, key="order-2")
    assert main(["outbox", "show", "order-2"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_message_that_is_not_there(box: Mailbox, capsys: Output) -> None:
    for name, words in (("order-7", "no message 'order-7'"), ("77", "no message 77")):
        assert main(["outbox", "show", name]) == 1
        assert words in capsys.readouterr().err


def test_unknown_batches_and_their_numbers(box: Mailbox, capsys: Output) -> None:
    assert main(["outbox", "unknown", "--output", "jsonl"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["batch"], row["message"], row["numbers"]) == (1, 1, 2)
    assert main(["outbox", "export", "--output", "jsonl"]) == 0
    masked = [json.loads(line)["number"] for line in capsys.readouterr().out.splitlines()]
    assert masked == ["138****4295", "153****7702"]
    assert main(["outbox", "export", "--show-numbers", "--output", "csv"]) == 0
    assert [line.split(",")[1] for line in capsys.readouterr().out.splitlines()] == ["number", MOBILE, SECOND_MOBILE]


def test_an_unknown_batch_is_resolved(box: Mailbox, capsys: Output) -> None:
    assert main(["outbox", "resolve", "1", "accepted", "--reason", "the operator's console", "--by", "li"]) == 0
    assert capsys.readouterr().out == "batch 1 is accepted\n"
    assert box.message(1).outcome is Outcome.ACCEPTED
    assert (box.history(1)[-1].by, box.history(1)[-1].reason) == ("li", "the operator's console")
    assert main(["outbox", "resolve", "1", "not-sent", "--reason", "twice"]) == 1
    assert "only an unknown one" in capsys.readouterr().err


def test_an_unknown_batch_is_sent_again(box: Mailbox, capsys: Output) -> None:
    assert main(["outbox", "resend", "1"]) == 1
    assert "a delivery report may still settle it" in capsys.readouterr().err
    assert main(["outbox", "resend", "1", "--force"]) == 0
    assert capsys.readouterr().out == "batch 2 is queued\n"
    # The user of the system has decided.
    assert box.history(1)[-1].by


def test_a_message_is_cancelled(box: Mailbox, capsys: Output) -> None:
    message = box.enqueue(MOBILE, TEXT, key="order-2")
    assert main(["outbox", "cancel", "order-2"]) == 0
    assert capsys.readouterr().out == f"message {message.id} is cancelled\n"
    assert box.message(message.id).state is State.CANCELLED


def test_without_sqlalchemy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    monkeypatch.delitem(sys.modules, "jzysoap.mailbox")
    assert main(["outbox", "counts"]) == 1
    assert "pip install 'jzysoap[mailbox]'" in capsys.readouterr().err
