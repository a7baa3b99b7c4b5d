"""The kill test: processes with a mailbox are killed again and again, and nobody is texted twice.

::

    python -m tests.mailbox.kill --kills 1000 --seed 1

The gateway runs here and counts. At the end the table says what was found. The exit status is 1 if a promise of the
mailbox was broken, or if too few kills landed inside a send or a poll. With ``--requeue``, batches of killed processes
are queued again, as a simpler design would do: then the run must fail.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jzysoap import Client
from jzysoap.mailbox import Evidence, Mailbox, State
from jzysoap.sandbox import Delivery, Gateway, Rule, Sandbox
from tests.mailbox.victim import IDLE, POINTS, Orders, work

BATCHES = 4
"""Batches that are queued before each kill, on average more than a process gets done."""

_SHARE_INSIDE = 1 / 3


@dataclass
class Findings:
    """What a run found; ``wrong`` is empty if every promise was kept."""

    kills: int = 0
    inside: int = 0
    batches: int = 0
    accepted: int = 0
    unknown: int = 0
    settled: int = 0
    records: int = 0
    wrong: list[str] = field(default_factory=list)

    def table(self) -> str:
        rows = [(name, value) for name, value in vars(self).items() if name != "wrong"]
        rows += [("wrong", len(self.wrong)), *(("", one) for one in self.wrong[:20])]
        return "\n".join(f"{name:10} {value}" for name, value in rows)


class Run:
    """One run.

    Args:
        database: the URL of an empty database.
        kills: how many.
        seed: decides about numbers, points and moments.
        requeue: True for the fault that the run must find.
        workers: processes at a time; on SQLite one, since a second would wait.
    """

    def __init__(self, database: str, kills: int, seed: int, *, requeue: bool = False, workers: int = 1) -> None:
        self._database = database
        self._kills = kills
        self._chance = random.Random(seed)  # no secret
        self._requeue = requeue
        self._workers = workers
        self._numbers = iter(range(10**8))
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["zeep", "tests.mailbox.victim"])
        self._keys: list[tuple[str, str]] = []
        self.findings = Findings()

    def carry_out(self) -> Findings:
        gateway = Gateway(max_messages=1_000_000, delivery=Delivery(order="shuffled", copies=1, spread=0.2))
        gateway.add_account("test", "secret1", 10**9)
        with tempfile.TemporaryDirectory() as directory, Sandbox(gateway=gateway) as sandbox:
            gateway.rules.add(Rule(kind="fault", operation="any", fault="delay", delay=0.05))
            client = Client(sandbox.url, "test", "secret1", wsdl="bundled", cache_dir=False)
            with client, Mailbox(client, self._database) as box:
                box.counts()
                while self.findings.kills < self._kills:
                    self._queue(box)
                    self._kill(box, sandbox.url, directory)
                self._rest(sandbox.url, directory)
                self._check(box, gateway, Path(directory, "handed"))
        return self.findings

    def _queue(self, box: Mailbox) -> None:
        for _ in range(BATCHES * self._workers):
            box.enqueue([self._number() for _ in range(self._chance.randint(1, 3))], "您好")
        self._keys.append((f"key {len(self._keys)}", self._number()))

    def _number(self) -> str:
        return f"138{next(self._numbers):08}"

    def _kill(self, box: Mailbox, url: str, directory: str) -> None:
        started = []
        for _ in range(self._workers):
            point = self._chance.choice([*POINTS, None, None, None])
            orders = Orders(
                url, self._database, point, self._chance.randint(0, 4), directory, tuple(self._keys[-3:]), False
            )
            started.append(self._start(orders))
        # Those that have a point kill themselves; the others, and those that never come there, are killed here.
        until = time.monotonic() + self._chance.uniform(0.3, 1.2)
        for process in started:
            process.join(max(until - time.monotonic(), 0))
        for process in started:
            process.kill()
            process.join()
            self.findings.kills += 1
            phase = Path(directory, f"phase-{process.pid}")
            self.findings.inside += phase.exists() and phase.read_bytes() != IDLE
            phase.unlink(missing_ok=True)
        if self._requeue:
            statement = "UPDATE jzysoap_batch SET state = 'queued', token = NULL WHERE state = 'sending'"
            box._database.write(lambda connection, _: connection.exec_driver_sql(statement))

    def _rest(self, url: str, directory: str) -> None:
        """Let a process do what is left, in peace."""
        process = self._start(Orders(url, self._database, None, 0, directory, (), True))
        process.join(120 + self._kills)
        if process.exitcode != 0:
            process.kill()
            self.findings.wrong.append(f"the last process did not come to an end ({process.exitcode})")

    def _start(self, orders: Orders) -> Any:
        process = self._context.Process(target=work, args=(orders,))
        process.start()
        return process

    def _check(self, box: Mailbox, gateway: Gateway, handed: Path) -> None:
        found, wrong = self.findings, self.findings.wrong
        texted = Counter(mobile for message in gateway.sent for mobile in message.mobiles)
        wrong += [f"{mobile} was texted {times} times" for mobile, times in texted.items() if times > 1]
        true_ids = {mobile: message.batch_id for message in gateway.sent for mobile in message.mobiles}
        reported = {row.batch_id for row in _rows(box, "SELECT DISTINCT batch_id FROM jzysoap_record")}
        listed = {batch.id for batch in box.unknown(1_000_000)}
        for row in _rows(box, "SELECT id, mobiles, state, evidence, batch_id, matched_id FROM jzysoap_batch"):
            mobiles = row.mobiles.split(",")
            reached = [mobile for mobile in mobiles if texted[mobile]]
            found.batches += 1
            found.accepted += row.state == State.ACCEPTED
            found.unknown += row.state == State.UNKNOWN
            found.settled += row.evidence == Evidence.MATCH
            if row.state == State.ACCEPTED and len(reached) != len(mobiles):
                wrong.append(f"batch {row.id} is accepted, and the gateway has not accepted it")
            if reached and row.state not in (State.ACCEPTED, State.UNKNOWN):
                wrong.append(f"batch {row.id} is {row.state}, and the gateway has accepted it")
            if row.state == State.UNKNOWN and row.id not in listed:
                wrong.append(f"batch {row.id} is unknown and not listed")
            if row.state == State.UNKNOWN and reached and true_ids[reached[0]] in reported:
                wrong.append(f"batch {row.id} is unknown, although a report names it")
            if row.matched_id and row.matched_id != true_ids.get(mobiles[0]):
                wrong.append(f"batch {row.id} was matched to an id that is not its own")
        seen = set(map(int, handed.read_text("ascii").split())) if handed.exists() else set()
        for row in _rows(box, "SELECT id, state FROM jzysoap_record"):
            found.records += 1
            if row.state != "done" or row.id not in seen:
                wrong.append(f"record {row.id} is {row.state}, and was {'' if row.id in seen else 'not '}handed over")
        self._check_polls(box)

    def _check_polls(self, box: Mailbox) -> None:
        """Count the records of each answer that was stored: none may be missing, none twice."""
        calls, opened = box._calls, box._opened.get()
        assert calls is not None
        assert opened.records is not None
        counted = _rows(box, "SELECT poll, count(*) AS number FROM jzysoap_record GROUP BY poll")
        written = {row.poll: row.number for row in counted}
        for row in _rows(box, "SELECT id, state FROM jzysoap_poll WHERE body IS NOT NULL"):
            here, there = len(calls.parse(opened.records.raw(row.id))), written.get(row.id, 0)
            if here != there or row.state not in ("parsed", "empty"):
                self.findings.wrong.append(f"poll {row.id} is {row.state}: {here} records came, {there} are written")


def _rows(box: Mailbox, statement: str) -> Sequence[Any]:
    return box._database.read(lambda connection: connection.exec_driver_sql(statement).all())


def main(argv: Sequence[str] | None = None) -> int:
    """Run as a command; see the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.mailbox.kill", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url", help="an empty database; otherwise a file of SQLite")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--requeue", action="store_true")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as directory:
        url = options.url or f"sqlite:///{directory}/sms.db"
        findings = Run(url, options.kills, options.seed, requeue=options.requeue, workers=options.workers).carry_out()
    print(findings.table())  # noqa: T201  # a command
    if findings.inside < findings.kills * _SHARE_INSIDE:
        print("too few kills landed inside a send or a poll: this run proves little")  # noqa: T201  # a command
        return 1
    return 1 if findings.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
