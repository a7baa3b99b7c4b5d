"""Recipients. All numbers are made up, or are those of the samples in docs/protocol.md."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator
from enum import Enum
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from jzysoap.calls.numbers import clean_numbers, recipients, split
from jzysoap.model.errors import InvalidMessageError
from jzysoap.model.values import CleanNumbers, InvalidNumber
from jzysoap.settings.options import International
from tests.kit.samples import MOBILE, SECOND_MOBILE

ONE, TWO, THREE = MOBILE, SECOND_MOBILE, "19912345678"

NOT_DIGITS = "has {} in it, which is not a digit (separate numbers with commas)"
NOT_MAINLAND = "is not a mainland mobile number (11 digits, the first two 13 to 19)"
NEITHER = NOT_MAINLAND + ", and names no country or region with + or 00"
NOT_E164 = "is not an international number (7 to 15 digits after + or 00)"
FOREIGN = "is a number of another country or region: set international to send there"

mainland = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
decoration = st.text("\t\u00a0\u3000\u200b\u200e\u202a\u2069\ufeff -‐‑–—－()（）", max_size=3)
anything: st.SearchStrategy[Any] = st.one_of(
    st.text(),
    mainland,
    st.integers(),
    st.floats(),
    st.binary(),
    st.none(),
    st.booleans(),
    st.lists(st.text(), max_size=2),
)


def reasons(numbers: object, international: International | None = None) -> list[str]:
    return [bad.reason for bad in clean_numbers(numbers, international=international).invalid]


@pytest.mark.parametrize("place", [0, 5, 11])
def test_no_invisible_character_matters(place: int) -> None:
    """All format characters, and all that Unicode's DerivedCoreProperties.txt calls Default_Ignorable_Code_Point."""
    formats = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Cf"]
    ignorable = ["\u034f", "\u115f", "\u1160", "\u17b4", "\u17b5", "\u3164", "\uffa0", "\u2065", "\u180f"]
    ranges = [(0xFE00, 0xFE0F), (0xFFF0, 0xFFF8), (0x180B, 0x180D), (0xE0000, 0xE0FFF)]
    ignorable += [chr(code) for first, last in ranges for code in range(first, last + 1)]
    for invisible in [*formats, *ignorable]:
        assert clean_numbers([ONE[:place] + invisible + ONE[place:]]).valid == (ONE,), hex(ord(invisible))


@pytest.mark.parametrize(
    "written",
    [
        "13866194295",
        " 138 6619 4295 ",
        "138-6619-4295",
        "138–6619—4295",
        "(138)6619（4295）",
        "１３８６６１９４２９５",
        "+8613866194295",
        "+86 138 6619 4295",
        "(+86)138-6619-4295",
        "＋86 13866194295",
        "008613866194295",
        "8613866194295",
        "\u202a13866194295\u202c",
        "\ufeff138\u200b66194295\u00a0",
        "138\u30006619\u20094295",
        "\t13866194295\r\n",
        13866194295,
        8613866194295,
    ],
)
def test_every_spelling_of_a_mainland_number_becomes_its_eleven_digits(written: object) -> None:
    assert clean_numbers([written]) == CleanNumbers((ONE,), (), ())
    assert recipients(written) == (ONE,)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "is empty"),
        (" \u200b", "is empty"),
        (",", "is empty"),
        ("，,", "is empty"),
        ("12866194295", NEITHER),
        ("1386619429", NEITHER),
        ("138661942955", NEITHER),
        ("03716687083", NEITHER),
        ("85291234567", NEITHER),
        (0, NEITHER),
        (-13866194295, NOT_MAINLAND),
        ("+8612866194295", NOT_MAINLAND),
        ("+86138661942", NOT_MAINLAND),
        ("008603716687083", NOT_MAINLAND),
        ("+85291234567", FOREIGN),
        ("0085291234567", FOREIGN),
        ("+1 (212) 555-0100", FOREIGN),
        ("+123456", NOT_E164),
        ("+1234567890123456", NOT_E164),
        ("+0085291234567", NOT_E164),
        ("00", NOT_E164),
        ("+", NOT_E164),
        ("++85291234567", NOT_DIGITS.format("U+002B PLUS SIGN")),
        ("1386619429a", NOT_DIGITS.format("U+0061 LATIN SMALL LETTER A")),
        ("138.6619.4295", NOT_DIGITS.format("U+002E FULL STOP")),
        ("13866194295;15375427702", NOT_DIGITS.format("U+003B SEMICOLON")),
        ("1386619\n4295", NOT_DIGITS.format("U+000A a control character")),
        ("١٣٨٦٦١٩٤٢٩٥", NOT_DIGITS.format("U+0661 ARABIC-INDIC DIGIT ONE")),
        ("13866194295\x00", NOT_DIGITS.format("U+0000 a control character")),
        ("\ud800", NOT_DIGITS.format("U+D800 a lone surrogate")),
        (None, "is not text but NoneType"),
        (True, "is not text but bool"),
        (13866194295.0, "is not text but float"),
        (b"13866194295", "is not text but bytes"),
        (bytearray(b"13866194295"), "is not text but bytearray"),
        ([ONE], "is not text but list"),
        (object(), "is not text but object"),
        (10**50, NOT_MAINLAND),
    ],
)
def test_an_unusable_number_has_a_reason(written: object, reason: str) -> None:
    clean = clean_numbers([TWO, written])
    assert clean.valid == (TWO,)
    assert [(bad.position, bad.reason) for bad in clean.invalid] == [(2, reason)]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" 1\n", " 1\n"),
        (-5, "-5"),
        (None, "None"),
        (1.5, "1.5"),
        (b"\xff1", "\xff1"),
        (object(), "<object>"),
        ({}, "<dict>"),
        (10**50, "<int>"),
    ],
)
def test_an_invalid_number_is_kept_verbatim(written: object, kept: str) -> None:
    assert clean_numbers([written]).invalid[0].number == kept


