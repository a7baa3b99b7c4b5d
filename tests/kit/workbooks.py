"""Workbooks in the form of Excel (.xlsx), of the four files that such a workbook needs at least, and a fifth for dates.

No library that writes workbooks is needed: a test says cell by cell what the file holds.
"""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

Cell = str | int | float | bool | datetime.date | datetime.time | None
"""A cell: a text, a number, a boolean, a day, a day with a time, a time; or None for no cell at all."""

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_EPOCH = datetime.datetime.fromisoformat("1899-12-30")
_MIDNIGHT = datetime.time()

# The second style shows a number as a day, the third as a day with a time, the fourth as a time.
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts><fills count="1"><fill/></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="21"/></cellXfs>'
    "</styleSheet>"
)


def write_workbook(
    path: Path,
    sheets: Mapping[str, Iterable[Sequence[Cell]]],
    *,
    hidden_rows: Iterable[int] = (),
    hidden_columns: bool = False,
    first: int = 1,
) -> Path:
    """Write a workbook.

    Args:
        path: the file.
        sheets: the rows of each sheet, by its name.
        hidden_rows: the numbers of the rows that a spreadsheet does not show.
        hidden_columns: True to hide every column but the first.
        first: the number of the first row.
    """
    hidden = frozenset(hidden_rows)
    places = range(1, len(sheets) + 1)
    entries = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{place}" r:id="rId{place}"/>'
        for place, name in zip(places, sheets, strict=True)
    )
    relations = "".join(
        f'<Relationship Id="rId{place}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{place}.xml"/>'
        for place in places
    )
    styles = f'<Relationship Id="rId0" Type="{_RELATIONS}/styles" Target="styles.xml"/>'
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{place}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        for place in places
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
            f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>{overrides}</Types>',
        )
        file.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        file.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{entries}</sheets></workbook>',
        )
        file.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships">{styles}{relations}</Relationships>',
        )
        file.writestr("xl/styles.xml", _STYLES)
        for place, rows in zip(places, sheets.values(), strict=True):
            columns = '<cols><col min="2" max="99" width="9" hidden="1"/></cols>' if hidden_columns else ""
            with file.open(f"xl/worksheets/sheet{place}.xml", "w") as sheet:
                sheet.write(f'<worksheet xmlns="{_MAIN}">{columns}<sheetData>'.encode())
                for number, row in enumerate(rows, first):
                    mark = ' hidden="1"' if number in hidden else ""
                    cells = "".join(_cell(f"{_letter(index)}{number}", cell) for index, cell in enumerate(row))
                    sheet.write(f'<row r="{number}"{mark}>{cells}</row>'.encode())
                sheet.write(b"</sheetData></worksheet>")
    return path


def _letter(index: int) -> str:
    return chr(ord("A") + index)


def _cell(place: str, cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
    if isinstance(cell, bool):
        return f'<c r="{place}" t="b"><v>{cell:d}</v></c>'
    if isinstance(cell, (datetime.date, datetime.time)):
        style = 3 if isinstance(cell, datetime.time) else 2 if isinstance(cell, datetime.datetime) else 1
        return f'<c r="{place}" s="{style}"><v>{_count_days(cell)!r}</v></c>'
    return f'<c r="{place}"><v>{cell!r}</v></c>'


def _count_days(moment: datetime.date | datetime.time) -> float:
    """Return a moment as a workbook holds it: in days, since the first one that it knows or since midnight."""
    if isinstance(moment, datetime.time):
        moment = datetime.datetime.combine(_EPOCH, moment)
    elif not isinstance(moment, datetime.datetime):
        moment = datetime.datetime.combine(moment, _MIDNIGHT)
    return (moment - _EPOCH) / datetime.timedelta(days=1)
