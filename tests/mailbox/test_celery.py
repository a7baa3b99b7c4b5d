"""Celery with Redis: a task that is delivered twice texts once. The redelivery is real: the pool's child is killed."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jzysoap.mailbox import Mailbox, State
from jzysoap.sandbox import Sandbox
from tests.kit.databases import Server
from tests.kit.missing import lacking
from tests.kit.pages import CLONE
from tests.kit.samples import MOBILE, TEXT

# SQLite stands for all: what differs between databases is tested without Celery.
pytestmark = [pytest.mark.database, pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)]

_KILLS = (None, "before", "after")


@pytest.fixture(name="recipe")
def _recipe(
    database_url: str, sandbox: Sandbox, redis: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    """What the sample of the document defines, in the process that hands out tasks."""
    if importlib.util.find_spec("celery") is None:
        lacking("Celery")
    variables = {
        "TEST_BROKER": redis.new_database(),
        "TEST_NOTES": str(tmp_path / "notes"),
        "TEST_KILLS": str(tmp_path / "kills"),
        "JZYSOAP_BASE_URL": sandbox.url,
        "JZYSOAP_USERNAME": "test",
        "JZYSOAP_PASSWORD": "secret1",
        "JZYSOAP_WSDL": "bundled",
        "JZYSOAP_MAILBOX": database_url,
        "PYTHONPATH": str(CLONE),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    Path(variables["TEST_KILLS"]).write_text("{}", "ascii")
    from tests.mailbox.celery_app import load

    names = load()
    yield names
    names["mailbox"].close()
    names["app"].close()


@contextmanager
def _worker(*options: str) -> Iterator[None]:
    """Run a worker of that application."""
    command = [sys.executable, "-m", "celery", "-A", "tests.mailbox.celery_app", "worker", "-c", "1", "-P", "prefork"]
    with subprocess.Popen(  # noqa: S603  # a program of the environment
        [*command, "--without-gossip", "--without-mingle", "--without-heartbeat", *options],
        cwd=CLONE,
        env={**os.environ, "TEST_ROLE": "worker"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as worker:
        try:
            yield
        finally:
            worker.send_signal(signal.SIGTERM)
            try:
                worker.wait(20)
            finally:
                worker.kill()


def _eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_task_that_is_delivered_twice_texts_once(
    box: Mailbox, recipe: dict[str, Any], sandbox: Sandbox, tmp_path: Path
) -> None:
    numbers = [f"138000000{place:02}" for place in range(len(_KILLS))]
    for number in numbers:
        recipe["text"](number, TEXT, f"order-{number}")
    messages = [message for number in numbers if (message := box.find(f"order-{number}")) is not None]
    kills = {str(message.batches[0].id): kill for message, kill in zip(messages, _KILLS, strict=True)}
    (tmp_path / "kills").write_text(json.dumps(kills), "ascii")
    notes = tmp_path / "notes"

    def delivered() -> bool:
        came = notes.read_text("ascii").split() if notes.exists() else []
        return all(came.count(batch) == (1 if kill is None else 2) for batch, kill in kills.items())

    with _worker():
        _eventually(delivered)
        _eventually(lambda: all(box.message(one.id).state is State.ACCEPTED for one in messages))
    assert sorted(mobile for sent in sandbox.gateway.sent for mobile in sent.mobiles) == numbers


def test_the_periodic_task_sends_what_is_left_and_polls(
    box: Mailbox, recipe: dict[str, Any], sandbox: Sandbox, tmp_path: Path
) -> None:
    # Stored, and its task lost.
    message = recipe["mailbox"].enqueue(MOBILE, TEXT, key="order-1")
    sandbox.gateway.inject_reply(MOBILE, "收到")
    with _worker("--beat", "--schedule", str(tmp_path / "beat")):
        _eventually(lambda: box.message(message.id).state is State.ACCEPTED)
        _eventually(lambda: {"report ready", "reply ready"} <= set(box.counts()))
    with box.reports() as reports:
        assert [stored.key for stored in reports] == ["order-1"]
    with box.replies() as replies:
        assert [stored.reply.text for stored in replies] == ["收到"]
    assert len(sandbox.gateway.sent) == 1
