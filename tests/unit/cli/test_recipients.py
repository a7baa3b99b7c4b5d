"""The recipients of a file are those that ``clean_numbers`` finds in its cells."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from jzysoap import clean_numbers
from jzysoap.cli.inputs import Row, read_rows
from jzysoap.cli.recipients import Recipient, Seen, sort_rows
from jzysoap.settings.options import International
from tests.kit.samples import MOBILE, SECOND_MOBILE, THIRD_MOBILE


def rows_of(cells: Iterable[str]) -> list[Row]:
    return [Row(number, cell, "", (), {}) for number, cell in enumerate(cells, 1)]


def summary(recipients: Iterable[Recipient]) -> list[tuple[int, str, str, int]]:
    return [(one.row.number, one.number, one.state, one.first) for one in recipients]


def test_each_number_is_valid_repeated_or_invalid(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    cells = [MOBILE, f"+86 {MOBILE}", "12345", f'"{SECOND_MOBILE},{MOBILE}"', f"{SECOND_MOBILE}.0", "1.38E+10"]
    path.write_text("\n".join(["手机", *cells]))
    recipients = list(sort_rows(read_rows(path)))
    assert summary(recipients) == [
        (2, MOBILE, "valid", 0),
        (3, MOBILE, "repeated", 2),
        (4, "12345", "invalid", 0),
        (5, SECOND_MOBILE, "valid", 0),
        (5, MOBILE, "repeated", 2),
        (6, SECOND_MOBILE, "repeated", 5),
        (7, "1.38E+10", "invalid", 0),
    ]
    assert [one.reason.split(" ")[0] for one in recipients] == ["", "", "is", "", "", "", "was"]
    assert repr(recipients[0]) == "<Recipient row=2 state=valid>"


@pytest.mark.parametrize(("international", "spelled"), [("00", "0049"), ("plus", "+49"), ("bare", "49")])
def test_numbers_of_other_countries(international: International, spelled: str) -> None:
    cells = [f"+49{MOBILE}", MOBILE, f"0049{MOBILE}", f"+49{MOBILE},+49{MOBILE}"]
    assert summary(sort_rows(rows_of(cells), international=international)) == [
        (1, f"{spelled}{MOBILE}", "valid", 0),
        (2, MOBILE, "valid", 0),
        (3, f"{spelled}{MOBILE}", "repeated", 1),
        (4, f"{spelled}{MOBILE}", "repeated", 1),
        (4, f"{spelled}{MOBILE}", "repeated", 1),
    ]


def test_a_number_is_repeated_in_its_own_row() -> None:
    cell = f"+49{MOBILE},0049{MOBILE}"
    assert [one.state for one in sort_rows(rows_of([cell]), international="plus")] == ["valid", "repeated"]


@pytest.mark.parametrize(
    ("cell", "chinese"),
    [
        ("", "为空"),
        ("1380000x", "含有非数字字符 U+0078 LATIN SMALL LETTER X（多个号码请用逗号分隔）"),
        ("+8612345", "不是大陆手机号（11 位数字，以 13 至 19 开头）"),
        ("12345", "不是大陆手机号（11 位数字，以 13 至 19 开头），也没有以 + 或 00 写明国家或地区"),
        ("+1", "不是国际号码（+ 或 00 之后为 7 至 15 位数字）"),
        ("+4915112345678", "是其他国家或地区的号码：如需发送，请设置 international"),
    ],
)
def test_the_reasons_are_translated(cell: str, chinese: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (english,) = sort_rows(rows_of([cell]))
    assert english.reason == clean_numbers([cell]).invalid[0].reason
    monkeypatch.setenv("JZYSOAP_LANG", "zh")
    (recipient,) = sort_rows(rows_of([cell]))
    assert recipient.reason == chinese


def test_only_some_numbers_are_allowed() -> None:
    recipients = list(sort_rows(rows_of([MOBILE, SECOND_MOBILE, "1"]), allowed=[f"+86{SECOND_MOBILE}"]))
    assert [(one.state, one.reason[:30]) for one in recipients] == [
        ("invalid", "is not among allow_recipients"),
        ("valid", ""),
        ("invalid", "is not a mainland mobile numbe"),
    ]
    assert [one.state for one in sort_rows(rows_of([MOBILE]), allowed=[])] == ["invalid"]


_CELLS = st.lists(
    st.sampled_from([MOBILE, SECOND_MOBILE, THIRD_MOBILE])
    .flatmap(lambda one: st.sampled_from([one, f"+86{one}", f" {one[:3]} {one[3:]}", f"+49{one}", f"{one},1", ",", ""]))
    .flatmap(lambda one: st.sampled_from([one, one, f"{one},{MOBILE}", f"{one}x"])),
    max_size=12,
)


@given(_CELLS, st.sampled_from([None, "00", "plus", "bare"]))
def test_they_are_sorted_as_clean_numbers_does(cells: list[str], international: International | None) -> None:
    recipients = list(sort_rows(rows_of(cells), international=international))
    clean = clean_numbers(cells, international=international)
    assert tuple(one.number for one in recipients if one.state == "valid") == clean.valid
    positions = [
        [position for position, one in enumerate(recipients, 1) if one.state == state]
        for state in ("repeated", "invalid")
    ]
    assert positions == [[one.position for one in some] for some in (clean.duplicate, clean.invalid)]
    reasons = [(one.number, one.reason) for one in recipients if one.state == "invalid"]
    assert reasons == [(one.number, one.reason) for one in clean.invalid]


@given(st.lists(st.integers(0, 300), max_size=200), st.sampled_from([1, 4099, 23_333_333]))
def test_what_was_seen_is_known_with_its_row(some: list[int], distance: int) -> None:
    # At the distance of 4099 all fall into the same bucket. The largest number that begins with 1 is among them.
    seen = Seen()
    rows: dict[str, int] = {}
    for row, one in enumerate(some, 1):
        number = str(19_999_999_999 - one * distance)
        assert seen.add(number, row) == rows.get(number, 0)
        rows.setdefault(number, row)


def test_a_row_too_far_down_is_still_a_row() -> None:
    seen = Seen()
    assert seen.add("19999999999", 2**40) == 0
    assert seen.add("19999999999", 2**40 + 1) == 2**29 - 1
    assert seen.add("19999999998", 1) == 0
