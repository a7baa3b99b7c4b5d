"""Workers are stopped before their first byte for longer than their lease, while a person has their batches resent.

    python -m tests.mailbox.pause --pauses 100 --seed 1 [--url postgresql+psycopg://…] [--unchecked]

A stopped worker's batch becomes unknown, a person sends it again by force, another worker does that, and then the
stopped one goes on. It finds that its right to send has ended. The exit status is 1 if anyone was texted twice.

One window is left: between that check and the first byte. It is measured, and printed.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from urllib3.connection import HTTPConnection

from jzysoap import Client
from jzysoap.mailbox import Mailbox, State
from jzysoap.transport import connections, failures, sync
from tests.mailbox.processes import (
    SEND_POINTS,
    Board,
    GatewayProcess,
    Instruments,
    make_client,
    rows,
    say,
    shorten,
    start,
)

TOTAL = 0.7
"""Seconds of a call; the lease is over after 1.7 s."""

_AT_ONCE = 8
_BEFORE_FIRST_BYTE = (
    "claim: committed",
    "claimed",
    "send: before connect",
    "send: after connect",
    "send: before the check",
)
_LAST = _BEFORE_FIRST_BYTE[-1]
_CLAIMED = frozenset(SEND_POINTS[SEND_POINTS.index("claim: committed") :])


class Pause(NamedTuple):
    """A worker that was stopped.

    Attributes:
        pid: the process.
        message: the number of the message that it sends.
        chosen: the point at which it stopped itself; None if it was stopped from outside.
        point: the last point that it had passed.
    """

    pid: int
    message: int
    chosen: str | None
    point: str


class Run:
    """One run.

    Args:
        url: the database.
        pauses: how many workers are stopped.
        seed: of the moments.
        unchecked: True to send without a look at the right to.
    """

    def __init__(self, url: str, pauses: int, seed: int, *, unchecked: bool) -> None:
        self._url = url
        self._wanted = pauses
        self._chance = random.Random(seed)
        self._seed = seed
        self._unchecked = unchecked
        self._limits = shorten(TOTAL)
        self._board = Board(_AT_ONCE)
        self._pauses: list[Pause] = []
        self._at_the_edge = 0

    def carry_out(self) -> bool:
        """Stop, resend, continue, count; return True if nobody was texted twice."""
        with GatewayProcess(self._seed, 0.0, moody=False) as gateway:
            with make_client(gateway.url, self._limits) as client:
                with Mailbox(client, self._url) as box:
                    box.counts()
                started = time.monotonic()
                while len(self._pauses) < self._wanted:
                    self._round(client)
                took = time.monotonic() - started
                window = self._measure(client)
            sent, _ = gateway.look()
        return self._show(took, Counter(one.text for one in sent), window)

    def _round(self, client: Client) -> None:
        first = len(self._pauses)
        stopped: list[Pause] = []
        for slot in range(min(_AT_ONCE, self._wanted - first)):
            pause = self._stop_one(client, slot, first + slot)
            if pause is not None:
                stopped.append(pause)
        # Longer than the lease, as the database's clock has it.
        while rows(self._url, "SELECT 1 FROM jzysoap_batch WHERE state = 'sending' LIMIT 1"):
            time.sleep(0.3)
            self._in_fork(client, lambda box: box._opened.get().store.sweep())
        self._in_fork(client, _resend_all)
        for pause in stopped:
            os.kill(pause.pid, signal.SIGCONT)
        for pause in stopped:
            _, status = os.waitpid(pause.pid, 0)
            assert status == 0, f"a worker ended with {status}"
        self._pauses += stopped

    def _stop_one(self, client: Client, slot: int, number: int) -> Pause | None:
        """Start a worker and stop it; return None if it was too quick, or must not stop at that moment."""
        chosen = self._chance.choice(_BEFORE_FIRST_BYTE) if self._chance.random() < 0.5 else None
        self._board.clear(slot)
        pid = start(lambda: self._work(client, slot, number, chosen))
        if chosen is None:
            while self._board.point(slot) not in _CLAIMED:
                if os.waitpid(pid, os.WNOHANG)[0]:
                    return None
                time.sleep(0)
            time.sleep(self._chance.random() * 0.003)
            os.kill(pid, signal.SIGSTOP)
        _, status = os.waitpid(pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return None
        point = self._board.point(slot)
        if chosen is None and point not in _BEFORE_FIRST_BYTE[:-1]:
            # It may be in the window that is left; or its bytes are out, and a person who sends again knows the risk.
            self._at_the_edge += point == _LAST
            os.kill(pid, signal.SIGCONT)
            os.waitpid(pid, 0)
            return None
        return Pause(pid, number, chosen, point)

    def _work(self, client: Client, slot: int, number: int, at: str | None) -> None:
        Instruments(self._board, slot, at, act=signal.SIGSTOP).install()
        if self._unchecked:
            for module in (connections, sync):
                setattr(module, "check_right", lambda _: None)  # noqa: B010  # mypy would refuse an assignment
        with Mailbox(client, self._url) as box:
            message = box.enqueue(f"1380000{number % 10_000:04}", f"您的包裹已到 {number}-{time.monotonic_ns()}")
            box.dispatch_batch(message.batches[0].id)

    def _in_fork(self, client: Client, work: Callable[[Mailbox], object]) -> None:
        """Do work in a process of its own: later forks must find no open connection here."""

        def body() -> None:
            with Mailbox(client, self._url) as box:
                work(box)

        _, status = os.waitpid(start(body), 0)
        assert status == 0, f"a process ended with {status}"

    def _measure(self, client: Client) -> list[float]:
        """Return the microseconds from the last check of the right to send until the first bytes are handed over."""
        reading, writing = os.pipe()

        def body() -> None:
            check, send = failures.check_right, HTTPConnection.send
            checked = [0]

            def timed_check(not_after: float | None) -> None:
                checked[0] = time.perf_counter_ns()
                check(not_after)

            def timed_send(self: Any, data: Any) -> None:
                send(self, data)
                if checked[0]:
                    os.write(writing, struct.pack("<q", time.perf_counter_ns() - checked[0]))
                    checked[0] = 0

            setattr(connections, "check_right", timed_check)  # noqa: B010  # mypy would refuse an assignment
            setattr(HTTPConnection, "send", timed_send)  # noqa: B010
            with Mailbox(client, self._url) as box:
                for number in range(200):
                    box.send(f"1380000{number:04}", f"window {number}")

        pid = start(body)
        os.close(writing)
        with open(reading, "rb") as file:
            data = file.read()
        _, status = os.waitpid(pid, 0)
        assert status == 0, f"a process ended with {status}"
        return [nanoseconds / 1000 for (nanoseconds,) in struct.iter_unpack("<q", data)]

    def _show(self, took: float, texted: Counter[str], window: list[float]) -> bool:
        points = Counter(pause.point for pause in self._pauses)
        twice = [text for text, times in texted.items() if times > 1]
        say(f"workers stopped for longer than their lease   {len(self._pauses):6}   in {took:.0f} s")
        for point in _BEFORE_FIRST_BYTE:
            say(f"  last seen at {point:<31}{points[point]:6}")
        say(f"  not resent: stopped at the check or after it {self._at_the_edge:5}")
        say(f"texted at all                                 {len(texted) - len(window):6}")
        say(f"texted twice                                  {len(twice):6}   {'FAILED' if twice else ''}")
        say(
            f"the window left, from the check to the first byte: median {statistics.median(window):.0f} µs, "
            f"longest {max(window):.0f} µs of {len(window)}"
        )
        late = rows(self._url, "SELECT COUNT(*) FROM jzysoap_event WHERE reason LIKE 'a late answer%'")[0][0]
        say(f"workers that told what they had not sent      {late:6}")
        good = not twice and len(texted) - len(window) >= len(self._pauses) and late >= len(self._pauses)
        return bool(good)


def _resend_all(box: Mailbox) -> None:
    for batch in box.unknown():
        box.resend(batch.id, by="li", force=True)
    while box.dispatch():
        pass
    assert not any(state in (State.QUEUED, State.SENDING, State.UNKNOWN) for state in box.counts())


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.mailbox.pause", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pauses", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url", help="an empty database; by default a file of SQLite")
    parser.add_argument("--unchecked", action="store_true", help="send without a look at the right to")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        url = options.url or f"sqlite:///{directory}/mailbox.db"
        return 0 if Run(url, options.pauses, options.seed, unchecked=options.unchecked).carry_out() else 1


if __name__ == "__main__":
    sys.exit(main())
