"""XLSX workbooks: the records of one sheet, hidden rows and columns too; python-calamine reads them into memory.

Cells have the values that the workbook holds, without the format that a spreadsheet shows them in. A formula has the
value that was computed when the workbook was saved. Nothing here knows about numbers to send to.
"""

from __future__ import annotations

import datetime
import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jzysoap.cli.extras import need
from jzysoap.cli.inputerror import InputError
from jzysoap.cli.texts import translate

ZIP = b"PK\x03\x04"
"""The first bytes of an XLSX workbook."""

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The first bytes of an XLS workbook, and of an XLSX workbook that is encrypted."""

Cell = str | int | float | bool | datetime.date | datetime.time | datetime.timedelta
"""A cell; a blank cell is an empty text. A datetime is a date, too."""

MAX_WHOLE = 2**53
"""Whole numbers from here on are not exact in a workbook, which holds floats."""


class Workbook:
    """A sheet of a workbook.

    Attributes:
        digest: the SHA-256 of the file's bytes, in hexadecimal.
        sheet: the sheet's name.
    """

    def __init__(self, path: Path, sheet: str | None) -> None:
        """Read a sheet into memory.

        Args:
            path: the file.
            sheet: the sheet's name; None for the only one that holds anything.

        Raises:
            InputError: the file is no XLSX workbook, or has no such sheet, or several to choose from.
            ConfigurationError: python-calamine is not installed.
            OSError: the file cannot be read.
        """
        calamine = need("python_calamine")
        data = path.read_bytes()
        self.digest = hashlib.sha256(data).hexdigest()
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as parts:
                names = parts.namelist()
            if "[Content_Types].xml" not in names or "xl/workbook.bin" in names:
                raise InputError(translate("inputs.kind", path=path))
            sheets = _read_sheets(calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)), sheet)
        except (zipfile.BadZipFile, calamine.CalamineError) as error:
            # Not chained, and only the error's kind: its text may quote a cell.
            raise InputError(translate("inputs.not-workbook", path=path, error=type(error).__name__)) from None
        if sheet is not None and not sheets:
            raise InputError(translate("inputs.no-sheet", path=path, sheet=sheet))
        if len(sheets) > 1:
            raise InputError(translate("inputs.sheets", path=path, names=", ".join(one.name for one in sheets)))
        self._sheets = sheets
        self.sheet = sheets[0].name if sheets else ""

    def records(self) -> Iterator[tuple[int, list[Cell]]]:
        """Yield each row with its number, those above the first cell too; all have the same length."""
        for sheet in self._sheets:
            if sheet.height:
                yield from enumerate(sheet.iter_rows(), 1)


def _read_sheets(workbook: Any, named: str | None) -> list[Any]:
    """Return the sheets that may be meant: the one that was named, or all that hold anything."""
    sheets = [workbook.get_sheet_by_name(name) for name in workbook.sheet_names if named in (None, name)]
    return [one for one in sheets if one.height or named is not None]


def spell(cell: Cell) -> str:
    """Return a cell as text: whole numbers without decimals, others with at most 15 digits, dates as 2026-01-31."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, (int, float)):
        return str(int(cell)) if is_whole(cell) else f"{cell:.15g}"
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(" ")
    return cell.isoformat() if isinstance(cell, (datetime.date, datetime.time)) else str(cell)


def is_whole(cell: int | float) -> bool:
    """Return True if a number of a workbook is whole and exact."""
    return abs(cell) < MAX_WHOLE and cell == int(cell)
