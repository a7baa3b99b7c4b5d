"""A process with a mailbox that is killed: at a named point of its work, or whenever its parent likes.

The points are laid around the methods of the package from outside. The package knows nothing of them.
"""

from __future__ import annotations

import functools
import http.client
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import urllib3.connection

from jzysoap import Client, Timeout
from jzysoap.client import session
from jzysoap.mailbox import Mailbox, journal, outbox, worker
from jzysoap.mailbox.database import Database
from jzysoap.mailbox.records import Records
from jzysoap.mailbox.store import Store
from jzysoap.transport.sync import Transport

LIMITS = Timeout(1, 1, 1)
LEASE = 1.0

IDLE, SENDING, POLLING = b"-", b"s", b"p"
"""What a process is doing, as it notes it in a file, so that its parent knows where a kill has landed."""

POINTS: dict[str, tuple[Any, str, bool]] = {
    "after a commit": (Database, "write", False),
    "before connecting": (urllib3.connection.HTTPConnection, "connect", True),
    "after connecting": (urllib3.connection.HTTPConnection, "connect", False),
    "after the last byte": (http.client.HTTPConnection, "getresponse", True),
    "after the answer": (Transport, "_receive", False),
    "before the outcome": (Store, "settle", True),
    "after the outcome": (Store, "settle", False),
    "before the answer is stored": (Records, "keep", True),
    "before parsing": (session, "read_reply", True),
    "before the records": (Records, "write", True),
    "between the records": (Records, "_write_chunk", False),
    "before the acknowledgement": (Records, "settle", True),
    "after the acknowledgement": (Records, "settle", False),
}
"""The points: where, which method, and True for before it, False for after it."""


class Orders(NamedTuple):
    """What a process is to do.

    Attributes:
        url: the gateway.
        database: the database.
        point: the point at which it kills itself; None if its parent does.
        times: how often it comes there before.
        directory: for its notes: what it is doing, and which records it was handed.
        keys: the messages that it sends itself: key and number. It may have sent them before.
        rest: True if it ends by itself once there is nothing to do.
    """

    url: str
    database: str
    point: str | None
    times: int
    directory: str
    keys: tuple[tuple[str, str], ...]
    rest: bool


def work(orders: Orders) -> None:
    """Send, poll and receive until killed."""
    os.environ["JZYSOAP_LANG"] = "en"
    outbox.MARGIN = journal.MARGIN = 0.2
    worker.TICK, worker._TIDY, worker._LEASE, worker._AFTER_FAILURE = 0.01, 0.2, LEASE, 0.1
    directory = Path(orders.directory)
    _note_phases(directory / f"phase-{os.getpid()}")
    if orders.point is not None:
        _set_trap(orders.point, orders.times)
    client = Client(orders.url, "test", "secret1", wsdl="bundled", cache_dir=False, timeout=LIMITS, poll_timeout=LIMITS)
    with client, Mailbox(client, orders.database, report_wait=timedelta(hours=1)) as box:
        for key, mobile in orders.keys:
            box.send(mobile, "您好", key=key)
        with open(directory / "handed", "a", encoding="ascii") as handed:
            box.run(functools.partial(_receive, box, handed, orders.rest), interval=0.05)


def _receive(box: Mailbox, handed: Any, rest: bool) -> bool:
    """Note the records that are waiting; return True if there is nothing left to do."""
    with box.reports(limit=50, lease=LEASE) as reports:
        for stored in reports:
            handed.write(f"{stored.id}\n")
            handed.flush()
    if not rest:
        return False
    counts = box.counts()
    return not {"queued", "sending", "report ready", "report claimed"} & set(counts) and _is_quiet(box)


def _is_quiet(box: Mailbox) -> bool:
    statement = "SELECT count(*) FROM jzysoap_poll WHERE state IN ('asked', 'stored')"
    return not box._database.read(lambda connection: connection.exec_driver_sql(statement).scalar())


def _note_phases(path: Path) -> None:
    file = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    os.pwrite(file, IDLE, 0)

    def noting(phase: bytes, inner: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(inner)
        def call(*arguments: Any, **options: Any) -> Any:
            os.pwrite(file, phase, 0)
            try:
                return inner(*arguments, **options)
            finally:
                os.pwrite(file, IDLE, 0)

        return call

    # From the claim to the outcome, from the question to the records.
    for owner, name, phase in ((outbox.Outbox, "carry_out", SENDING), (journal.Journal, "_poll", POLLING)):
        setattr(owner, name, noting(phase, getattr(owner, name)))


def _set_trap(point: str, times: int) -> None:
    owner, name, before = POINTS[point]
    inner, left = getattr(owner, name), [times]

    def come() -> None:
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    @functools.wraps(inner)
    def trapped(*arguments: Any, **options: Any) -> Any:
        if before:
            come()
        result = inner(*arguments, **options)
        if not before:
            come()
        return result

    setattr(owner, name, trapped)
