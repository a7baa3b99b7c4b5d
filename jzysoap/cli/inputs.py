"""Files of recipients, CSV or XLSX: the column with the numbers, and the rows one by one.

A file is read row by row (a workbook is in memory, a CSV file is not), as often as the rows are iterated over. Whether
a number can be sent to is decided in ``recipients``; here a cell is only refused if its digits are not in the file. No
error shows a number or another value.
"""

from __future__ import annotations

import datetime
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jzysoap.calls.numbers import clean_numbers
from jzysoap.cli.csvfiles import CsvFile
from jzysoap.cli.inputerror import InputError
from jzysoap.cli.texts import translate
from jzysoap.cli.workbooks import OLE, ZIP, Workbook, is_whole, spell
from jzysoap.model.masking import escape_unprintable, mask_text

NUMBER_COLUMNS = frozenset(
    (
        *("手机", "手机号", "手机号码", "移动电话", "电话", "电话号码", "联系电话", "联系手机", "号码", "接收号码"),
        *("mobile", "mobiles", "mobileno", "mobilenumber", "mobilephone", "phone", "phones", "phoneno", "phonenumber"),
        *("cell", "cellphone", "tel", "telephone", "telephonenumber", "msisdn", "number", "numbers", "recipient"),
    )
)
"""The headings of a column with numbers, in lower case, without blanks and ``_ - . : *``."""

# A heading, or a whole header, in an error at most.
_SHOWN = 40
_COLUMNS_SHOWN = 20
_SEPARATORS = re.compile(r"[\s_.:*-]+")
# A number of a program that knows only floats, such as pandas.
_POINT_ZERO = re.compile(r"(\+?[0-9]+)\.0+")
_EXPONENT = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]*)?[Ee][+-]?[0-9]+")
_LETTER = re.compile(r"[^\W\d_]")
# Fewer digits may be those of a heading, such as that of a year.
_HEADING_DIGITS = 4


@dataclass(slots=True, repr=False)
class Row:
    """A row of a file.

    Attributes:
        number: its place, from 1, as a spreadsheet shows it.
        cell: the cell with the number, as text.
        reason: why the cell holds no number, in the language to use; empty if it may.
    """

    number: int
    cell: str
    reason: str
    _cells: Sequence[Any]
    _places: Mapping[str, int]

    @property
    def values(self) -> dict[str, str]:
        """Its cells as text by the headings of their columns; those of a heading that is there twice are omitted."""
        return {name: spell(self._cells[place]) for name, place in self._places.items()}

    def __repr__(self) -> str:
        return f"<Row {self.number}>"


class Rows:
    """The rows of a file, without its header and its blank rows. Each iteration reads them anew.

    Attributes:
        path: the file.
        digest: the SHA-256 of its bytes, in hexadecimal.
        encoding: the charset of a CSV file, by Python's name; None for a workbook.
        sheet: the name of a workbook's sheet; None for a CSV file.
        header: the headings of the columns; empty if the file has no header.
        column: the heading of the column with the numbers, empty without a header.
        place: the place of that column, from 0.
    """

    def __init__(self, path: Path, file: CsvFile | Workbook, column: str | None) -> None:
        self.path = path
        self.digest = file.digest
        self.encoding = file.encoding if isinstance(file, CsvFile) else None
        self.sheet = file.sheet if isinstance(file, Workbook) else None
        self._file = file
        first = next((record for record in file.records() if not _is_blank(record[1])), None)
        if first is None:
            raise InputError(translate("inputs.empty", path=path))
        names = tuple(spell(cell).strip() for cell in first[1])
        self.place, is_header = _find_column(path, names, column)
        self.header = names if is_header else ()
        self.column = names[self.place] if is_header else ""
        self._width = len(names)
        # The row that the rows begin with; the header is the row before.
        self._begin = first[0] + is_header
        counts = Counter(self.header)
        self._places = {name: place for place, name in enumerate(self.header) if name and counts[name] == 1}

    def __iter__(self) -> Iterator[Row]:
        """Read the file.

        Raises:
            InputError: a row is shorter or longer than the first one or malformed, or the file was changed.
            OSError: the file cannot be read.
        """
        place, width, places = self.place, self._width, self._places
        for number, cells in self._file.records():
            if number < self._begin:
                continue
            if len(cells) != width:
                if _is_blank(cells):
                    continue
                if len(cells) < width or not _is_blank(cells[width:]):
                    key = "inputs.short" if len(cells) < width else "inputs.long"
                    raise InputError(translate(key, path=self.path, row=number, cells=len(cells), width=width))
            cell, reason = _read_number(cells[place])
            # Rows of blank cells are what remains in a spreadsheet of deleted rows.
            if not cell.strip() and _is_blank(cells):
                continue
            yield Row(number, cell, reason, cells, places)

    def __repr__(self) -> str:
        return f"<Rows of {self.path.name}>"


