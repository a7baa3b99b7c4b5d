"""The HTTP server: waitress, with two changes and an orderly end. No other module imports waitress.

The first change: a request line may hold bytes that are not ASCII, which the page's own samples send; they are read as
if they were URL-encoded. The second: the application gets the head of a request verbatim.
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
_SECONDS_FOR_A_WORKER = 1.0
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
    """A dispatcher that keeps its threads, so that they can be joined, and that does not warn of a short queue."""

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
        application: the application that answers.
        listening: a bound socket, which the listener closes.
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
            # waitress refuses a body that reaches its limit.
            max_request_body_size=max_request_bytes + 1,
            # No temporary files: a connection that breaks would leave them open.
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
        """Close every socket and join every thread."""
        self._server.trigger.pull_trigger(self._disconnect)
        # The trigger has to outlive the workers: they pull the trigger when they have answered.
        self._dispatcher.shutdown()
        for worker in self._dispatcher.started:
            # A worker may still run a function of the user's; it is a daemon, so that it can be left behind.
            worker.join(_SECONDS_FOR_A_WORKER)
        self._server.trigger.pull_trigger(self._map.clear)
        self._thread.join()
        # Closed here, not by the loop: the loop may run a pulled function before that pull has written to the trigger.
        self._server.trigger.close()

    def _disconnect(self) -> None:
        # Called by the loop's own thread, so that no connection is accepted or read meanwhile.
        self._server.del_channel()
        self._server.socket.close()
        for channel in list(self._server.active_channels.values()):
            channel.handle_close()
