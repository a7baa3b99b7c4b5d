"""``python -m benchmarks.workers --url URL [--workers N] [--batches N]``: what more workers of one mailbox bring.

URL is a database of PostgreSQL or MariaDB; the mailbox's tables are made in it. The gateway answers after 50 ms, as one
across a network does. Read the ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import re
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from benchmarks.answers import answer_to
from jzysoap import Client
from jzysoap.definition.local import bundled
from jzysoap.mailbox import Mailbox

_DELAY = 0.05
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_OPTIONS: Any = {"wsdl": "bundled", "cache_dir": False}


def serve(port: Any) -> None:
    """Answer late, in a process of its own; tell the port."""
    asyncio.run(_serve(port))


async def _serve(port: Any) -> None:
    definition = bundled()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                announced = _LENGTH.search(head)
                body = await reader.readexactly(int(announced[1])) if announced else b""
                await asyncio.sleep(_DELAY)
                writer.write(answer_to(head.split(b" ", 2)[1].decode(), body, definition))

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port.put(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def work(gateway: str, database: str, ready: Any, start: Any) -> None:
    """Send until the queue is empty, once all workers are ready."""
    with Client(gateway, "account", "password", **_OPTIONS) as client, Mailbox(client, database) as box:
        client.prepare()
        box.counts()
        ready.release()
        start.wait()
        while box.dispatch():
            pass


def measure(gateway: str, database: str, workers: int, batches: int) -> float:
    """Return how many batches a second so many workers send."""
    context = multiprocessing.get_context("spawn")
    ready, start = context.Semaphore(0), context.Event()
    with Client(gateway, "account", "password", **_OPTIONS) as client, Mailbox(client, database) as box:
        message = box.enqueue([f"138{number:08}" for number in range(batches)], "您好", batch_size=1)
        processes = [context.Process(target=work, args=(gateway, database, ready, start)) for _ in range(workers)]
        for process in processes:
            process.start()
        for _ in processes:
            ready.acquire()
        began = time.perf_counter()
        start.set()
        for process in processes:
            process.join()
        rate = batches / (time.perf_counter() - began)
        if box.message(message.id).outcome is None:
            raise RuntimeError("not all batches were sent")
    return rate


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print the ratio."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--batches", type=int, default=100, help="for each worker")
    options = parser.parse_args(argv)
    context = multiprocessing.get_context("spawn")
    port = context.Queue()
    server = context.Process(target=serve, args=(port,), daemon=True)
    server.start()
    gateway = f"http://127.0.0.1:{port.get()}"
    try:
        one = measure(gateway, options.url, 1, options.batches)
        many = measure(gateway, options.url, options.workers, options.batches * options.workers)
    finally:
        server.kill()
    print(f"{options.workers} workers send {many / one:.1f} times as many batches a second as one")
    return 0


if __name__ == "__main__":
    sys.exit(main())
