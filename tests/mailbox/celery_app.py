"""The Celery application of ``docs/mailbox.md``, in a process of its own that is killed when the test says so."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

from celery.signals import task_postrun, task_prerun

from tests.kit.pages import snippet

NAME = "tests.mailbox.celery_app"


def load() -> dict[str, Any]:
    """Run the sample with the test's broker; return what it defines."""
    code = snippet("docs/mailbox.md", "from celery")
    broker, often = "redis://localhost:6379/0", "30.0"
    assert broker in code
    assert often in code
    names: dict[str, Any] = {"__name__": NAME}
    exec(code.replace(broker, os.environ["TEST_BROKER"]).replace(often, "0.3"), names)  # noqa: S102  # our document
    return names


def _die(moment: str, task: Any, arguments: Any) -> None:
    """Kill this process at the first delivery of a task, as a crash would, if the test says so."""
    if not task.name.endswith(".send_batch"):
        return
    batch, notes = str(arguments[0]), Path(os.environ["TEST_NOTES"])
    if moment == "before":
        with notes.open("a", encoding="ascii") as file:
            file.write(f"{batch}\n")
    kills = json.loads(Path(os.environ["TEST_KILLS"]).read_text("ascii"))
    if kills.get(batch) == moment and notes.read_text("ascii").split().count(batch) == 1:
        os.kill(os.getpid(), signal.SIGKILL)


# Celery keeps weak references.
def _before(task: Any, args: Any, **_: Any) -> None:
    _die("before", task, args)


def _after(task: Any, args: Any, **_: Any) -> None:
    _die("after", task, args)


if os.environ.get("TEST_ROLE") == "worker":
    task_prerun.connect(_before)
    task_postrun.connect(_after)
    app = load()["app"]