def test_an_int_too_long_for_python_to_write_is_only_invalid() -> None:
    assert reasons([10**5000, -(10**5000)]) == [NOT_MAINLAND, NOT_MAINLAND]


@pytest.mark.parametrize(
    ("international", "hong_kong"), [("00", "0085291234567"), ("plus", "+85291234567"), ("bare", "85291234567")]
)
def test_numbers_of_other_countries_are_spelled_as_the_client_says(
    international: International, hong_kong: str
) -> None:
    written = ["+852 9123-4567", "0085291234567", ONE, "+86 15375427702"]
    clean = clean_numbers(written, international=international)
    assert clean.valid == (hong_kong, ONE, TWO)
    assert clean.duplicate == (InvalidNumber(2, "0085291234567", "is the same as #1"),)


@pytest.mark.parametrize("international", ["00", "plus", "bare"])
def test_a_number_without_a_prefix_is_not_international(international: International) -> None:
    assert reasons(["85291234567", "+8612345678901", "+12", "+86"], international) == [
        NEITHER,
        NOT_MAINLAND,
        NOT_E164,
        NOT_MAINLAND,
    ]


def test_one_text_is_split_at_either_comma() -> None:
    assert recipients(f"{ONE},{TWO}，{THREE}") == (ONE, TWO, THREE)


@pytest.mark.parametrize("written", [f"{ONE},{TWO},", f",,{ONE},{TWO} , ", [f"{ONE},", TWO], [f"，{ONE}，{TWO}"]])
def test_empty_pieces_at_the_ends_do_not_count(written: object) -> None:
    assert clean_numbers(written) == CleanNumbers((ONE, TWO), (), ())


def test_an_empty_piece_in_the_middle_is_a_missing_number() -> None:
    assert clean_numbers(f"{ONE},,{TWO}").invalid == (InvalidNumber(2, "", "is empty"),)


def test_positions_count_single_numbers_in_order() -> None:
    clean = clean_numbers([f"{ONE},x", TWO, f"+86{ONE},{TWO},y", None])
    assert clean.valid == (ONE, TWO)
    assert clean.duplicate == (
        InvalidNumber(4, f"+86{ONE}", "is the same as #1"),
        InvalidNumber(5, TWO, "is the same as #3"),
    )
    assert [(bad.position, bad.number) for bad in clean.invalid] == [(2, "x"), (6, "y"), (7, "None")]


@pytest.mark.parametrize("several", [[ONE, TWO], (ONE, TWO), {ONE, TWO}, frozenset((ONE, TWO)), iter([ONE, TWO])])
def test_any_iterable_is_accepted(several: object) -> None:
    assert set(recipients(several)) == {ONE, TWO}


