"""What waitress has to do otherwise than it does, and its orderly end. The only module that imports waitress.

Two things: a request line with bytes that are not ASCII, which the page's own samples send, is read as if they were
URL-encoded; and the head of a request is handed on as it came.
"""

from __future__ import annotations

import logging
import re
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.task import ThreadedTaskDispatcher, WSGITask

from jzysoap.sandbox.protocol import HEAD

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

_THREADS = 16
_QUIET = logging.Logger("jzysoap.sandbox", logging.CRITICAL)
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


class _Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    head = b""

    def parse_header(self, header_plus: bytes) -> None:
        self.head = header_plus
        line, separator, fields = header_plus.partition(b"\r\n")
        line = _NOT_ASCII.sub(lambda byte: b"%%%02X" % ord(byte[0]), line)
        super().parse_header(line + separator + fields)


class _Task(WSGITask):  # type: ignore[misc]  # waitress has no types
    def get_environment(self) -> WSGIEnvironment:
        environ: WSGIEnvironment = super().get_environment()
        environ[HEAD] = self.request.head
        return environ


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    parser_class = _Parser
    task_class = _Task


class _Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]  # waitress has no types
    """Its threads can be waited for, and a short queue is no warning."""

    queue_logger = _QUIET

    def __init__(self) -> None:
        super().__init__()
        self.started: list[threading.Thread] = []

    def start_new_thread(self, target: Callable[[int], None], thread_no: int) -> None:
        thread = threading.Thread(target=target, name=f"sandbox-{thread_no}", args=(thread_no,), daemon=True)
        thread.start()
        self.started.append(thread)


class Listener:
    """A running waitress.

    Args:
        application: what answers.
        listening: a bound socket, which becomes the listener's.
        max_request_bytes: the largest body that is read; a larger one gets a 413.
    """

    def __init__(self, application: WSGIApplication, listening: socket.socket, max_request_bytes: int) -> None:
        self._map: dict[int, Any] = {}
        self._dispatcher = _Dispatcher()
        self._dispatcher.set_thread_count(_THREADS)
        self._server = create_server(
            application,
            map=self._map,
            _start=False,
            _dispatcher=self._dispatcher,
            sockets=[listening],
            ident="jzysoap-sandbox",
            # waitress refuses what reaches its limit.
            max_request_body_size=max_request_bytes + 1,
            # Nothing is put into temporary files, which a connection that breaks would leave open.
            inbuf_overflow=1 << 40,
            outbuf_overflow=1 << 40,
            clear_untrusted_proxy_headers=False,
            # An OSError of the application then closes the connection, without a reply or a log record.
            log_socket_errors=False,
            connection_limit=1000,
            # select() cannot have descriptors above 1023.
            asyncore_use_poll=True,
        )
        self._server.channel_class = _Channel
        self._server.accept_connections()
        self._thread = threading.Thread(target=self._server.run, name="sandbox", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close every socket, wait for every thread."""
        self._server.trigger.pull_trigger(self._disconnect)
        # The trigger has to outlive the workers: they pull it when they have answered.
        self._dispatcher.shutdown()
        for worker in self._dispatcher.started:
            # A callable of the user's may still be at it.
            worker.join(1)
        self._server.trigger.pull_trigger(self._map.clear)
        self._thread.join()
        # Not in the loop: it could run what a pull brings before that pull has written to the trigger.
        self._server.trigger.close()

    def _disconnect(self) -> None:
        # In the loop's own thread, so that nobody is accepted or read meanwhile.
        self._server.del_channel()
        self._server.socket.close()
        for channel in list(self._server.active_channels.values()):
            channel.handle_close()
