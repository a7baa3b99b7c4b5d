"""Several processes share the work of one mailbox: each batch is sent once."""

from __future__ import annotations

import multiprocessing
from collections import Counter

import pytest

from benchmarks.workers import main
from jzysoap import Client
from jzysoap.mailbox import Mailbox
from jzysoap.sandbox import Sandbox
from tests.kit.databases import Server
from tests.kit.samples import TEXT

PROCESSES = 8


def dispatch(url: str, database: str) -> None:
    """Send until the queue seems empty."""
    with Client(url, "test", "secret1", wsdl="bundled", cache_dir=False) as client, Mailbox(client, database) as box:
        while box.dispatch():
            pass


@pytest.mark.database
def test_each_batch_is_sent_once(box: Mailbox, sandbox: Sandbox, database_url: str) -> None:
    numbers = [f"138{number:08}" for number in range(160)]
    box.enqueue(numbers, TEXT, batch_size=1)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=dispatch, args=(sandbox.url, database_url)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    # An empty claim does not prove that the queue is empty: another process may have held the row.
    box.dispatch()
    texted = Counter(mobile for sent in sandbox.gateway.sent for mobile in sent.mobiles)
    assert texted == Counter(numbers)
    assert box.counts()["accepted"].number == len(numbers)


@pytest.mark.database
def test_what_more_workers_bring_can_be_measured(postgresql: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--url", postgresql.new_database(), "--workers", "2", "--batches", "3"]) == 0
    assert capsys.readouterr().out.startswith("2 workers send ")