@pytest.mark.parametrize("nothing", ["", " , ", [], (), set(), iter(())])
def test_no_number_at_all_is_an_error(nothing: object) -> None:
    assert clean_numbers(nothing) == CleanNumbers((), (), ())
    with pytest.raises(InvalidMessageError, match=r"^mobile holds no number$") as caught:
        recipients(nothing)
    assert caught.value.field == "mobile"
    assert caught.value.numbers == ()


@pytest.mark.parametrize("wrong", [None, b"13866194295", bytearray(), memoryview(b""), 1.5, {ONE: 1}, object()])
def test_other_values_are_an_error(wrong: object) -> None:
    kind = type(wrong).__name__
    assert reasons(wrong) == [f"is not text but {kind}"]
    with pytest.raises(InvalidMessageError, match=f"^mobile must be a number or an iterable of numbers, not {kind}$"):
        recipients(wrong)


def test_an_exception_of_an_iterable_reaches_the_caller() -> None:
    def failing() -> Iterator[str]:
        yield ONE
        raise LookupError("the database went away")

    with pytest.raises(LookupError, match="the database went away"):
        recipients(failing())


def test_the_error_shows_masked_numbers_and_has_them_unmasked() -> None:
    with pytest.raises(InvalidMessageError) as caught:
        recipients([ONE, "+85291234567", "1386619429", ONE, None])
    assert str(caught.value) == (
        f"3 of 5 recipients cannot be used: #2 +85****4567: {FOREIGN}; #3 **********: {NEITHER}; "
        "#5 ***: is not text but NoneType"
    )
    assert caught.value.field == "mobile"
    assert [bad.number for bad in caught.value.numbers] == ["+85291234567", "1386619429", "None"]
    assert not caught.value.may_have_been_sent


def test_the_error_names_ten_and_counts_the_rest() -> None:
    with pytest.raises(InvalidMessageError, match=r"#10 \*: .*; and 1,190 more$") as caught:
        recipients(["1"] * 1200)
    assert "#11" not in str(caught.value)
    assert len(caught.value.numbers) == 1200


def test_a_text_given_as_mobile_is_not_shown() -> None:
    with pytest.raises(InvalidMessageError) as caught:
        recipients("【签名】您的验证码是 123456")
    reason = NOT_DIGITS.format("U+3010 LEFT BLACK LENTICULAR BRACKET")
    assert str(caught.value) == f"1 of 1 recipients cannot be used: #1 ***: {reason}"


def test_only_allowed_numbers_pass_in_any_spelling() -> None:
    assert recipients([ONE, f"+86{TWO}"], allowed={f"+86 {ONE}", TWO}) == (ONE, TWO)
    assert recipients("+85291234567", international="00", allowed=["+852 9123 4567"]) == ("0085291234567",)
    assert recipients(ONE, allowed=f"{ONE},{TWO}") == (ONE,)


def test_a_number_that_is_not_allowed_is_named_among_the_others() -> None:
    with pytest.raises(InvalidMessageError) as caught:
        recipients([ONE, TWO, "1", THREE, THREE], allowed={TWO})
    assert str(caught.value) == (
        "3 of 5 recipients cannot be used: #1 138****4295: is not among allow_recipients; "
        f"#3 *: {NEITHER}; #4 199****5678: is not among allow_recipients"
    )
    assert [bad.number for bad in caught.value.numbers] == [ONE, "1", THREE]


def test_an_empty_collection_allows_no_number() -> None:
    with pytest.raises(InvalidMessageError, match="allow_recipients"):
        recipients(ONE, allowed=())


def test_any_container_can_allow() -> None:
    class Staging:
        def __contains__(self, number: object) -> bool:
            return number == ONE

    assert recipients(ONE, allowed=Staging()) == (ONE,)
    with pytest.raises(InvalidMessageError, match="allow_recipients"):
        recipients(TWO, allowed=Staging())


def test_split_keeps_the_order_and_loses_none() -> None:
    assert split((ONE, TWO, THREE), 2) == [(ONE, TWO), (THREE,)]
    assert split((ONE, TWO), 2) == [(ONE, TWO)]
    assert split((), 2) == []


@given(st.lists(mainland), st.integers(1, 50))
def test_split_loses_no_number(numbers: list[str], size: int) -> None:
    batches = split(tuple(numbers), size)
    assert [number for batch in batches for number in batch] == numbers
    assert all(1 <= len(batch) <= size for batch in batches)


class PlainWayText(str):
    """A subclass of str, which the fast path leaves to the plain way."""

    __slots__ = ()


