"""CSV files: their charset, their delimiter and their records, in any size with the memory of one record.

The charset is that of a byte order mark, else UTF-8 if the whole file is valid, else GB18030, which has all of GBK.
This is decided before the first record is read: a file is read twice, or three times. Nothing here knows about numbers.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import os
import string
from collections.abc import Iterator
from pathlib import Path

from jzysoap.cli.inputerror import InputError
from jzysoap.cli.texts import translate

DELIMITERS = ",;\t"
"""The characters that may separate cells. The one that splits the first record into the most cells separates them; of
two that split alike, the first here."""

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_BLANK = DELIMITERS + string.whitespace
_CHUNK = 1 << 16


class CsvFile:
    """A CSV file.

    Attributes:
        digest: the SHA-256 of its bytes, in hexadecimal.
        encoding: its charset, by Python's name.
        delimiter: the character that separates cells.
    """

    def __init__(self, path: Path) -> None:
        """Read the file once or twice to find out its charset.

        Raises:
            InputError: it is no text in a known charset, or holds NUL.
            OSError: it cannot be read.
        """
        self._path = path
        self._state = _state(path.stat())
        self.encoding, self.digest = self._examine()
        self.delimiter = max(DELIMITERS, key=self._count_cells)

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each record and its row, counted as a spreadsheet does: blank lines too, from 1.

        Raises:
            InputError: a quote is wrong or a cell is too long, or the file was changed in the meantime.
            OSError: it cannot be read.
        """
        return self._records(self.delimiter)

    def _records(self, delimiter: str) -> Iterator[tuple[int, list[str]]]:
        row = 0
        with self._path.open("rb") as file:
            self._check_unchanged(file)
            # Without newline="" a line break inside quotes would be changed.
            text = io.TextIOWrapper(file, self.encoding, newline="")
            try:
                # Strict: else a quote that is never closed would make one cell of the rest of the file.
                for row, cells in enumerate(csv.reader(text, delimiter=delimiter, strict=True), 1):
                    yield row, cells
            except csv.Error as error:
                raise InputError(translate("inputs.malformed", path=self._path, row=row + 1, error=error)) from error
            except UnicodeDecodeError:
                # All was decoded before. Not chained: the error would hold a part of the file.
                raise InputError(translate("inputs.changed", path=self._path)) from None
            self._check_unchanged(file)

    def _check_unchanged(self, file: io.BufferedReader) -> None:
        if _state(os.fstat(file.fileno())) != self._state:
            raise InputError(translate("inputs.changed", path=self._path))

    def _count_cells(self, delimiter: str) -> int:
        """Count the cells of the first record that is not blank, without its blank cells; -1 if it is malformed."""
        try:
            # A cell of another delimiter is as blank as what that one separates.
            counts = (sum(bool(cell.strip(_BLANK)) for cell in cells) for _, cells in self._records(delimiter))
            return next(filter(None, counts), 0)
        except InputError:
            return -1

    def _examine(self) -> tuple[str, str]:
        with self._path.open("rb") as file:
            start = file.read(4)
            marked = next((encoding for mark, encoding in _MARKS if start.startswith(mark)), None)
            for encoding in ("utf-8", "gb18030") if marked is None else (marked,):
                file.seek(0)
                try:
                    return encoding, self._decode(file, encoding)
                except UnicodeDecodeError:
                    # Not chained: the error would hold a part of the file.
                    continue
        if marked is None:
            raise InputError(translate("inputs.undecodable", path=self._path))
        raise InputError(translate("inputs.not-as-marked", path=self._path, encoding=marked.upper()))

    def _decode(self, file: io.BufferedReader, encoding: str) -> str:
        """Decode the whole file and forget the text; return the digest of the bytes."""
        decoder = codecs.getincrementaldecoder(encoding)()
        digest = hashlib.sha256()
        feeds = returns = 0
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            text = decoder.decode(chunk)
            if "\0" in text:
                before = text[: text.index("\0")]
                line = 1 + max(feeds + before.count("\n"), returns + before.count("\r"))
                raise InputError(translate("inputs.nul", path=self._path, line=line))
            feeds += text.count("\n")
            returns += text.count("\r")
        decoder.decode(b"", final=True)
        return digest.hexdigest()


def _state(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns
