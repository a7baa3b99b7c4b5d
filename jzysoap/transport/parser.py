"""HTTP replies out of the bytes of a connection, parsed by httptools (llhttp). No I/O.

Bytes go through the parser straight into the body. No buffer lies between them, so that a failure loses nothing that
came before it. The result does not depend on how the bytes were cut on their way.
"""

from __future__ import annotations

import http.client
import math
import re

import httptools

from jzysoap.model.http import HttpReply, HttpRequest
from jzysoap.transport.body import ReplyBody

MAX_AROUND_BODY = 65_536
"""Bytes of a reply that may belong to no body: its head, the frames of its chunks, its trailers."""
AROUND_EACH_BYTE = 8
"""The same for each byte of the body in addition: a server may send chunks of one byte."""

# http.client, which reads the replies of Client, allows the same. Only one request at a time is under way on a
# connection, so that an ambiguous reply cannot hide another one.
_LENIENT = {
    "lenient_headers": True,
    "lenient_chunked_length": True,
    "lenient_keep_alive": True,
    "lenient_version": True,
    "lenient_optional_cr_before_lf": True,
    "lenient_spaces_after_chunk_size": True,
}
_KEEP_ALIVE_TIMEOUT = re.compile(r"\btimeout *= *(\d{1,9})\b", re.IGNORECASE)


class ReplyParser:
    """Parses one reply. httptools calls the methods that begin with ``on_``.

    Args:
        request: the request that is answered.

    Attributes:
        complete: True once no more bytes are needed.
        keep_alive: seconds for which the connection may be used again; 0 for not at all.
        status: the HTTP status code, None until the head is complete.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._max_bytes = request.max_bytes
        self._headers: dict[str, str] = {}
        self._body: ReplyBody | None = None
        # A parser of its own: nothing of one reply can reach the next.
        self._parser = httptools.HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(**_LENIENT)
        self._room = MAX_AROUND_BODY
        self.complete = False
        self.keep_alive = 0.0
        self.status: int | None = None

    def feed(self, data: bytes) -> None:
        """Parse the bytes that came next.

        Raises:
            http.client.HTTPException: they are not valid HTTP, or too many of them belong to no body.
        """
        while data:
            # Only the last byte of a piece can be one too many, so that the same byte is, however the bytes were cut.
            piece = data[: self._room + 1]
            data = data[len(piece) :]
            self._room -= len(piece)
            try:
                self._parser.feed_data(piece)
            except httptools.HttpParserCallbackError as error:
                # The error of a method of this class, or that of a signal handler which ran within one.
                raise error.__context__ or error from None
            except (httptools.HttpParserError, httptools.HttpParserUpgrade):
                # Their texts may quote what came. The first bytes tell TLS from plain text.
                raise http.client.BadStatusLine(piece[:2].decode("latin-1")) from None
            if self.complete:
                if data:
                    # What follows a complete reply was not asked for.
                    self.keep_alive = 0.0
                return
            if self._room < 0:
                raise http.client.HTTPException("too much around the body")

    def feed_eof(self) -> None:
        """Take note that the connection has ended, which completes a body whose end nothing else marks."""
        chunked = self._headers.get("transfer-encoding", "").rpartition(",")[2].strip().lower() == "chunked"
        self.complete = self.complete or (self.status is not None and not chunked)
        self.keep_alive = 0.0

    def close(self) -> None:
        """Stop parsing. Object and parser refer to each other, which only the garbage collector would undo."""
        del self._parser

    def result(self, problem: str | None) -> HttpReply:
        """Return the reply, whose head must be complete, with the problem or with any other one that it has."""
        assert self.status is not None, "a reply without a head cannot be returned"
        body = self._body or ReplyBody(self._headers, self._max_bytes)
        body.finish()
        problem = problem or body.problem
        if problem is None and self.status < 200:
            problem = f"only an interim answer came (HTTP status {self.status})"
        return HttpReply(self.status, self._headers, body.value(), problem)

    def on_message_begin(self) -> None:
        if self.complete:
            # A further reply, which was not asked for.
            self.keep_alive = 0.0

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers, which come after the body, change nothing that the head says.
        if self.status is None:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self.status is None and (status >= 200 or status == 101):
            self.status = status
        elif self.status is None:
            # An interim reply, such as 100 or 103. The final one is still to come.
            self._headers.clear()

    def on_body(self, data: bytes) -> None:
        self._room += len(data) * (1 + AROUND_EACH_BYTE)
        if self._body is None:
            self._body = ReplyBody(self._headers, self._max_bytes)
        if not self.complete and not self._body.feed(data):
            # The body is too large, or its compression is broken: no more of it is wanted.
            self.complete = True

    def on_message_complete(self) -> None:
        if self.status is not None and not self.complete:
            self.complete = True
            if self._parser.should_keep_alive() and self.status >= 200:
                self.keep_alive = _keep_alive(self._headers)


def _keep_alive(headers: dict[str, str]) -> float:
    found = _KEEP_ALIVE_TIMEOUT.search(headers["keep-alive"]) if "keep-alive" in headers else None
    if found is None:
        return math.inf
    seconds = float(found[1])
    # The server counts from the moment its reply left, and the next request needs time to arrive.
    return seconds - min(seconds / 2, 1.0)
