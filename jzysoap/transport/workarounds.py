"""All uses of undocumented parts of http.client and urllib3, one function or class each; no other module has any.

Each says why it is needed, in which versions, which test fails without it, and when it may be deleted.
"""

from __future__ import annotations

import http.client
import io
import socket
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import urllib3

R = TypeVar("R", bound=io.RawIOBase)

if TYPE_CHECKING:
    _Pool = urllib3.HTTPConnectionPool
    _Connection = urllib3.connection.HTTPConnection
else:
    _Pool = _Connection = object


class HookedPool(_Pool):
    """A pool that calls a hook before and after it finds a connection, before it uses one, and before it keeps one.

    Why: urllib3 does not report whether a connection was handed the request, and does not limit how long a pooled
    connection may be idle (https://github.com/urllib3/urllib3/issues/3184).
    Versions: 1.26 to 2.8 call these three methods, in this order, around ``ConnectionCls.request``.
    Tests: ``test_refused``, ``test_no_connection_is_free_in_time``, ``test_a_connection_idle_for_too_long_is_replaced``
    and others.
    May be deleted once urllib3 has public hooks and an idle timeout.
    """

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(self.limit_wait(timeout))
        self.inspect(connection)
        return connection

    def _validate_conn(self, conn: Any) -> None:
        # urllib3 itself opens connections over TLS here, and plain ones only in ``request``.
        super()._validate_conn(conn)
        self.hand_over(conn)

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            self.keep(conn)
        super()._put_conn(conn)

    @abstractmethod
    def limit_wait(self, timeout: float | None) -> float | None:
        """Return the seconds to wait for a free connection, None for no limit."""

    @abstractmethod
    def inspect(self, connection: Any) -> None:
        """Look at a connection that the pool found or made; it may be closed here, and is then opened anew."""

    @abstractmethod
    def hand_over(self, connection: Any) -> None:
        """Prepare a connection that is about to be handed the request."""

    @abstractmethod
    def keep(self, connection: Any) -> None:
        """Prepare a connection that is about to be kept for the next request."""


class HookedConnection(_Connection):
    """A connection with a hook that opens its socket.

    Why: urllib3 gives each address of a name the whole timeout for connecting, and has no hook between a name and its
    sockets.
    Versions: 1.26 to 2.8 open the socket in this method and call it from ``connect``. No upstream issue is known.
    Tests: ``test_dead_addresses_share_the_time``.
    May be deleted once urllib3 has a timeout for all addresses together.
    """

    def _new_conn(self) -> Any:
        opened = self.open_socket(self._dns_host.strip("[]"))
        return super()._new_conn() if opened is None else opened

    @abstractmethod
    def open_socket(self, host: str) -> socket.socket | None:
        """Return a connected socket, or None to let urllib3 open it."""


def replace_reader(response: http.client.HTTPResponse, wrap: Callable[[io.RawIOBase], R]) -> R:
    """Put a reader between a response and its socket, and return it; ``wrap`` makes it from the reader that is there.

    Why: a socket's timeout counts anew for each read, so no timeout bounds an answer that arrives byte by byte
    (https://github.com/psf/requests/issues/3099); and http.client accepts a head that is cut off.
    Versions: ``fp`` is the buffered reader of a response in all of them, 3.11 to 3.13 and before.
    Tests: ``test_no_answer`` ("trickled headers", "half the headers"), ``test_a_body_that_trickles_past_the_deadline``.
    May be deleted once requests or urllib3 has a deadline for a whole exchange.
    """
    buffered: Any = response.fp
    reader = wrap(buffered.detach())
    response.fp = io.BufferedReader(reader)
    return reader


def read_head(response: http.client.HTTPResponse) -> None:
    """Read the head of the final answer; the parts that http.client could not parse are forgotten.

    Why: http.client skips the interim answer 100 alone and would return 102 or 103 as the final one. urllib3 logs a
    malformed head verbatim, which may quote the request (https://github.com/urllib3/urllib3/issues/1433).
    Versions: all, 3.11 to 3.13 and before; 1.26 to 2.8. No upstream issue is known for 102 and 103.
    Tests: ``test_a_body_however_it_is_framed`` ("after 103"), ``test_a_malformed_head_is_not_logged``.
    May be deleted once http.client skips them and urllib3 no longer logs what it cannot parse.
    """
    begin = http.client.HTTPResponse.begin
    begin(response)
    while response.status in (102, 103):
        # A response without headers counts as not begun.
        response.headers = None  # type: ignore[assignment]  # as http.client itself has it at first
        begin(response)
    response.headers.defects.clear()
    response.headers.set_payload("")


def unwrap(raw: Any) -> http.client.HTTPResponse | None:
    """Return the response of http.client inside a response of urllib3, or None if there is none.

    Why: urllib3 drops the bytes before a failure when a read fails half-way. A poll consumes: its records exist nowhere
    else.
    Versions: 1.26 to 2.8. No upstream issue is known.
    Test: ``test_what_came_of_a_body``.
    May be deleted once ``urllib3.HTTPResponse.read1`` keeps them.
    """
    original = getattr(raw, "_original_response", None)
    return original if isinstance(original, http.client.HTTPResponse) else None
