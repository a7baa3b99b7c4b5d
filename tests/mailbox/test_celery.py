"""Celery with Redis: a task that is delivered twice texts once. The redelivery is real: the pool's child is killed."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jzysoap.mailbox import Mailbox, State
from jzysoap.sandbox import Sandbox
from tests.kit.databases import Server
from tests.kit.missing import lacking
from tests.kit.samples import TEXT

# One kind of database: the application, and its broker, are made once in a process.
pytestmark = [pytest.mark.database, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


# The tests run from the clone, where the package may be installed elsewhere.
_CLONE = Path(__file__).parent.parent.parent


def _eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_task_that_is_delivered_twice_texts_once(
    box: Mailbox, database_url: str, sandbox: Sandbox, redis: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec("celery") is None:
        lacking("Celery")
    notes = tmp_path / "notes"
    variables = {
        "TEST_BROKER": redis.new_database(),
        "TEST_NOTES": str(notes),
        "JZYSOAP_BASE_URL": sandbox.url,
        "JZYSOAP_USERNAME": "test",
        "JZYSOAP_PASSWORD": "secret1",
        "JZYSOAP_WSDL": "bundled",
        "JZYSOAP_MAILBOX": database_url,
        "PYTHONPATH": str(_CLONE),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    messages = [box.enqueue(f"138000000{place:02}", TEXT) for place in range(len(_KILLS))]
    batches = {kill: message.batches[0].id for kill, message in zip(_KILLS, messages, strict=True)}
    command = [sys.executable, "-m", "celery", "-A", "tests.mailbox.celery_app", "worker", "-c", "1", "-P", "prefork"]
    with subprocess.Popen(  # noqa: S603  # a program of the environment
        [*command, "--without-gossip", "--without-mingle", "--without-heartbeat"],
        cwd=_CLONE,
        env=os.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as worker:
        try:
            from tests.mailbox.celery_app import send_batch

            for kill, batch in batches.items():
                send_batch.delay(batch, kill)
            _eventually(lambda: _delivered(notes, batches))
            _eventually(lambda: all(box.message(one.id).state is State.ACCEPTED for one in messages))
        finally:
            worker.send_signal(signal.SIGTERM)
            try:
                worker.wait(20)
            finally:
                worker.kill()
    texted = [mobile for sent in sandbox.gateway.sent for mobile in sent.mobiles]
    assert sorted(texted) == [f"138000000{place:02}" for place in range(len(_KILLS))]


_KILLS = (None, "before", "after")


def _delivered(notes: Path, batches: dict[str | None, int]) -> bool:
    """Return True once those tasks were delivered twice whose process was killed."""
    came = notes.read_text("ascii").split() if notes.exists() else []
    return all(came.count(str(batch)) == (1 if kill is None else 2) for kill, batch in batches.items())
