"""Files of recipients: every charset and form of CSV, workbooks, and the column with the numbers."""

from __future__ import annotations

import codecs
import datetime
import hashlib
import os
import re
import subprocess
import sys
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import jzysoap
from jzysoap.cli.inputerror import InputError
from jzysoap.cli.inputs import NUMBER_COLUMNS, Rows, read_rows
from jzysoap.model.errors import ConfigurationError
from tests.kit.missing import lacking
from tests.kit.samples import MOBILE, SECOND_MOBILE
from tests.kit.workbooks import Cell, write_workbook

HEADER = "姓名,手机号\n"
# What a damaged file may never show of itself.
VALUE = "s3cret"

Write = Callable[..., Path]


@pytest.fixture
def csv_file(tmp_path: Path) -> Write:
    def write(text: str | bytes, encoding: str = "utf-8") -> Path:
        path = tmp_path / "list.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write


@pytest.fixture
def workbook(tmp_path: Path) -> Write:
    def write(*rows: tuple[Cell, ...], first: int = 1) -> Path:
        return write_workbook(tmp_path / "list.xlsx", {"名单": rows}, first=first)

    return write


def found(path: Path, column: str | None = None, sheet: str | None = None) -> list[tuple[int, str, dict[str, str]]]:
    return [(row.number, row.cell, row.values) for row in read_rows(path, column=column, sheet=sheet)]


def cells(rows: Rows) -> list[str]:
    return [row.cell for row in rows]


def refusal(path: Path, column: str | None = None, sheet: str | None = None) -> str:
    """The error of a file, wherever it shows up."""
    with pytest.raises(InputError) as caught:
        list(read_rows(path, column=column, sheet=sheet))
    assert VALUE not in str(caught.value)
    assert MOBILE not in str(caught.value)
    return str(caught.value).replace(str(path), "FILE")


# The charset of a CSV file.


@pytest.mark.parametrize(
    ("encoding", "mark", "expected"),
    [
        ("utf-8", b"", "utf-8"),
        ("utf-8", codecs.BOM_UTF8, "utf-8-sig"),
        ("gbk", b"", "gb18030"),
        ("gb18030", b"", "gb18030"),
        ("utf-16-le", codecs.BOM_UTF16_LE, "utf-16"),
        ("utf-16-be", codecs.BOM_UTF16_BE, "utf-16"),
    ],
)
def test_the_charset_is_found(csv_file: Write, encoding: str, mark: bytes, expected: str) -> None:
    data = mark + f"{HEADER}张三,{MOBILE}\n".encode(encoding)
    path = csv_file(data)
    rows = read_rows(path)
    assert (rows.encoding, rows.sheet, rows.header, rows.column) == (expected, None, ("姓名", "手机号"), "手机号")
    assert rows.digest == hashlib.sha256(data).hexdigest()
    assert found(path) == [(2, MOBILE, {"姓名": "张三", "手机号": MOBILE})]


def test_what_only_gb18030_has_is_read(csv_file: Write) -> None:
    assert found(csv_file(f"{HEADER}㐀𠀀,{MOBILE}\n", "gb18030"))[0][2]["姓名"] == "㐀𠀀"