class Overriding(str):
    """A subclass of str that overrides its methods."""

    __slots__ = ()

    def __format__(self, _: str) -> str:
        raise TypeError("not this way")

    def split(self, *_: object, **__: object) -> list[str]:
        return [self]


class Named(str, Enum):  # noqa: UP042  # the older spelling is in use
    ONE = "13866194295"


@pytest.mark.parametrize("written", [ONE, "138 6619-4295", f"{ONE},{TWO}"])
def test_a_subclass_of_str_is_read_the_plain_way(written: str) -> None:
    for clean in (clean_numbers(Overriding(written)), clean_numbers([Overriding(written)])):
        assert clean == clean_numbers(written)
        assert {type(number) for number in clean.valid} == {str}


@pytest.mark.parametrize("others", [[], [TWO]])
def test_an_enum_member_is_not_a_number(others: list[str]) -> None:
    assert reasons([Named.ONE, *others]) == reasons(iter([Named.ONE, *others]))
    assert reasons([Named.ONE, *others]) == [NOT_DIGITS.format("U+004E LATIN CAPITAL LETTER N")]


near_misses = st.one_of(
    st.from_regex(r"1[0-9]{9,11}\n?", fullmatch=True),
    st.from_regex(r"1[3-9][0-9]{9},(1[3-9][0-9]{9})?", fullmatch=True),
    st.sampled_from([ONE, TWO, f"{ONE},{TWO}", f"{ONE}，{TWO}", ",", f",{ONE}", 13866194295, None]),
    st.text(max_size=13),
)


@given(st.one_of(st.lists(mainland), st.lists(st.one_of(mainland, mainland, near_misses))))
@example([ONE, TWO])
@example([ONE, ONE])
@example([ONE, f"{TWO},{THREE}"])
def test_the_fast_path_and_the_plain_way_agree(numbers: list[Any]) -> None:
    # An iterator of values that the fast path does not accept.
    unusual = (PlainWayText(number) if isinstance(number, str) else number for number in numbers)
    plain = clean_numbers(unusual)
    for kind in (list, tuple, iter):
        assert clean_numbers(kind(numbers)) == plain
    assert all(type(number) is str for number in (*clean_numbers(numbers).valid, *plain.valid))


@given(st.lists(mainland, min_size=1))
def test_one_text_equals_its_numbers(numbers: list[str]) -> None:
    assert clean_numbers(",".join(numbers)) == clean_numbers(map(PlainWayText, numbers))


@given(mainland, st.sampled_from(["", "+86", "86", "0086", "＋86"]), st.lists(decoration, min_size=15, max_size=15))
def test_decoration_does_not_change_a_number(number: str, prefix: str, marks: list[str]) -> None:
    inner = [mark.replace("\t", "") for mark in marks]
    written = (
        marks[0] + inner[1] + "".join(map("".join, zip(prefix + number, (inner * 2)[2:], strict=False))) + marks[-1]
    )
    assert clean_numbers([written]).valid == (number,)


@given(st.one_of(anything, st.lists(anything)), st.sampled_from([None, "00", "plus", "bare"]))
def test_any_value_is_sorted(numbers: object, international: International | None) -> None:
    clean = clean_numbers(numbers, international=international)
    abroad = {None: r"(?!)", "00": "00[1-9][0-9]{6,14}", "plus": r"\+[1-9][0-9]{6,14}", "bare": "[1-9][0-9]{6,14}"}
    wire = re.compile(rf"1[3-9][0-9]{{9}}|{abroad[international]}")
    assert all(wire.fullmatch(number) for number in clean.valid)
    assert len(set(clean.valid)) == len(clean.valid)
    places = sorted(bad.position for bad in clean.invalid + clean.duplicate)
    assert len(set(places)) == len(places)
    if clean.valid and not clean.invalid:
        assert recipients(numbers, international=international) == clean.valid
        return
    with pytest.raises(InvalidMessageError) as caught:
        recipients(numbers, international=international)
    assert caught.value.field == "mobile"
    assert not re.search(r"[0-9]{7}", str(caught.value))
    assert caught.value.numbers in (clean.invalid, ())


@given(st.lists(mainland))
def test_valid_numbers_are_valid_again(numbers: list[str]) -> None:
    clean = clean_numbers(numbers)
    assert clean.valid == tuple(dict.fromkeys(numbers))
    assert len(clean.duplicate) == len(numbers) - len(clean.valid)
    assert clean_numbers(clean.valid) == CleanNumbers(clean.valid, (), ())
