"""Processes that end or stop in the middle of their work: a gateway, workers, and the points at which they do.

The package has no seam for this. A worker is a fork, and wraps the methods of its own copy of the package: each point
that it passes is written to memory that outlives it, and at the one that was chosen it kills or stops itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import mmap
import os
import random
import signal
import struct
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from multiprocessing import Pipe
from multiprocessing.connection import Connection as Channel
from typing import Any, NamedTuple, Self

import urllib3
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from jzysoap import Client, Timeout
from jzysoap.calls import operations
from jzysoap.client.durable import DurableCalls
from jzysoap.mailbox import journal, outbox, worker
from jzysoap.mailbox.database import Database
from jzysoap.mailbox.journal import Handover, Journal
from jzysoap.mailbox.mailbox import Mailbox
from jzysoap.mailbox.matches import Matches
from jzysoap.mailbox.outbox import Outbox
from jzysoap.mailbox.records import Records
from jzysoap.mailbox.store import Store
from jzysoap.results import parse
from jzysoap.sandbox import Gateway, RefusedError, Sandbox
from jzysoap.sandbox.delivery import Delivery
from jzysoap.sandbox.question import Question
from jzysoap.transport.connections import Trace, WatchedConnection
from jzysoap.transport.sync import Transport

_EXCHANGE = (
    "before connect",
    "after connect",
    # The last check of the right to send comes next, and then the first byte.
    "before the check",
    "first bytes out",
    "last byte out",
    "head in",
    "answered",
)


def _transaction(name: str) -> tuple[str, str]:
    return f"{name}: not committed", f"{name}: committed"


SEND_POINTS = (
    "send begins",
    *_transaction("intent"),
    *_transaction("claim"),
    "claimed",
    *(f"send: {where}" for where in _EXCHANGE),
    "outcome: not stored",
    *_transaction("outcome"),
)
POLL_POINTS = (
    "poll begins",
    *_transaction("asked"),
    *(f"poll: {where}" for where in _EXCHANGE),
    *_transaction("answer"),
    *_transaction("attempt"),
    "parse: begun",
    "parse: done",
    *_transaction("records"),
    *_transaction("matches"),
    *_transaction("poll's end"),
)
HAND_OVER_POINTS = (
    "hand-over begins",
    *_transaction("hand-over"),
    "in hand",
    "acknowledgement begins",
    *_transaction("acknowledgement"),
)
OTHER_POINTS = ("idle", "enqueue begins", *_transaction("enqueue"), "tidy begins", *_transaction("sweep"))
POINTS = (*OTHER_POINTS, *SEND_POINTS, *POLL_POINTS, *HAND_OVER_POINTS)
_NUMBERS = {name: number for number, name in enumerate(POINTS)}

_SLOT = 64
_PR_SET_PDEATHSIG = 1
_open: ContextVar[str | None] = ContextVar("open", default=None)
_exchange: ContextVar[str | None] = ContextVar("exchange", default=None)


class Board:
    """Memory that all processes share: for each worker the last point that it passed, a count, and two times.

    Args:
        slots: how many workers.
    """

    def __init__(self, slots: int) -> None:
        self._memory = mmap.mmap(-1, slots * _SLOT)

    def point(self, slot: int) -> str:
        """Return the last point that a worker has passed."""
        return POINTS[self._memory[slot * _SLOT]]

    def pass_point(self, slot: int, name: str) -> None:
        self._memory[slot * _SLOT] = _NUMBERS[name]

    def count(self, slot: int) -> int:
        """Return a number that a worker has left for its successor."""
        return int(struct.unpack_from("<I", self._memory, slot * _SLOT + 4)[0])

    def set_count(self, slot: int, count: int) -> None:
        struct.pack_into("<I", self._memory, slot * _SLOT + 4, count)

    def clear(self, slot: int) -> None:
        """Forget the last point, not the count."""
        self._memory[slot * _SLOT] = 0


class Instruments:
    """The wrappers that a worker puts around its own copy of the package.

    Args:
        board: where the points are noted.
        slot: the worker's place there.
        at: the point at which the worker acts on itself; None for none.
        times: how often the point is passed until then, that time included.
        act: the signal that it sends to itself.
    """

    def __init__(
        self, board: Board, slot: int, at: str | None = None, times: int = 1, act: signal.Signals = signal.SIGKILL
    ) -> None:
        assert at is None or at in _NUMBERS, at
        self._board = board
        self._slot = slot
        self._at = at
        self._left = times
        self._act = act

    def reach(self, name: str) -> None:
        """Note that a point is passed, and act there."""
        self._board.pass_point(self._slot, name)
        if name == self._at:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), self._act)

    def install(self) -> None:
        """Wrap the methods. There is no way back: the process is a worker until its end."""
        self._wrap(Mailbox, "send", opens="intent", before="send begins", after="idle")
        self._wrap(Mailbox, "enqueue", opens="enqueue", before="enqueue begins", after="idle")
        self._wrap(Outbox, "dispatch_one", before="send begins", after="idle")
        self._wrap(Outbox, "carry_out", before="claimed")
        self._wrap(Store, "claim", opens="claim")
        self._wrap(Store, "settle", opens="outcome", before="outcome: not stored")
        self._wrap(Store, "sweep", opens="sweep", before="tidy begins", after="idle")
        self._wrap(Journal, "collect", before="poll begins", after="idle")
        for method, name in (
            ("ask", "asked"),
            ("keep", "answer"),
            ("pending", "attempt"),
            ("write", "records"),
            ("end", "poll's end"),
            ("claim", "hand-over"),
        ):
            self._wrap(Records, method, opens=name)
        self._wrap(Matches, "match_poll", opens="matches")
        self._wrap(Records, "settle", opens="acknowledgement", before="acknowledgement begins")
        self._wrap(Handover, "__enter__", before="hand-over begins")
        self._wrap(Handover, "__exit__", after="idle")
        for function in ("parse_reports", "parse_replies"):
            # Those of a call's own parsing, and of an answer that was stored.
            self._wrap(operations, function, before="parse: begun", after="parse: done")
            self._wrap(parse, function, before="parse: begun", after="parse: done")
        self._wrap_database()
        self._wrap_exchange()

    def _wrap(
        self, owner: Any, name: str, *, opens: str | None = None, before: str | None = None, after: str | None = None
    ) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if before is not None:
                self.reach(before)
            token = _open.set(opens)
            try:
                return original(*args, **kwargs)
            finally:
                _open.reset(token)
                if after is not None:
                    self.reach(after)

        setattr(owner, name, wrapper)

    def _wrap_database(self) -> None:
        original = Database.write
        reach = self.reach

        def write(self: Database, work: Callable[[Any, bool], Any]) -> Any:
            name = _open.get()
            if name is None:
                return original(self, work)

            def inner(connection: Any, uncertain: bool) -> Any:
                result = work(connection, uncertain)
                reach(f"{name}: not committed")
                return result

            result = original(self, inner)
            reach(f"{name}: committed")
            return result

        setattr(Database, "write", write)  # noqa: B010  # mypy would refuse an assignment

    def _wrap_exchange(self) -> None:
        def named(operation: str, original: Callable[..., Any]) -> Callable[..., Any]:
            def call(*args: Any, **kwargs: Any) -> Any:
                token = _exchange.set(operation)
                try:
                    return original(*args, **kwargs)
                finally:
                    _exchange.reset(token)

            return call

        def around(original: Callable[..., Any], before: str | None, after: str | None) -> Callable[..., Any]:
            def call(*args: Any, **kwargs: Any) -> Any:
                operation = _exchange.get()
                if operation is not None and before is not None:
                    self.reach(f"{operation}: {before}")
                result = original(*args, **kwargs)
                if operation is not None and after is not None:
                    self.reach(f"{operation}: {after}")
                return result

            return call

        for operation in ("send", "poll"):
            setattr(DurableCalls, operation, named(operation, getattr(DurableCalls, operation)))
        for owner, name, before, after in (
            (WatchedConnection, "connect", "before connect", "after connect"),
            (Trace, "hand_over", "before the check", None),
            (WatchedConnection, "send", None, "first bytes out"),
            (urllib3.connection.HTTPConnection, "getresponse", "last byte out", "head in"),
            (Transport, "exchange", None, "answered"),
        ):
            setattr(owner, name, around(getattr(owner, name), before, after))


def shorten(total: float) -> Timeout:
    """Make the leases of this process and its forks short, in the proportions that they have; return a call's limits.

    Args:
        total: seconds of a call; the lease of a batch or a poll is twice as long, and a little.
    """
    outbox.MARGIN = journal.MARGIN = 0.3
    worker._TIDY = 0.3
    worker.TICK = 0.02
    return Timeout(total, total, total)


def start(body: Callable[[], object]) -> int:
    """Run a function in a fork that ends with it; return the process's id. No thread and no connection may be open."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 70
    try:
        _die_with_parent()
        # The mailbox warns of what dies here on purpose.
        logging.getLogger("jzysoap").addHandler(logging.NullHandler())
        logging.getLogger("jzysoap").propagate = False
        body()
        status = 0
    except BaseException:  # noqa: BLE001  # a fork must not go on with its parent's work
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _die_with_parent() -> None:
    """Have this process killed when the run is, which only Linux offers."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


class Text(NamedTuple):
    """A message that the gateway accepted."""

    batch_id: str
    mobiles: tuple[str, ...]
    text: str


class _SlowGateway(Sandbox):
    """A gateway that takes its time before and after it acts, and answers in all the ways that there are.

    Args:
        seed: of its chances.
        pause: seconds at most before it acts, and again before it answers.
        moody: True if it sometimes refuses for a moment, or answers nonsense although it has acted.
    """

    def __init__(self, seed: int, pause: float, *, moody: bool) -> None:
        gateway = Gateway(delivery=Delivery(spread=0.5), max_messages=1_000_000)
        gateway.add_account("test", "secret1", 100_000_000)
        super().__init__(gateway=gateway, soap_batch_ids=True)
        self._chance = random.Random(seed)
        self._pause = pause
        self._moody = moody
        self.handed_over = {"getSmsReport": 0, "getRecvSMS": 0}

    def answer(self, question: Question) -> str | None:
        chance = self._chance.random()
        time.sleep(self._chance.random() * self._pause)
        if question.operation in self.handed_over:
            result = super().answer(question)
            self.handed_over[question.operation] += (result or "").count("<mobile>")
            time.sleep(self._chance.random() * self._pause)
            return result
        if self._moody and chance < 0.02:
            raise RefusedError("系统繁忙")
        result = super().answer(question)
        if self._moody and chance > 0.9:
            self.gateway.inject_reply(question.mobiles[0], "TD")
        time.sleep(self._chance.random() * self._pause)
        if self._moody and chance < 0.04:
            return "<html>502</html>"
        # As many gateways do over SOAP.
        return "success" if chance < 0.5 else result


class GatewayProcess:
    """A gateway in a process of its own.

    Args:
        seed, pause, moody: as in ``_SlowGateway``.

    Attributes:
        url: where it listens.
    """

    def __init__(self, seed: int, pause: float, *, moody: bool = True) -> None:
        self._channel, theirs = Pipe()
        self._pid = start(lambda: self._serve(theirs, seed, pause, moody))
        theirs.close()
        self.url: str = self._channel.recv()

    @staticmethod
    def _serve(channel: Channel, seed: int, pause: float, moody: bool) -> None:
        with _SlowGateway(seed, pause, moody=moody) as sandbox:
            channel.send(sandbox.url)
            with contextlib.suppress(EOFError):
                while True:
                    channel.recv()
                    sent = [Text(one.batch_id, one.mobiles, one.text) for one in sandbox.gateway.sent]
                    channel.send((sent, sandbox.handed_over))

    def look(self) -> tuple[list[Text], dict[str, int]]:
        """Return the messages that it accepted, and how many records its polls have handed over."""
        self._channel.send(None)
        sent, handed_over = self._channel.recv()
        return sent, handed_over

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


def make_client(url: str, limits: Timeout) -> Client:
    """Return a client that needs no more I/O before its first call, so that forks do not load the definition anew."""
    client = Client(url, "test", "secret1", wsdl="bundled", cache_dir=False, timeout=limits, poll_timeout=limits)
    DurableCalls(client).prepare()
    return client


@contextlib.contextmanager
def _connected(url: str) -> Iterator[Any]:
    # Closed at once: a connection to SQLite must not be open across a fork.
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": 20} if url.startswith("sqlite") else {})
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def change(url: str, statement: str, values: Mapping[str, Any] | None = None) -> int:
    """Change the database behind the mailbox's back; return how many rows."""
    with _connected(url) as connection:
        return int(connection.execute(text(statement), dict(values or {})).rowcount)


def rows(url: str, statement: str) -> list[Any]:
    """Return the rows of a query."""
    with _connected(url) as connection:
        return list(connection.execute(text(statement)))


def say(line: str = "") -> None:
    """Write a line for the person who runs this by hand."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
