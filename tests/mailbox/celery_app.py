"""The Celery application of ``test_celery``, in a process of its own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from celery import Celery

from jzysoap.mailbox import Mailbox

app = Celery("sms", broker=os.environ["TEST_BROKER"])
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
)


def _send_batch(batch: int, kill: str | None = None) -> None:
    """Send a batch; kill this process once, after or before the gateway was asked, as a crash would."""
    notes = Path(os.environ["TEST_NOTES"])
    with open(notes, "a", encoding="ascii") as file:
        file.write(f"{batch}\n")
    first = notes.read_text("ascii").split().count(str(batch)) == 1
    if first and kill == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    with Mailbox.from_env() as mailbox:
        mailbox.dispatch_batch(batch)
    if first and kill == "after":
        os.kill(os.getpid(), signal.SIGKILL)


send_batch = app.task(name="send_batch")(_send_batch)