def read_rows(path: str | Path, *, column: str | None = None, sheet: str | None = None) -> Rows:
    """Open a CSV file or an XLSX workbook with recipients. The content decides which one it is, not the name.

    Args:
        path: the file.
        column: the heading of the column with the numbers. None for the only column, or the only one whose heading is
            among ``NUMBER_COLUMNS``, or that has a number in the first row of a file without a header.
        sheet: the name of a workbook's sheet; None for the only one that holds anything.

    Raises:
        InputError: the file cannot be used, or does not say which column has the numbers.
        ConfigurationError: it is a workbook, and python-calamine is not installed.
    """
    path = Path(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            # The charset is only known at the end, and a pipe cannot be read again.
            raise InputError(translate("inputs.not-file", path=path))
        with path.open("rb") as file:
            start = file.read(len(OLE))
        if start == OLE:
            raise InputError(translate("inputs.kind", path=path))
        if start.startswith(ZIP):
            return Rows(path, Workbook(path, sheet), column)
        if sheet is not None:
            raise InputError(translate("inputs.no-sheets", path=path))
        return Rows(path, CsvFile(path), column)
    except OSError as error:
        raise InputError(translate("inputs.unreadable", path=path, error=error.strerror)) from error


def show_names(names: Sequence[str]) -> str:
    """Return headings for a message: each in quotes, shortened, with long digits masked."""
    shown = [f"'{_show(name)}'" for name in names[:_COLUMNS_SHOWN] if name]
    return ", ".join([*shown, "…"] if len(names) > _COLUMNS_SHOWN else shown)


def _show(name: str) -> str:
    return escape_unprintable(mask_text(name[:_SHOWN]))


def _find_column(path: Path, names: Sequence[str], column: str | None) -> tuple[int, bool]:
    """Return the place of the column with the numbers, and True if the first row is a header."""
    if column is not None:
        places = [place for place, name in enumerate(names) if name == column.strip()]
        if len(places) == 1:
            return places[0], True
        if any(map(_is_number, names)):
            raise InputError(translate("inputs.no-header", path=path, column=_show(column)))
        key = "inputs.column-twice" if places else "inputs.no-column"
        raise InputError(translate(key, path=path, column=_show(column), header=show_names(names)))
    places = [place for place, name in enumerate(names) if _normalise(name) in NUMBER_COLUMNS]
    if len(places) == 1:
        return places[0], True
    if not places:
        if len(names) == 1:
            return 0, not _is_data(names[0])
        places = [place for place, name in enumerate(names) if _is_number(name)]
        if len(places) == 1:
            return places[0], False
        if places:
            raise InputError(translate("inputs.several-numbers", path=path))
    raise InputError(translate("inputs.which-column", path=path, header=show_names(names)))


def _normalise(name: str) -> str:
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", name)).casefold()


def _is_number(name: str) -> bool:
    return bool(clean_numbers(_read_number(name)[0], international="plus").valid)


def _is_data(name: str) -> bool:
    """Return True if the only cell of the first row is no heading, but may be a number, if only a mistyped one."""
    digits = sum(map(str.isdigit, name))
    return digits > _HEADING_DIGITS or bool(digits and not _LETTER.search(name)) or bool(_EXPONENT.fullmatch(name))


def _is_blank(cells: Sequence[Any]) -> bool:
    return all(cell.__class__ is str and (not cell or cell.isspace()) for cell in cells)


def _read_number(cell: Any) -> tuple[str, str]:
    """Return a number's cell as text, and why it holds no number, or an empty text."""
    if isinstance(cell, str):
        if cell.isdigit():
            return cell, ""
        bare = cell.strip()
        if _EXPONENT.fullmatch(bare):
            return cell, translate("inputs.exponent")
        whole = _POINT_ZERO.fullmatch(bare)
        return (whole[1] if whole else cell), ""
    if isinstance(cell, bool):
        return spell(cell), translate("inputs.boolean")
    if isinstance(cell, (int, float)):
        return spell(cell), "" if is_whole(cell) else translate("inputs.not-whole")
    key = "inputs.date" if isinstance(cell, datetime.date) else "inputs.time"
    return spell(cell), translate(key)
