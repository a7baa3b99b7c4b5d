"""Workers are killed again and again, at random moments and at chosen points; then everything is counted.

    python -m tests.mailbox.kill --kills 1000 --seed 1 [--url postgresql+psycopg://…] [--requeue]

A gateway counts whom it texted. Some workers run the loop, some send with keys and repeat them after a restart, some
take the records. When the last one is dead, the mailbox is let run to rest, and its tables are compared with the
gateway's. The exit status is 1 if a promise was broken, or if fewer than a third of the kills hit a send or a poll.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from jzysoap import Client, GatewayError
from jzysoap.mailbox import Evidence, LeaseLostError, Mailbox, State
from jzysoap.mailbox.journal import PARSE_ATTEMPTS
from jzysoap.model.values import DeliveryReport
from tests.mailbox.processes import (
    HAND_OVER_POINTS,
    OTHER_POINTS,
    POINTS,
    POLL_POINTS,
    SEND_POINTS,
    Board,
    GatewayProcess,
    Instruments,
    Text,
    change,
    make_client,
    rows,
    say,
    shorten,
    start,
)

TOTAL = 1.5
"""Seconds of a call: longer than any answer here takes, so that a dead worker's lease ends soon."""

_REST = 120.0
_ROLES = ("run", "send", "send", "take")
# Seconds after which a worker is killed, at the earliest and at the latest, unless it does that itself. Those that
# take records live longer, so that most of the kills hit the others.
_LIVES = {"run": (0.15, 1.2), "send": (0.1, 0.7), "take": (0.3, 3.0)}
_CHOICES = {
    "run": (*SEND_POINTS[3:], *POLL_POINTS, *POLL_POINTS, *OTHER_POINTS[4:]),
    "send": (*SEND_POINTS, "enqueue begins", "enqueue: not committed", "enqueue: committed"),
    "take": HAND_OVER_POINTS,
}


class Kill(NamedTuple):
    """A kill.

    Attributes:
        role: the worker's.
        point: the last point that it had passed.
        chosen: True if it killed itself there.
    """

    role: str
    point: str
    chosen: bool


class Life:
    """A worker's life, until it is killed.

    Attributes:
        pid: its process.
        at: the point at which it kills itself, or None.
        until: the time at which it is killed anyway.
    """

    def __init__(self, pid: int, at: str | None, until: float) -> None:
        self.pid = pid
        self.at = at
        self.until = until
        self.shot = False


