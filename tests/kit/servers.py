"""A raw socket server that misbehaves as told, which no HTTP server library can be made to do."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator

Handler = Callable[[socket.socket], None]


class RawServer:
    """Hands each connection, in its own thread, to a handler.

    Args:
        handler: what to do with a connection; it is closed afterwards.
        port: the port to listen on; 0 for any.

    Attributes:
        url: its address.
        requests: every whole request that was read with ``read_request``, in order.
        connections: how many were accepted.
    """

    def __init__(self, handler: Callable[[RawServer, socket.socket], None], *, port: int = 0) -> None:
        self._handler = handler
        self._listener = socket.create_server(("127.0.0.1", port))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.requests: list[bytes] = []
        self.connections = 0

    def __enter__(self) -> RawServer:
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Shutting down wakes the accepting thread, which closing alone does not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(5)
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def read_request(self, connection: socket.socket) -> bytes:
        """One request, head and body; empty when the client has closed."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return b""
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        announced = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        length = int(announced[1]) if announced else 0
        while len(body) < length:
            piece = connection.recv(65536)
            if not piece:
                return b""
            body += piece
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self._handler(self, connection)


def reply(
    body: bytes,
    status: str = "200 OK",
    *headers: str,
    length: int | None = None,
    content_type: str = "text/xml; charset=utf-8",
) -> bytes:
    """The bytes of an HTTP reply.

    Args:
        body: its body.
        status: code and reason.
        headers: more headers, also a Content-Length or Transfer-Encoding of its own.
        length: the length to announce, where it is not that of the body.
        content_type: the Content-Type, or "" for a reply without one.
    """
    lines = [f"HTTP/1.1 {status}", *([f"Content-Type: {content_type}"] if content_type else []), *headers]
    if not any(header.lower().startswith(("content-length", "transfer-encoding")) for header in headers):
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answering(*answers: bytes, close: bool = False) -> Callable[[RawServer, socket.socket], None]:
    """A handler that answers each request with the next of the answers, the last one for ever."""
    left = list(answers)

    def handle(server: RawServer, connection: socket.socket) -> None:
        while server.read_request(connection):
            connection.sendall(left.pop(0) if len(left) > 1 else left[0])
            if close:
                return

    return handle


def trickling(data: bytes, pause: float, size: int = 1) -> Callable[[RawServer, socket.socket], None]:
    """A handler that answers a few bytes at a time."""

    def handle(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        for start in range(0, len(data), size):
            connection.sendall(data[start : start + size])
            time.sleep(pause)

    return handle


@contextlib.contextmanager
def refused_port() -> Iterator[int]:
    """A port of loopback that nothing listens on, kept from others for as long."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
