"""``python -m benchmarks.mailbox [--rounds N] [--sends N] [--reports N]``: what a mailbox costs.

Each workload runs in a fresh process, beside the same written by hand, against one server; the rounds are interleaved.
Read the ratios of user CPU: they hold, times do not.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contenders import MAX_POLL, MOBILE, SYNCHRONOUS, TEXT
from benchmarks.worker import measure

HERE = Path(__file__).parent
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL")
_TABLE = (
    "CREATE TABLE message (id INTEGER PRIMARY KEY, mobile TEXT, text TEXT, state TEXT, batch_id TEXT, created REAL, "
    "ended REAL)"
)
_NUMBERS = 100_000


def send_by_hand(url: str, directory: str, count: int) -> dict[str, float]:
    """INSERT, ``Session.post`` with lxml, UPDATE: two commits."""
    contender = SYNCHRONOUS["requests + lxml"](url)
    connection = sqlite3.connect(f"{directory}/hand.db", isolation_level=None)
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(_TABLE)

    def send() -> None:
        cursor = connection.execute(
            "INSERT INTO message (mobile, text, state, created) VALUES (?, ?, 'sending', julianday('now'))",
            (MOBILE, TEXT),
        )
        ident = cursor.lastrowid
        batch_id = contender.send(MOBILE)
        connection.execute(
            "UPDATE message SET state = 'accepted', batch_id = ?, ended = julianday('now') WHERE id = ?",
            (batch_id, ident),
        )

    return _repeated(send, count)


def send_by_mailbox(url: str, directory: str, count: int) -> dict[str, float]:
    """One durable send."""
    box = _box(url, directory)
    return _repeated(lambda: box.send(MOBILE, TEXT), count)


def send_with_key(url: str, directory: str, count: int) -> dict[str, float]:
    """One durable send under a key of its own."""
    box, keys = _box(url, directory), itertools.count()
    return _repeated(lambda: box.send(MOBILE, TEXT, key=f"order-{next(keys)}"), count)


def enqueue(url: str, directory: str, count: int) -> dict[str, float]:
    """Enqueueing 100,000 recipients."""
    box = _box(url, directory)
    box.counts()
    numbers = [f"138{number:08}" for number in range(_NUMBERS)]
    return _repeated(lambda: box.enqueue(numbers, TEXT), count)


def poll_by_client(url: str, directory: str, count: int) -> dict[str, float]:  # noqa: ARG001  # as the others
    """A poll without a mailbox."""
    client = _client(f"{url}/{count}")
    client.prepare()
    return measure(lambda: len(client.reports()))


def poll_by_journal(url: str, directory: str, count: int) -> dict[str, float]:
    """The same poll, its answer stored before it is parsed, before records are written."""
    box = _box(f"{url}/{count}", directory)
    journal, calls = box._journal(), box._calls
    assert calls is not None
    calls.prepare()
    records = journal._records

    def poll() -> int:
        ident = records.ask("getSmsReport")
        return len(calls.poll("getSmsReport", lambda raw: records.keep(ident, raw, attempt=1, lease_ms=60_000)))

    return measure(poll)


def write_records(url: str, directory: str, count: int) -> dict[str, float]:
    """Writing the records of a poll, without the pauses for other writers."""
    from jzysoap.mailbox import records as module

    module._PAUSE = 0.0
    box = _box(f"{url}/{count}", directory)
    journal, calls = box._journal(), box._calls
    assert calls is not None
    ident = journal._records.ask("getSmsReport")
    poll = calls.poll("getSmsReport", lambda raw: zlib.crc32(raw.body))

    def write() -> int:
        journal._records.write(ident, poll.records)
        return count

    return measure(write)


WORKLOADS: dict[str, Callable[[str, str, int], dict[str, float]]] = {
    "a durable send": send_by_mailbox,
    "a durable send with a key": send_with_key,
    "INSERT, requests + lxml, UPDATE": send_by_hand,
    "enqueue 100,000 recipients": enqueue,
    "a poll": poll_by_client,
    "a poll, journalled": poll_by_journal,
    "its records written": write_records,
}


def _client(url: str) -> Any:
    from jzysoap import Client

    return Client(url, "account", "password", cache_dir=False, max_poll_bytes=MAX_POLL)


def _box(url: str, directory: str) -> Any:
    from jzysoap.mailbox import Mailbox

    return Mailbox(_client(url), f"sqlite:///{directory}/mailbox.db")


def _repeated(work: Callable[[], object], count: int) -> dict[str, float]:
    work()

    def all_of_them() -> int:
        for _ in range(count):
            work()
        return count

    return measure(all_of_them)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mailbox", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sends", type=int, default=1000)
    parser.add_argument("--reports", type=int, default=200_000)
    parser.add_argument("--only", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.only is not None:
        name, url = options.only
        count = options.sends if "send" in name or "INSERT" in name else options.reports
        with tempfile.TemporaryDirectory() as directory:
            print(json.dumps(WORKLOADS[name](url, directory, 1 if "enqueue" in name else count)))
        return 0
    server = subprocess.Popen(  # our own
        [sys.executable, "-m", "benchmarks.server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=HERE.parent
    )
    assert server.stdout is not None
    url = f"http://127.0.0.1:{int(server.stdout.readline())}"
    costs: dict[str, list[dict[str, float]]] = {name: [] for name in WORKLOADS}
    try:
        for _ in range(options.rounds):
            for name, found in costs.items():
                command = [sys.executable, "-m", "benchmarks.mailbox", "--only", name, url]
                command += ["--sends", str(options.sends), "--reports", str(options.reports)]
                done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE.parent)  # noqa: S603  # our own
                found.append(json.loads(done.stdout.splitlines()[-1]))
    finally:
        server.kill()
        server.wait()
    _report(costs)
    return 0


def _report(costs: dict[str, list[dict[str, float]]]) -> None:
    def cost(name: str, *keys: str) -> float:
        # A run of a moment may cost less than the system can measure.
        return max(statistics.median(sum(one[key] for key in keys) for one in costs[name]), 1e-6)

    for name in costs:
        print(
            f"{name:35} user {cost(name, 'user'):8.3f} s  system {cost(name, 'system'):7.3f} s  "
            f"memory {cost(name, 'memory') / 2**20:6.1f} MiB"
        )
    by_hand = cost("INSERT, requests + lxml, UPDATE", "user")
    send, keyed = cost("a durable send", "user") / by_hand, cost("a durable send with a key", "user") / by_hand
    journal = cost("a poll, journalled", "user", "system") / cost("a poll", "user", "system")
    rate = cost("its records written", "records") / cost("its records written", "user", "system")
    print(f"a durable send, of the same by hand: {send:.2f} (at most 1.2)")
    print(f"with a key: {keyed:.2f}")
    print(f"enqueueing 100,000: {cost('enqueue 100,000 recipients', 'user', 'system'):.2f} s of CPU (at most 6)")
    print(f"a journalled poll, of a poll: {journal:.2f} (at most 1.25)")
    print(f"records written a second of CPU: {rate:,.0f} (at least 60,000)")


if __name__ == "__main__":
    sys.exit(main())
