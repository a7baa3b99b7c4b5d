"""The file of ``jzysoap send --results``: a line for each number of the input, with what became of it."""

from __future__ import annotations

import contextlib
import csv
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from jzysoap.cli.output import spell_cell
from jzysoap.cli.recipients import Recipient
from jzysoap.model.masking import mask_number

FIELDS = ("row", "number", "state", "reason")


class Results:
    """A CSV file that is there once it is complete, readable for its owner alone.

    It is written beside its place first, so that a path that cannot be used is found before anything is sent.

    Args:
        path: the file; None for no file. One that is there is replaced.
        show_numbers: False to mask the numbers.
    """

    def __init__(self, path: str | None, *, show_numbers: bool = False) -> None:
        self._path = None if path is None else Path(path)
        self._show = str if show_numbers else mask_number
        self._file: Any = None
        self._writer: Any = None

    def add(self, recipient: Recipient, state: str, reason: str | None) -> None:
        """Add a line."""
        if self._writer is not None:
            line = (recipient.row.number, self._show(recipient.number), state, reason)
            self._writer.writerow(map(spell_cell, line))

    def __enter__(self) -> Self:
        if self._path is not None:
            # Spreadsheets know UTF-8 by its mark alone. The file is for its owner alone.
            self._file = tempfile.NamedTemporaryFile(
                "w", encoding="utf-8-sig", newline="", dir=self._path.parent, prefix=".results-", delete=False
            )
            self._writer = csv.writer(self._file)
            self._writer.writerow(FIELDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._path is None:
            return
        try:
            self._file.close()
            if error is None:
                os.replace(self._file.name, self._path)
        finally:
            # Gone already if it was complete.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._file.name)
