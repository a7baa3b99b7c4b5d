"""Bodies of replies, received and decompressed: none can fill the memory, and no byte before a fault is lost.

The HTTP libraries decompress whole network reads at once, and a reply of a few megabytes can hold gigabytes. They also
drop the read in which a fault is found, which may be all of a poll.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import re
import zlib
from collections.abc import Mapping

_BROKEN = "its compression is broken"
_SUPPORTED = {"gzip", "x-gzip", "deflate"}
# Other registered encodings. All other names mean nothing: servers write a charset, or nonsense.
_UNSUPPORTED = {"br", "compress", "x-compress", "zstd", "dcb", "dcz", "exi", "pack200-gzip"}
# The beginning of a text, in any charset that contains ASCII.
_PLAIN = re.compile(rb"[\t\r\n\x20-\x7e\x80-\xff]*\Z")
_GZIP = b"\x1f\x8b"
"""The first bytes of data that is compressed with gzip, with which no text begins."""


class ReplyBody:
    """The body of a reply, received piece by piece. Nothing here raises: a fault is found in ``problem``.

    Args:
        headers: those of the reply, by lower-case name.
        limit: the largest allowed body, in bytes, decompressed.

    Attributes:
        received: the number of bytes that were received, before decompression.
        problem: why the body is not complete, else None.
    """

    def __init__(self, headers: Mapping[str, str], limit: int) -> None:
        self.received = 0
        self.problem: str | None = None
        self._announced = _announced_length(headers)
        self._inflater = Inflater(headers.get("content-encoding", ""))
        self._limit = limit
        self._made = io.BytesIO()

    def feed(self, data: bytes) -> bool:
        """Add a piece. Return False if no more pieces are of use."""
        self.received += len(data)
        try:
            self._made.write(self._inflater.feed(data, self._limit + 1 - self._made.tell()))
        except ValueError as error:
            self.problem = str(error)
        if self._made.tell() > self._limit:
            self._made.truncate(self._limit)
            self.problem = f"it is larger than {self._limit:,} bytes"
        return self.problem is None

    def finish(self) -> None:
        """Note that no more pieces come, and check that the body is complete."""
        if self.problem is None:
            self._made.write(self._inflater.held)
            try:
                self._inflater.finish()
            except ValueError as error:
                self.problem = str(error)
        if self.problem is None and self.received < self._announced:
            self.problem = f"the connection ended after {self.received:,} of {self._announced:,} bytes"

    def value(self) -> bytes:
        """Return the bytes received so far, decompressed."""
        return self._made.getvalue()


def _announced_length(headers: Mapping[str, str]) -> int:
    """Return the announced number of bytes, 0 if none is known. A length may be repeated, or have a sign."""
    coding = headers.get("transfer-encoding", "").rpartition(",")[2].strip().lower()
    lengths = {length.strip().removeprefix("+") for length in headers.get("content-length", "").split(",")}
    length = lengths.pop()
    counts = length.isascii() and length.isdigit() and len(length) < 19 and not lengths and coding != "chunked"
    return int(length) if counts else 0


class Inflater:
    """Decompresses a body piece by piece, if it is compressed: its first bytes decide, since headers are often wrong.

    Args:
        encoding: the value of Content-Encoding.

    Attributes:
        held: the first byte, while it does not show yet whether the data is compressed.
    """

    def __init__(self, encoding: str) -> None:
        self._names = set(re.split(r"[\s,;]+", encoding.strip().lower()))
        self._declared = not self._names.isdisjoint(_SUPPORTED)
        self._undecided = True
        self._window: int | None = None
        self._inflate: zlib._Decompress | None = None
        self.held = b""
        self._broken = False
        self._plain = True
        self._padded = False

    def feed(self, data: bytes, limit: int) -> bytes:
        """Decompress a piece, to at most ``limit`` bytes. A result of that length may lack the rest.

        Data that is not compressed, whatever the header says, is returned verbatim.

        Raises:
            ValueError: an earlier piece was broken; the bytes before the fault have been returned.
        """
        if self._undecided:
            data, self.held = self.held + data, b""
            if len(data) < 2 and (self._declared or data[:1] == _GZIP[:1]):
                self.held = data
                return b""
            self._window = self._find_window(data)
            self._undecided = not data
        if self._window is None:
            self._plain = self._plain and _PLAIN.match(data[:64]) is not None
            return data[:limit]
        if self._broken:
            raise ValueError(_BROKEN)
        return self._decompress(data, self._window, limit)

    def finish(self) -> None:
        """Check that the data was complete.

        Raises:
            ValueError: the data was broken or cut off, or the encoding is not supported and the bytes were returned
                verbatim.
        """
        if self._broken:
            raise ValueError(_BROKEN)
        if (self._declared and self.held == _GZIP[:1]) or (self._inflate is not None and not self._inflate.eof):
            raise ValueError("its compressed data ends in the middle")
        if self._window is None and not self._plain:
            if self._declared:
                raise ValueError(_BROKEN)
            if not self._names.isdisjoint(_UNSUPPORTED):
                raise ValueError("its Content-Encoding is not supported")

    def _find_window(self, data: bytes) -> int | None:
        """Return zlib's ``wbits`` for data that begins like this; None if the data is not compressed."""
        if data[:2] == _GZIP or (
            self._declared and data[:1] and data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
        ):
            # 32: zlib recognises gzip or zlib by the header.
            return zlib.MAX_WBITS | 32
        # Some servers leave out the header that "deflate" has.
        bare = "deflate" in self._names and _PLAIN.match(data[:64]) is None
        return -zlib.MAX_WBITS if bare else None

    def _decompress(self, data: bytes, window: int, limit: int) -> bytes:
        made = b""
        while data and len(made) < limit:
            if self._inflate is None or self._inflate.eof:
                # A further member of a gzip file begins like the first one. After anything else, the rest is padding.
                self._padded = self._padded or (self._inflate is not None and data[0] != _GZIP[0])
                if self._padded:
                    break
                self._inflate = zlib.decompressobj(window)
            before = self._inflate.copy()
            try:
                made += self._inflate.decompress(data, limit - len(made))
            except zlib.error:
                self._broken = True
                return made + _salvage(before, data, limit - len(made))
            data = self._inflate.unused_data
        return made


def _salvage(inflate: zlib._Decompress, data: bytes, limit: int) -> bytes:
    """Decompress the bytes before a fault, which ``zlib`` drops."""
    made = bytearray()
    with contextlib.suppress(zlib.error):
        for byte in itertools.takewhile(lambda _: len(made) < limit, data):
            made.extend(inflate.decompress(bytes((byte,)), limit - len(made)))
    return bytes(made)
