"""A cheap server in a process of its own: it answers every contender with the same bytes, and checks nothing.

``python -m benchmarks.server`` prints its port and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import cast

from benchmarks.answers import answer_to
from jzysoap.definition.local import bundled

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class _Protocol(asyncio.Protocol):
    def __init__(self, definition: bytes) -> None:
        self._definition = definition
        self._came = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._came += data
        while (end := self._came.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._came[:end])
            announced = _LENGTH.search(head)
            whole = end + 4 + (int(announced[1]) if announced else 0)
            if b"\r\nexpect: 100-continue" in head.lower() and len(self._came) == end + 4:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            if len(self._came) < whole:
                return
            body = bytes(self._came[end + 4 : whole])
            del self._came[:whole]
            target = head.split(b" ", 2)[1].decode("ascii")
            self._transport.write(answer_to(target, body, self._definition))


async def serve() -> None:
    definition = bundled()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Protocol(definition), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