@pytest.mark.parametrize("length", [65535, 65536, 65537, 200_000])
def test_the_charset_is_decided_by_the_whole_file(csv_file: Write, length: int) -> None:
    # Chinese characters that stand across the borders of what is read in one go, far behind ASCII.
    text = HEADER + f"Ann,{MOBILE}\n" * (length // 16) + f"张三,{MOBILE}\n" * 30_000
    for encoding, expected in (("utf-8", "utf-8"), ("gbk", "gb18030")):
        rows = read_rows(csv_file(text, encoding))
        assert rows.encoding == expected
        *_, last = rows
        assert last.values["姓名"] == "张三"


@pytest.mark.parametrize("tail", [b"\xff", b"\xe5", b"\x81"])
def test_bytes_of_no_known_charset_are_refused(csv_file: Write, tail: bytes) -> None:
    # The last two are the beginning of a character.
    path = csv_file(f"手机号\n{MOBILE}\n{VALUE}".encode() + tail)
    assert refusal(path) == "FILE is neither UTF-8 nor GB18030 (GBK): save it as CSV UTF-8"


@pytest.mark.parametrize(
    ("mark", "tail", "name"),
    [(codecs.BOM_UTF8, "张".encode("gbk"), "UTF-8-SIG"), (codecs.BOM_UTF16_LE, b"1", "UTF-16")],
)
def test_a_mark_that_is_wrong_is_not_ignored(csv_file: Write, mark: bytes, tail: bytes, name: str) -> None:
    assert refusal(csv_file(mark + tail)) == f"FILE begins like {name}, but is not valid: save it as CSV UTF-8"


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_nul_is_refused_with_its_line(csv_file: Write, line_break: str) -> None:
    text = line_break.join(["手机号", *[MOBILE] * 20_000, f"{VALUE}\0"])
    for encoding in ("utf-8", "utf-16"):
        assert refusal(csv_file(text, encoding)).startswith("FILE has a NUL character in line 20002, ")
    # Without a mark, UTF-16 looks like this.
    assert refusal(csv_file("number\n1\n", "utf-16-le")).startswith("FILE has a NUL character in line 1, ")


# Records.


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_any_line_break_and_delimiter(csv_file: Write, line_break: str, delimiter: str) -> None:
    lines = ["姓名,手机号", f"张三,{MOBILE}", "", f"李四,{SECOND_MOBILE}"]
    path = csv_file(line_break.join(line.replace(",", delimiter) for line in lines))
    assert [(number, cell) for number, cell, _ in found(path)] == [(2, MOBILE), (4, SECOND_MOBILE)]


@pytest.mark.parametrize(
    "header",
    ['"姓名","手机号","a;b"', "姓名\t,手机号\t,备注\t", "姓名;别名,手机号,备注;其他", '"a\r\nb",手机号,c'],
)
def test_the_delimiter_is_the_one_that_makes_most_cells(csv_file: Write, header: str) -> None:
    assert found(csv_file(f"\n{header}\r\n张;三,{MOBILE},\r\n"))[0][1] == MOBILE


def test_quotes(csv_file: Write) -> None:
    path = csv_file(f'姓名,手机号\r\n"张""三"", 李\r\n四",{MOBILE}\r\n王,"{SECOND_MOBILE}"\r\n')
    assert [(number, cell, values["姓名"]) for number, cell, values in found(path)] == [
        (2, MOBILE, '张"三", 李\r\n四'),
        # A spreadsheet counts a cell with a line break as one row.
        (3, SECOND_MOBILE, "王"),
    ]


@pytest.mark.parametrize("text", [f'姓名,手机号\n张,{MOBILE}\n"{VALUE},1\n2,3\n', f'姓名,手机号\n张,1\n"{VALUE}"x,1\n'])
def test_a_wrong_quote_is_refused_with_its_row(csv_file: Write, text: str) -> None:
    assert refusal(csv_file(text)).startswith("FILE, row 3: malformed CSV, such as a wrong quote (")


def test_a_wrong_quote_in_the_header(csv_file: Write) -> None:
    assert refusal(csv_file('"手机号\n1')).startswith("FILE, row 1: malformed CSV")


def test_a_row_is_short_or_long(csv_file: Write) -> None:
    assert refusal(csv_file(f"手机号,姓名\n{MOBILE},张\n\n{MOBILE}\n")).startswith(
        "FILE, row 4: 1 cells instead of 2; "
    )
    assert refusal(csv_file(f"手机号,姓名\n{MOBILE},{VALUE},x\n")).startswith("FILE, row 2: 3 cells instead of 2; ")


def test_blank_cells_too_many_and_blank_rows_are_no_rows(csv_file: Write) -> None:
    path = csv_file(f"\n , \n手机号,姓名\n\n,\n , \n, ,\n{MOBILE},张,,\n ,李\n")
    assert [(number, cell) for number, cell, _ in found(path)] == [(8, MOBILE), (9, " ")]


@pytest.mark.parametrize("content", ["", "\n\r\n", "\ufeff", " , ,\n"])
def test_an_empty_file(csv_file: Write, content: str) -> None:
    assert refusal(csv_file(content)) == "FILE is empty"


def test_a_header_alone_has_no_rows(csv_file: Write) -> None:
    assert found(csv_file("手机号,姓名")) == []


def test_the_rows_can_be_read_again_unless_the_file_changed(csv_file: Write) -> None:
    path = csv_file(f"手机号\n{MOBILE}\n")
    rows = read_rows(path)
    assert cells(rows) == cells(rows) == [MOBILE]
    before = path.stat()
    path.write_bytes(b"\xff" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(InputError, match="was changed while it was read"):
        list(rows)
    csv_file("手机号\n")
    with pytest.raises(InputError, match="was changed while it was read"):
        list(rows)


def test_a_file_that_grows_while_it_is_read(csv_file: Write) -> None:
    path = csv_file(f"手机号\n{MOBILE}\n")
    rows = iter(read_rows(path))
    next(rows)
    csv_file(f"手机号\n{MOBILE}\n{MOBILE}\n")
    with pytest.raises(InputError, match="was changed while it was read"):
        list(rows)


# The column.


@pytest.mark.parametrize(
    "heading",
    [
        "手机",
        " 手机号 ",
        "手机号码：",
        "手机号*",
        "电话",
        "Mobile",
        "PHONE",
        "Phone Number",
        "phone_number",
        "ＴＥＬ",
        "number",
    ],
)
def test_the_column_is_found_by_its_heading(csv_file: Write, heading: str) -> None:
    path = csv_file(f"姓名,{heading},编号\n张,{MOBILE},12345678901\n")
    rows = read_rows(path)
    assert (cells(rows), rows.column, rows.place) == ([MOBILE], heading.strip(), 1)
    assert repr(rows) == "<Rows of list.csv>"


def test_the_headings_are_normalised() -> None:
    assert all(name == name.casefold() and not set(name) & set(" _-.:*") for name in NUMBER_COLUMNS)


def test_the_only_column_may_have_any_heading(csv_file: Write) -> None:
    rows = read_rows(csv_file(f"Kunde 2026\n{MOBILE}\n"))
    assert (cells(rows), rows.header) == ([MOBILE], ("Kunde 2026",))


@pytest.mark.parametrize("cell", [MOBILE, f"+86 {MOBILE}", f"{MOBILE}.0", "138-6619-429O", "12345", "1234", "1.4E+10"])
def test_a_file_without_a_header(csv_file: Write, cell: str) -> None:
    # A number that is mistyped is no heading either: it must show up among the invalid ones.
    rows = read_rows(csv_file(f"{cell}\n{SECOND_MOBILE}\n"))
    assert (len(list(rows)), rows.header, rows.column) == (2, (), "")


def test_a_file_of_several_columns_without_a_header(csv_file: Write) -> None:
    path = csv_file(f"张三,{MOBILE}\n李四,{SECOND_MOBILE}\n")
    assert found(path) == [(1, MOBILE, {}), (2, SECOND_MOBILE, {})]
    assert refusal(path, "手机").startswith("FILE has no header, so it has no column '手机': ")
    assert "several numbers" in refusal(csv_file(f"{MOBILE},{SECOND_MOBILE}\n"))
    # A title with a date above the header is no number.
    assert refusal(csv_file("客户20261127,,\n姓名,编号,手机\n")) == (
        "which column of FILE has the numbers? Give --column; it has: '客户********'"
    )


def test_a_column_is_given(csv_file: Write) -> None:
    path = csv_file(f"手机号, 家长 ,家长2,备注,备注\n1,{MOBILE},3,4,5\n")
    rows = read_rows(path, column="家长 ")
    assert (cells(rows), rows.column) == ([MOBILE], "家长")
    # Nobody knows which one of two columns a heading means.
    assert next(iter(rows)).values == {"手机号": "1", "家长": MOBILE, "家长2": "3"}
    header = "it has: '手机号', '家长', '家长2', '备注', '备注'"
    assert refusal(path, "Tel") == f"FILE has no column 'Tel'; {header}"
    assert refusal(path, "备注") == f"FILE has several columns '备注': rename all but one; {header}"


@pytest.mark.parametrize("header", ["姓名,编号", "手机,电话"])
def test_a_column_must_be_given(csv_file: Write, header: str) -> None:
    first, second = header.split(",")
    expected = f"which column of FILE has the numbers? Give --column; it has: '{first}', '{second}'"
    assert refusal(csv_file(f"{header}\na,{MOBILE}\n")) == expected


def test_a_header_is_shown_harmless_and_short(csv_file: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["手机", "a\u200b", "x" * 99, "", "电话", *map(str, range(1000, 1040))]
    shown = refusal(csv_file(",".join(names)))
    assert f"'手机', 'a', '{'x' * 40}', '电话', '1000'" in shown
    assert shown.endswith("'1014', …")
    monkeypatch.setenv("JZYSOAP_LANG", "zh")
    assert refusal(csv_file("姓名,编号\n")) == "FILE 的哪一列是号码？请使用 --column；文件的列：'姓名', '编号'"


# The cell.


@pytest.mark.parametrize("cell", [f"{MOBILE}.0", f" {MOBILE}.00 "])
def test_a_number_with_point_zero_is_taken(csv_file: Write, cell: str) -> None:
    assert cells(read_rows(csv_file(f"手机号,x\n{cell},\n"))) == [MOBILE]


@pytest.mark.parametrize("cell", ["1.38E+10", "1.38662E+10", " 1e10 ", '"1,38E+10"', "1.3866194295E10"])
def test_a_number_whose_digits_are_gone_is_refused(csv_file: Write, cell: str) -> None:
    row = next(iter(read_rows(csv_file(f"手机号,x\n{cell},\n"))))
    assert row.cell == cell.strip('"')
    assert row.reason.startswith("was shortened by a spreadsheet to a number with E, its digits are gone: ")
    assert repr(row) == "<Row 2>"


@pytest.mark.parametrize("cell", [f"{MOBILE}.5", "1E", "E10", "", "张三", f"{MOBILE},{SECOND_MOBILE}"])
def test_other_cells_are_verbatim(csv_file: Write, cell: str) -> None:
    row = next(iter(read_rows(csv_file(f'x,手机号\n1,"{cell}"\n'))))
    assert (row.cell, row.reason) == (cell, "")


# Workbooks.


def test_a_workbook_has_numbers_in_any_form(workbook: Write) -> None:
    rows = [
        ("姓名", "手机号", "备注"),
        ("张三", int(MOBILE), 12.5),
        (None, None, None),
        (1.0, MOBILE, True),
        (datetime.date(2026, 1, 31), f"{MOBILE}.0", "x"),
    ]
    path = workbook(*rows)
    opened = read_rows(path)
    assert (opened.encoding, opened.sheet, opened.header) == (None, "名单", ("姓名", "手机号", "备注"))
    assert opened.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    # Again, since each iteration begins anew.
    assert cells(opened) == cells(opened) == [MOBILE] * 3
    assert [(row.number, row.values["姓名"], row.values["备注"]) for row in opened] == [
        (2, "张三", "12.5"),
        (4, "1", "TRUE"),
        (5, "2026-01-31", "x"),
    ]


@pytest.mark.parametrize(
    ("cell", "shown", "why"),
    [
        (True, "TRUE", "is TRUE or FALSE, not a number"),
        (datetime.date(2026, 1, 31), "2026-01-31", "is a date, not a number"),
        (datetime.datetime.fromisoformat("2026-01-31 12:30"), "2026-01-31 12:30:00", "is a date, not a number"),
        (datetime.time(12, 30), "12:30:00", "is a time, not a number"),
        (13866194295.5, "13866194295.5", "has decimals, or is too large to be exact"),
        (2**53, "9.00719925474099e+15", "has decimals, or is too large to be exact"),
        ("1.38E+10", "1.38E+10", "was shortened by a spreadsheet"),
    ],
)
def test_a_workbook_has_no_number(workbook: Write, cell: Cell, shown: str, why: str) -> None:
    (row,) = read_rows(workbook((None, "手机号"), (None, cell)))
    assert (row.number, row.cell) == (2, shown)
    assert row.reason.startswith(why)


def test_the_largest_exact_number(workbook: Write) -> None:
    (row,) = read_rows(workbook(("手机号",), (2**53 - 1,)))
    assert (row.cell, row.reason) == (str(2**53 - 1), "")


def test_a_workbook_without_a_header(workbook: Write) -> None:
    assert found(workbook((int(MOBILE),), (SECOND_MOBILE,), first=3)) == [(3, MOBILE, {}), (4, SECOND_MOBILE, {})]


def test_hidden_rows_and_columns_are_read(tmp_path: Path) -> None:
    rows = [("姓名", "手机号"), ("张三", MOBILE), ("李四", SECOND_MOBILE)]
    path = write_workbook(tmp_path / "a.xlsx", {"S": rows}, hidden_rows=[2], hidden_columns=True)
    assert cells(read_rows(path)) == [MOBILE, SECOND_MOBILE]


def test_the_sheet_is_the_only_one_that_holds_anything(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "a.xlsx", {"A": [], "B & C": [(MOBILE,)], "D": []})
    assert (read_rows(path).sheet, cells(read_rows(path))) == ("B & C", [MOBILE])
    assert refusal(path, sheet="A") == "FILE is empty"
    assert refusal(path, sheet="X") == "FILE has no sheet X"


def test_the_sheet_is_chosen(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "a.xlsx", {"A": [(MOBILE,)], "B": [(SECOND_MOBILE,)]})
    assert refusal(path) == "FILE has several sheets (A, B): choose one with --sheet"
    assert cells(read_rows(path, sheet="B")) == [SECOND_MOBILE]


def test_an_empty_workbook(tmp_path: Path) -> None:
    assert refusal(write_workbook(tmp_path / "a.xlsx", {"A": []})) == "FILE is empty"


def test_the_content_decides_what_a_file_is(workbook: Write, csv_file: Write, tmp_path: Path) -> None:
    renamed = tmp_path / "renamed.csv"
    workbook(("手机",), (MOBILE,)).rename(renamed)
    assert cells(read_rows(renamed)) == [MOBILE]
    renamed = tmp_path / "renamed.xlsx"
    csv_file(f"手机\n{MOBILE}").rename(renamed)
    assert cells(read_rows(str(renamed))) == [MOBILE]
    assert refusal(renamed, sheet="S") == "FILE is a CSV file, which has no sheets: omit --sheet"


def test_workbooks_of_other_kinds_are_refused(tmp_path: Path, csv_file: Write) -> None:
    expected = "FILE is a workbook of another kind, or encrypted: save it as .xlsx without a password, or as CSV UTF-8"
    assert refusal(csv_file(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504))) == expected
    for name in ("content.xml", "xl/workbook.bin"):
        with zipfile.ZipFile(tmp_path / "a", "w") as file:
            file.writestr(name, "")
            if name != "content.xml":
                file.writestr("[Content_Types].xml", "")
        assert refusal(tmp_path / "a") == expected


def test_a_damaged_workbook(workbook: Write) -> None:
    path = workbook(("手机",), (MOBILE,))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert refusal(path).startswith("FILE is no XLSX workbook, or is damaged (BadZipFile): ")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("[Content_Types].xml", "")
    assert re.match(r"FILE is no XLSX workbook, or is damaged \(\w+Error\): ", refusal(path))


def test_a_damaged_cell_is_not_quoted(workbook: Write) -> None:
    path = workbook(("手机",), (True,))
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b't="b"', f't="{VALUE}"'.encode())
    with zipfile.ZipFile(path, "w") as file:
        for name, part in parts.items():
            file.writestr(name, part)
    with pytest.raises(InputError) as caught:
        read_rows(path)
    assert VALUE not in "".join(traceback.format_exception(caught.value))


def test_the_library_for_workbooks_is_missing(workbook: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workbook((MOBILE,))
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(ConfigurationError) as caught:
        read_rows(path)
    assert str(caught.value) == "this needs python_calamine: pip install 'jzysoap[cli]'"


# The file.


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a.csv") == "FILE cannot be read: No such file or directory"


def test_a_pipe_cannot_be_read_twice(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe").startswith("FILE is no file that can be read twice, ")


MEASURE = """
import sys
from collections import Counter
from jzysoap.cli.inputs import read_rows
from jzysoap.cli.recipients import sort_rows

def peak():
    # Not getrusage: its value begins with the memory of the process that started this one.
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))

for path in sys.argv[1:]:
    counts = Counter(recipient.state for recipient in sort_rows(read_rows(path)))
    print(peak(), counts["valid"], counts["repeated"])
"""


def test_a_million_rows_take_no_more_than_30_mb(tmp_path: Path) -> None:
    if not Path("/proc/self/status").exists():
        lacking("this system does not tell the most memory that a process had")
    numbers = list(map(str, range(13_000_000_001, 19_990_000_000, 6991)))[:999_000]
    paths = [tmp_path / "one.csv", tmp_path / "many.csv"]
    for path, some in zip(paths, (numbers[:1], numbers + numbers[:1000]), strict=True):
        path.write_text("手机号,姓名\r\n" + ",张三\r\n".join([*some, ""]), "utf-8", newline="")
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", MEASURE, *map(str, paths)],
        # Measuring the coverage would take memory and time too.
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("COV")},
            "PYTHONPATH": os.pathsep.join([str(Path(jzysoap.__file__).parent.parent), *sys.path[1:]]),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    (one, *few), (many, *counts) = (list(map(int, line.split())) for line in done.stdout.splitlines())
    assert (few, counts) == ([1, 0], [999_000, 1000])
    assert many - one <= 30_000
