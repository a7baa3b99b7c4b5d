"""Decompression that cannot be made to fill the memory.

The HTTP libraries decompress whole network reads at once; a reply of a few megabytes can hold gigabytes.
"""

from __future__ import annotations

import zlib


class Inflater:
    """Undoes a Content-Encoding, piece by piece.

    Args:
        encoding: the header's value; empty or ``identity`` for none.
    """

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding.strip().lower()
        # 32: told apart by its header, gzip or zlib.
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32) if self._encoding in ("gzip", "deflate") else None
        self._started = False

    def feed(self, data: bytes, limit: int) -> bytes:
        """What a piece decompresses to, at most so many bytes of it.

        Raises:
            ValueError: it is broken.
        """
        self._started = True
        if self._inflate is None:
            return data[:limit]
        try:
            return self._inflate.decompress(data, limit)
        except zlib.error as error:
            raise ValueError("its compression is broken") from error

    def finish(self) -> None:
        """Tells that all pieces were fed.

        Raises:
            ValueError: there should have been more, or the encoding is not supported and the bytes are as they came.
        """
        if self._inflate is None and self._encoding not in ("", "identity"):
            raise ValueError("its Content-Encoding is not supported")
        if self._inflate is not None and self._started and not self._inflate.eof:
            raise ValueError("its compressed data ends in the middle")
