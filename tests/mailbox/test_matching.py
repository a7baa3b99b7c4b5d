"""The rules of matching, one by one, and their opposites."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, strategies as st

from jzysoap import DeliveryStatus
from jzysoap.mailbox.matching import WINDOW, Evidence, Matching, Record, SentBatch, best_status, match_records

NOON = 1_700_000_000_000
A, B, C = "13800000001", "13800000002", "13800000003"


def batch(ident: int, *mobiles: str, at: int = NOON, name: str | None = None) -> SentBatch:
    return SentBatch(ident, mobiles, at, name)


def records(name: str | None, *mobiles: str, at: int | None = NOON, first: int = 1) -> list[Record]:
    return [Record(ident, mobile, name, at, DeliveryStatus.DELIVERED) for ident, mobile in enumerate(mobiles, first)]


def matched(found: Matching) -> dict[int, tuple[int, Evidence]]:
    return {one.record: (one.batch, one.evidence) for one in found.matches}


def test_the_id_of_the_answer_decides() -> None:
    found = match_records([batch(1, A, B, name="7"), batch(2, A, B, name="8")], records("8", A, B))
    assert matched(found) == {1: (2, Evidence.ID), 2: (2, Evidence.ID)}
    assert found.claimed == {}
    assert not found.foreign


@pytest.mark.parametrize("name", ["0007", " 7 ", "7"])
def test_ids_are_compared_without_blanks_and_leading_zeros(name: str) -> None:
    assert matched(match_records([batch(1, A, name="7")], records(name, A))) == {1: (1, Evidence.ID)}


def test_an_id_that_two_answers_have_decides_nothing() -> None:
    assert match_records([batch(1, A, name="07"), batch(2, A, name="007")], records("7", A)).matches == ()
    assert match_records([batch(1, A, name="7"), batch(2, A, name="7")], records("7", A)).matches == ()


def test_the_exact_id_comes_first() -> None:
    found = match_records([batch(1, A, name="7"), batch(2, A, name="07")], records("07", A))
    assert matched(found) == {1: (2, Evidence.ID)}


@pytest.mark.parametrize(
    ("record", "mine"),
    [
        (records("7", A, at=None), True),
        (records("7", A, at=NOON - WINDOW), True),
        (records("7", A, at=NOON + 100 * WINDOW), True),
        (records("7", A, at=NOON - WINDOW - 1), False),
        (records("7", C), False),
        (records(None, A), False),
        (records("", A), False),
    ],
)
def test_a_record_of_an_id_must_name_the_batch_and_come_after_it(record: list[Record], mine: bool) -> None:
    assert bool(match_records([batch(1, A, B, name="7")], record).matches) is mine


@pytest.mark.parametrize("spelled", [A, f"86{A}", f"+86{A}", f"0086{A}"])
def test_numbers_are_compared_without_the_country(spelled: str) -> None:
    (match,) = match_records([batch(1, A, name="7")], records("7", spelled)).matches
    assert match.mobile == A


def test_all_numbers_of_an_id_name_the_batch() -> None:
    found = match_records([batch(1, A, B, C), batch(2, C)], records("9", A, B))
    assert matched(found) == {1: (1, Evidence.MATCH), 2: (1, Evidence.MATCH)}
    assert found.claimed == {1: "9"}
    assert found.hints == {}


@pytest.mark.parametrize(
    "found",
    [
        # Two batches fit the id.
        match_records([batch(1, A, B), batch(2, A, B)], records("9", A, B)),
        # Another id fits the batch.
        match_records([batch(1, A, B, C)], [*records("9", A, B), *records("10", B, C, first=5)]),
        # A number is not in it.
        match_records([batch(1, A, B)], records("9", A, B, C)),
        # The time does not fit, or is missing.
        match_records([batch(1, A, B)], records("9", A, B, at=NOON + WINDOW + 1)),
        match_records([batch(1, A, B)], [*records("9", A), *records("9", B, at=None, first=2)]),
        # One number proves nothing where others send too.
        match_records([batch(1, A, B)], records("9", A), shared=True),
        match_records([batch(1, A, B)], [*records("9", A), *records("10", C, first=5)]),
    ],
)
def test_what_is_not_certain_is_not_matched(found: Matching) -> None:
    assert found.matches == ()
    assert found.claimed == {}


def test_one_number_is_enough_on_an_account_of_ones_own() -> None:
    assert match_records([batch(1, A)], records("9", A)).claimed == {1: "9"}


def test_what_might_be_is_a_hint() -> None:
    found = match_records([batch(1, A, B), batch(2, A, B)], records("9", A, B), shared=True)
    assert found.hints == {1: ("9",), 2: ("9",)}


@pytest.mark.parametrize(
    ("record", "foreign"),
    [
        (records("9", C), True),
        (records("9", A, at=NOON + 2 * WINDOW), True),
        (records("9", A, at=NOON - 2 * WINDOW), True),
        (records("9", C, at=None), False),
        (records("9", A), False),
    ],
)
def test_a_number_that_was_not_texted_is_foreign(record: list[Record], foreign: bool) -> None:
    assert bool(match_records([batch(1, A, name="7")], record).foreign) is foreign


def test_the_better_status_wins() -> None:
    failed, delivered = (DeliveryStatus.FAILED, Evidence.ID), (DeliveryStatus.DELIVERED, Evidence.MATCH)
    unknown = (DeliveryStatus.UNKNOWN, Evidence.MATCH)
    assert best_status(None, failed) == failed
    assert best_status(delivered, failed) == best_status(failed, delivered) == failed
    assert best_status(unknown, delivered) == delivered


BATCHES = st.lists(
    st.builds(
        SentBatch,
        st.integers(1, 20),
        st.lists(st.sampled_from([A, B, C, "13800000004"]), min_size=1, max_size=3, unique=True).map(tuple),
        st.integers(0, 4).map(lambda number: NOON + number * WINDOW // 2),
        st.sampled_from([None, None, "7", "07", "8"]),
    ),
    max_size=8,
    unique_by=lambda one: one.id,
)
RECORDS = st.lists(
    st.builds(
        Record,
        st.integers(1, 50),
        st.sampled_from([A, B, C, f"86{A}"]),
        st.sampled_from([None, "7", "8", "9", "10", "010"]),
        st.one_of(st.none(), st.integers(0, 4).map(lambda number: NOON + number * WINDOW // 2)),
        st.sampled_from(DeliveryStatus),
    ),
    max_size=12,
    unique_by=lambda one: one.id,
)


@given(BATCHES, RECORDS, st.integers(), st.booleans())
def test_the_order_says_nothing(sent: list[SentBatch], reported: list[Record], seed: int, shared: bool) -> None:
    found = match_records(sent, reported, shared=shared)
    chance = random.Random(seed)  # no secret
    again = match_records(chance.sample(sent, len(sent)), chance.sample(reported, len(reported)), shared=shared)
    assert again == found
    # An id is given to one batch, and a batch gets one id.
    assert len(set(found.claimed.values())) == len(found.claimed)
    assert len({one.record for one in found.matches}) == len(found.matches)
    assert not set(found.claimed) & set(found.hints)
    assert not {name for name in found.claimed.values() if name in found.foreign}


@given(BATCHES, RECORDS)
def test_a_repeated_record_changes_nothing(sent: list[SentBatch], reported: list[Record]) -> None:
    twice = [*reported, *(Record(100 + one.id, *_rest(one)) for one in reported)]
    assert match_records(sent, twice).claimed == match_records(sent, reported).claimed


def _rest(one: Record) -> tuple[str, str | None, int | None, DeliveryStatus]:
    return one.mobile, one.batch_id, one.sent_at, one.status