class Run:
    """One run.

    Args:
        url: the database.
        directory: for what the workers leave besides.
        kills: how many.
        seed: of the moments and the points.
        requeue: True to make the usual mistake: at a restart, what was being sent is queued again.
    """

    def __init__(self, url: str, directory: Path, kills: int, seed: int, *, requeue: bool) -> None:
        self._url = url
        self._taken = directory / "taken"
        self._spool = directory / "spool"
        self._wanted = kills
        self._seed = seed
        self._chance = random.Random(seed)
        self._requeue = requeue
        self._board = Board(len(_ROLES))
        self._limits = shorten(TOTAL)
        self.kills: list[Kill] = []

    def carry_out(self) -> bool:
        """Kill, let it come to rest, count; return True if every promise was kept."""
        with GatewayProcess(self._seed, 0.04) as gateway, make_client(gateway.url, self._limits) as client:
            started = time.monotonic()
            self._kill_workers(client)
            took = time.monotonic() - started
            with Mailbox(client, self._url, spool=self._spool) as box:
                self._rest(box)
                sent, handed_over = gateway.look()
                good = Report(self._url, box, self.kills, sent, handed_over, self._read_taken()).show(took)
        return good

    def _kill_workers(self, client: Client) -> None:
        lives: dict[int, Life] = {slot: self._start(slot, client) for slot in range(len(_ROLES))}
        while len(self.kills) < self._wanted:
            time.sleep(0.002)
            for slot, life in list(lives.items()):
                if time.monotonic() >= life.until and not life.shot:
                    life.shot = True
                    os.kill(life.pid, signal.SIGKILL)
                pid, status = os.waitpid(life.pid, 0 if life.shot else os.WNOHANG)
                if pid:
                    self._bury(slot, life, status)
                    if len(self.kills) < self._wanted:
                        lives[slot] = self._start(slot, client)
                    else:
                        del lives[slot]
                        break
        for life in lives.values():
            os.kill(life.pid, signal.SIGKILL)
            os.waitpid(life.pid, 0)

    def _bury(self, slot: int, life: Life, status: int) -> None:
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            raise AssertionError(f"a worker ({_ROLES[slot]}) ended by itself: status {status}")
        point = self._board.point(slot)
        self.kills.append(Kill(_ROLES[slot], point, chosen=not life.shot and point == life.at))
        if _ROLES[slot] == "run":
            # As if the time of the dead one's leases were over; no other worker has these two.
            self._change_if_there("UPDATE jzysoap_lease SET until = 0 WHERE name LIKE 'run %' OR name LIKE 'poll %'")
        if self._requeue:
            self._change_if_there(
                "UPDATE jzysoap_batch SET state = 'queued', token = NULL, lease = NULL WHERE state = 'sending'"
            )

    def _change_if_there(self, statement: str) -> None:
        if self._board.count(0):
            change(self._url, statement)

    def _start(self, slot: int, client: Client) -> Life:
        role = _ROLES[slot]
        at = self._chance.choice(_CHOICES[role]) if self._chance.random() < 0.6 else None
        times = self._chance.randint(1, 3)
        lasts = 4.0 if at else self._chance.uniform(*_LIVES[role])
        self._board.clear(slot)
        pid = start(lambda: self._work(slot, client, at, times))
        return Life(pid, at, time.monotonic() + lasts)

    def _work(self, slot: int, client: Client, at: str | None, times: int) -> None:
        instruments = Instruments(self._board, slot, at, times)
        instruments.install()
        with Mailbox(client, self._url, spool=self._spool) as box:
            box.counts()
            self._board.set_count(0, 1)
            if _ROLES[slot] == "run":
                box.run(interval=0.05)
            elif _ROLES[slot] == "send":
                self._send(box, slot)
            else:
                while True:
                    # So short a lease is lost where the machine is busy.
                    with contextlib.suppress(LeaseLostError):
                        self.take(box, instruments)
                    time.sleep(0.05)

    def _send(self, box: Mailbox, slot: int) -> None:
        # The last ones again: their worker may have died in the middle of any of them.
        number = max(self._board.count(slot) - 2, 0)
        while True:
            self._board.set_count(slot, number + 1)
            send_one(box, slot, number)
            number += 1
            if number % 4 == 0:
                box.dispatch(limit=1)
            time.sleep(random.random() * 0.005)

    def take(self, box: Mailbox, instruments: Instruments | None = None) -> int:
        """Take the records that are there, noting each before it is acknowledged; return how many."""
        taken = 0
        for kind in (box.reports, box.replies):
            with kind(limit=20, lease=0.5) as records:
                for record in records:
                    if instruments is not None:
                        instruments.reach("in hand")
                    with open(self._taken, "a", encoding="ascii") as file:
                        file.write(f"{record.id}\n")
                    taken += 1
        return taken

    def _read_taken(self) -> set[int]:
        return set(map(int, self._taken.read_text("ascii").split())) if self._taken.exists() else set()

    def _rest(self, box: Mailbox) -> None:
        """Repeat what the senders were at, and run until nothing is left to do."""
        box.counts()
        change(self._url, "UPDATE jzysoap_lease SET until = 0")
        for slot, role in enumerate(_ROLES):
            if role == "send":
                for number in range(max(self._board.count(slot) - 2, 0), self._board.count(slot)):
                    send_one(box, slot, number)
        until = time.monotonic() + _REST
        quiet = [0]

        def is_over() -> bool:
            if time.monotonic() > until:
                raise AssertionError(f"no rest after {_REST:g} s: {box.counts()}")
            if self._is_busy():
                quiet[0] = 0
                return False
            # A few more polls, of reports that the gateway still has.
            quiet[0] += 1
            return quiet[0] > 60

        box.run(is_over, interval=0.1)
        while time.monotonic() < until and rows(
            self._url, "SELECT 1 FROM jzysoap_record WHERE state <> 'done' LIMIT 1"
        ):
            with contextlib.suppress(LeaseLostError):
                if not self.take(box):
                    time.sleep(0.1)

    def _is_busy(self) -> bool:
        batches = "SELECT 1 FROM jzysoap_batch WHERE state IN ('queued', 'sending') LIMIT 1"
        polls = "SELECT 1 FROM jzysoap_poll WHERE state IN ('asked', 'stored') LIMIT 1"
        return bool(rows(self._url, batches) or rows(self._url, polls))


def send_one(box: Mailbox, slot: int, number: int) -> None:
    """Send or enqueue a message that is always the same for its number, under a key of its own."""
    first = slot * 5000 + number * 3
    mobiles = [f"1380000{(first + place) % 10_000:04}" for place in range(1 + number % 3)]
    words, key = f"您的包裹已到 {slot}-{number}", f"order-{slot}-{number}"
    if number % 5 == 4:
        box.enqueue(mobiles, words, key=key)
    else:
        box.send(mobiles, words, key=key)


class Report:
    """The comparison of the mailbox with the gateway, when all is at rest.

    Args:
        url: the database.
        box: the mailbox.
        kills: what was done to it.
        sent: the messages that the gateway accepted.
        handed_over: the records that the gateway's polls returned, by operation.
        taken: the ids of the records that a consumer had in hand.
    """

    def __init__(
        self,
        url: str,
        box: Mailbox,
        kills: Iterable[Kill],
        sent: list[Text],
        handed_over: dict[str, int],
        taken: set[int],
    ) -> None:
        self._box = box
        self._kills = list(kills)
        self._sent = sent
        self._handed_over = handed_over
        self._taken = taken
        self._batches = rows(
            url,
            "SELECT b.id, b.mobiles, b.state, b.batch_id, b.matched_id, b.evidence, b.started, m.content "
            "FROM jzysoap_batch b JOIN jzysoap_message m ON m.id = b.message",
        )
        self._records = rows(url, "SELECT id, poll, place, kind, state, mobile, batch_id, at FROM jzysoap_record")
        self._polls = rows(url, "SELECT id, operation, state, attempt FROM jzysoap_poll")
        self._with_body = {row.id for row in rows(url, "SELECT id FROM jzysoap_poll WHERE body IS NOT NULL")}
        self._stored: dict[int, list[tuple[str, str | None]]] = defaultdict(list)
        for record in sorted(self._records, key=lambda one: (one.poll, one.place)):
            self._stored[record.poll].append((record.mobile, record.batch_id))
        self._by_text: dict[tuple[tuple[str, ...], str], list[Text]] = defaultdict(list)
        for one in sent:
            self._by_text[one.mobiles, one.text].append(one)

    def show(self, took: float) -> bool:
        """Print the table; return True if every promise was kept."""
        inside = Counter(_side(kill) for kill in self._kills)
        chosen = Counter(kill.point for kill in self._kills if kill.chosen)
        states = Counter(row.state for row in self._batches)
        say(f"kills                                     {len(self._kills):6}   in {took:.0f} s")
        for side in ("send", "poll", "hand-over", "elsewhere"):
            say(f"  {side:<40}{inside[side]:6}")
        missed = [point for point in POINTS if point not in chosen and point != "idle"]
        say(f"  at a chosen point                       {chosen.total():6}   {len(chosen)} of {len(POINTS) - 1} points")
        if missed:
            say(f"  never at                                         {', '.join(missed)}")
        say(f"batches                                   {len(self._batches):6}")
        for state, number in sorted(states.items()):
            say(f"  {state:<40}{number:6}")
        say(f"messages that the gateway accepted        {len(self._sent):6}")
        say(f"records that it handed over               {sum(self._handed_over.values()):6}")
        say(f"records that are stored                   {len(self._records):6}")
        lost = sum(self._handed_over.values()) - len(self._records)
        listed = sum(problem.state == "perhaps lost" for problem in self._box.problems())
        say(f"  lost on their way to a dead process     {lost:6}   {listed} polls are listed as perhaps lost")
        bad = [row.id for row in self._polls if row.state == "bad"]
        kept = sum(len(self._read(ident)) - len(self._stored[ident]) for ident in bad)
        say(f"  kept as bytes, not handed over          {kept:6}   {len(bad)} polls are listed as bad")
        settled = sum(row.state == State.ACCEPTED and row.evidence == Evidence.MATCH for row in self._batches)
        sent = sum(row.state == State.UNKNOWN and bool(self._accepted(row)) for row in self._batches)
        say(f"unknown sends that a match has settled    {settled:6}")
        say(f"  left to a person                        {states[State.UNKNOWN]:6}   the gateway has {sent} of them")
        say()
        good = True
        for what, wrong in self._promises(lost, listed):
            found = list(wrong)
            good = good and not found
            say(f"{what:<58}{len(found):6}   {'' if not found else f'FAILED: {found[:3]}'}")
        hits = inside["send"] + inside["poll"]
        if 3 * hits < len(self._kills):
            say("FAILED: fewer than a third of the kills hit a send or a poll")
            good = False
        return good

    def _promises(self, lost: int, listed: int) -> Iterator[tuple[str, Iterable[Any]]]:
        texted = Counter((mobile, one.text) for one in self._sent for mobile in one.mobiles)
        yield "numbers texted twice", [one for one, times in texted.items() if times > 1]
        accepted = [row for row in self._batches if row.state == State.ACCEPTED]
        yield "accepted, but not by the gateway", [row.id for row in accepted if not self._accepted(row)]
        yield (
            "accepted with another message's id",
            [row.id for row in accepted if not {row.batch_id, row.matched_id} - {None} <= self._ids(row)],
        )
        known = {(tuple(row.mobiles.split(",")), row.content): row.state for row in self._batches}
        yield (
            "accepted by the gateway, here neither accepted nor unknown",
            [one.batch_id for one in self._sent if known.get((one.mobiles, one.text)) not in ("accepted", "unknown")],
        )
        shown = {batch.id for batch in self._box.unknown(100_000)}
        yield (
            "unknown, but not listed",
            [row.id for row in self._batches if row.state == State.UNKNOWN and row.id not in shown],
        )
        yield "not at rest", [row.id for row in self._batches if row.state in ("queued", "sending")]
        yield "unknown, although the reports settle it", list(self._unsettled())
        yield "polls whose records are not those of their bytes", list(self._broken_polls())
        yield "records never handed over", [row.id for row in self._records if row.id not in self._taken]
        yield "records not acknowledged", [row.id for row in self._records if row.state != "done"]
        yield "records lost without a listed poll", [lost] if lost < 0 or (lost and not listed) else []

    def _accepted(self, row: Any) -> list[Text]:
        return self._by_text[tuple(row.mobiles.split(",")), row.content]

    def _ids(self, row: Any) -> set[str]:
        return {one.batch_id for one in self._accepted(row)}

    def _unsettled(self) -> Iterator[int]:
        """Yield the unknown batches that two numbers of one id prove, by the plainest comparison there is."""
        seen: dict[str, dict[str, int]] = defaultdict(dict)
        for record in self._records:
            if record.kind == "report" and record.batch_id:
                seen[record.batch_id][record.mobile] = record.at
        owned = {row.batch_id for row in self._batches if row.batch_id}
        nameless = [
            (row, set(row.mobiles.split(",")))
            for row in self._batches
            if row.batch_id is None and row.state in ("unknown", "accepted")
        ]

        def fits(row: Any, mobiles: set[str], found: dict[str, int]) -> bool:
            return set(found) <= mobiles and all(abs(at - row.started) <= 15 * 60_000 for at in found.values())

        for row, mobiles in nameless:
            ids = [name for name, found in seen.items() if name not in owned and fits(row, mobiles, found)]
            if row.state != State.UNKNOWN or len(ids) != 1 or len(seen[ids[0]]) < 2:
                continue
            if sum(fits(other, others, seen[ids[0]]) for other, others in nameless) == 1:
                yield row.id

    def _broken_polls(self) -> Iterator[int]:
        """Yield the polls whose bytes hold other records than the table does, or that never came to an end.

        A poll during whose parsing the process was killed each time is given up, and listed: what is stored of it must
        be the beginning of what its bytes hold.
        """
        listed = {problem.id for problem in self._box.problems()}
        for row in self._polls:
            stored = self._stored[row.id]
            if row.state in ("asked", "stored") or (row.state in ("bad", "lost", "cut off") and row.id not in listed):
                yield row.id
            elif row.state == "bad":
                if row.attempt <= PARSE_ATTEMPTS or stored != self._read(row.id)[: len(stored)]:
                    yield row.id
            elif row.id in self._with_body and stored != self._read(row.id):
                yield row.id

    def _read(self, poll: int) -> list[tuple[str, str | None]]:
        """Return numbers and ids of the records in the bytes of a poll."""
        calls = self._box._calls
        assert calls is not None
        try:
            found = list(calls.parse(self._box.raw(poll)))
        except GatewayError:
            return []
        return [(one.mobile, one.batch_id if isinstance(one, DeliveryReport) else None) for one in found]


def _side(kill: Kill) -> str:
    if kill.point in SEND_POINTS:
        return "send"
    if kill.point in POLL_POINTS:
        return "poll"
    return "hand-over" if kill.point in HAND_OVER_POINTS else "elsewhere"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.mailbox.kill", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url", help="an empty database; by default a file of SQLite")
    parser.add_argument("--requeue", action="store_true", help="queue again at a restart what was being sent")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        url = options.url or f"sqlite:///{directory}/mailbox.db"
        run = Run(url, Path(directory), options.kills, options.seed, requeue=options.requeue)
        return 0 if run.carry_out() else 1


if __name__ == "__main__":
    sys.exit(main())
