"""Which batch a delivery report is about. Pure: no database, no clock, and no guess.

A report names the gateway's id of its batch. If the answer to the send had that id, the report is about that batch
(``ID``). Over SOAP many gateways answer without an id, and an answer that was lost had none either. Then the reports
themselves tell, all reports of an id together: they are about the one batch whose numbers they name, at the time when
it was sent, if no other batch and no other id comes into question (``MATCH``). In simulations, a guess by number and
time alone was wrong nine times of twelve.

The result depends on the sets of batches and records alone, not on their order, so it can be computed again whenever
a record comes. What a new record contradicts is no longer in the result.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from jzysoap.model.values import DeliveryStatus

WINDOW = 15 * 60_000
"""Milliseconds by which the time of a report may differ from the start of its batch: two clocks, and a queue."""


class Evidence(IntEnum):
    """How something about a batch is known. A better proof replaces a weaker one."""

    __module__ = "jzysoap.mailbox"

    NONE = 0
    MATCH = 1
    PERSON = 2
    ID = 3
    ANSWER = 4


@dataclass(frozen=True, slots=True)
class SentBatch:
    """A batch that was sent, or may have been.

    Attributes:
        id: its number in the mailbox.
        mobiles: its recipients, in the wire's spelling.
        started: when its call began, in milliseconds since the epoch.
        batch_id: the id of the gateway's answer, or None.
    """

    id: int
    mobiles: tuple[str, ...]
    started: int
    batch_id: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """A delivery report.

    Attributes:
        id: its number in the mailbox.
        mobile: the number, verbatim.
        batch_id: the gateway's id, verbatim, or None.
        sent_at: the time in it, in milliseconds since the epoch; the gateway has whole seconds. None if it has none.
        status: the fate of the message.
    """

    id: int
    mobile: str
    batch_id: str | None
    sent_at: int | None
    status: DeliveryStatus


@dataclass(frozen=True, slots=True)
class Match:
    """A report and the batch that it is about.

    Attributes:
        record: the report.
        batch: the batch.
        mobile: the number, as the batch spells it.
        evidence: ``ID`` or ``MATCH``.
    """

    record: int
    batch: int
    mobile: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Matching:
    """The result.

    Attributes:
        matches: the reports whose batch is known.
        claimed: the ids that a match has given to batches without one, by batch.
        foreign: the ids under which a number was texted that none of the batches has at that time: others use the
            account too.
        hints: for each batch without an id, the ids that might be its own.
    """

    matches: tuple[Match, ...]
    claimed: Mapping[int, str]
    foreign: frozenset[str]
    hints: Mapping[int, tuple[str, ...]]


def best_status(
    known: tuple[DeliveryStatus, Evidence] | None, other: tuple[DeliveryStatus, Evidence]
) -> tuple[DeliveryStatus, Evidence]:
    """Return the better known of two statuses of a number; among equals, delivered beats failed beats unknown."""
    return other if known is None else max(known, other, key=lambda one: (one[1], _ORDER.index(one[0])))


_ORDER = (DeliveryStatus.UNKNOWN, DeliveryStatus.FAILED, DeliveryStatus.DELIVERED)


def match_records(
    batches: Iterable[SentBatch], records: Iterable[Record], *, window: int = WINDOW, shared: bool = False
) -> Matching:
    """Return what the records are about.

    Args:
        batches: those that were sent, or may have been.
        records: the delivery reports.
        window: milliseconds by which the time of a report may differ from the start of its batch.
        shared: True if others use the account too: then a report about a single number proves nothing.
    """
    return _Matcher(batches, records, window).match(shared=shared)


class _Matcher:
    """The computation: indexes, then the ids one by one."""

    def __init__(self, batches: Iterable[SentBatch], records: Iterable[Record], window: int) -> None:
        self._window = window
        self._batches = {batch.id: batch for batch in batches}
        self._by_id: dict[str, list[SentBatch]] = defaultdict(list)
        self._by_loose_id: dict[str, list[SentBatch]] = defaultdict(list)
        # For each number, when it was texted in which batch without an id, in order; and in any batch.
        self._nameless: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._texted: dict[str, list[int]] = defaultdict(list)
        for batch in self._batches.values():
            if batch.batch_id is not None:
                self._by_id[batch.batch_id].append(batch)
                self._by_loose_id[_loosen(batch.batch_id)].append(batch)
            for mobile in batch.mobiles:
                number = _bare(mobile)
                self._texted[number].append(batch.started)
                if batch.batch_id is None:
                    self._nameless[number].append((batch.started, batch.id))
        for times in (*self._texted.values(), *self._nameless.values()):
            times.sort()  # type: ignore[attr-defined]  # a list of either kind
        self._reported: dict[str, dict[int, Record]] = defaultdict(dict)
        for record in records:
            if record.batch_id:
                self._reported[record.batch_id][record.id] = record

    def match(self, *, shared: bool) -> Matching:
        matches: list[Match] = []
        open_: dict[str, list[Record]] = {}
        for name, found in self._reported.items():
            own = self._owner(name)
            if own is None:
                open_[name] = list(found.values())
            else:
                matches += self._by_answer(own, found.values())
        foreign = frozenset(name for name, found in open_.items() if any(map(self._is_foreign, found)))
        fitting = {name: self._fitting(found) for name, found in open_.items()}
        wanted: dict[int, set[str]] = defaultdict(set)
        for name, idents in fitting.items():
            for ident in idents:
                wanted[ident].add(name)
        claimed: dict[int, str] = {}
        for name, idents in fitting.items():
            if len(idents) != 1:
                continue
            (ident,) = idents
            seen = {_bare(record.mobile) for record in open_[name]}
            if len(wanted[ident]) > 1 or (len(seen) < 2 and (shared or foreign)):
                continue
            claimed[ident] = name
            spelled = {_bare(mobile): mobile for mobile in self._batches[ident].mobiles}
            matches += [
                Match(record.id, ident, spelled[_bare(record.mobile)], Evidence.MATCH) for record in open_[name]
            ]
        hints = {ident: tuple(sorted(names)) for ident, names in wanted.items() if ident not in claimed}
        return Matching(tuple(sorted(matches, key=lambda one: one.record)), claimed, foreign, hints)

    def _owner(self, name: str) -> SentBatch | None:
        """Return the batch whose answer had an id: exactly, or without blanks and leading zeros if only one fits."""
        exact = self._by_id.get(name, [])
        if exact:
            # Two answers with the same id say nothing about which of them a report means.
            return exact[0] if len(exact) == 1 else None
        loose = self._by_loose_id.get(_loosen(name), [])
        return loose[0] if len(loose) == 1 else None

    def _by_answer(self, batch: SentBatch, records: Iterable[Record]) -> list[Match]:
        spelled = {_bare(mobile): mobile for mobile in batch.mobiles}
        # The gateway's clock may be behind ours, so a report may seem to be older than its batch by the window.
        earliest = batch.started - self._window
        return [
            Match(record.id, batch.id, spelled[_bare(record.mobile)], Evidence.ID)
            for record in records
            if _bare(record.mobile) in spelled and (record.sent_at is None or record.sent_at >= earliest)
        ]

    def _fitting(self, records: list[Record]) -> set[int]:
        """Return the batches without an id that every record of an id names a number of, at the right time."""
        fitting: set[int] | None = None
        for record in records:
            if record.sent_at is None:
                return set()
            times = self._nameless.get(_bare(record.mobile), [])
            first = bisect_left(times, (record.sent_at - self._window, 0))
            last = bisect_right(times, (record.sent_at + self._window, 1 << 63))
            here = {ident for _, ident in times[first:last]}
            fitting = here if fitting is None else fitting & here
            if not fitting:
                return set()
        return fitting or set()

    def _is_foreign(self, record: Record) -> bool:
        if record.sent_at is None:
            return False
        times = self._texted.get(_bare(record.mobile), [])
        first = bisect_left(times, record.sent_at - self._window)
        return first == len(times) or times[first] > record.sent_at + self._window


def _bare(mobile: str) -> str:
    """Return a number without the code of mainland China, with which some gateways report."""
    number = mobile.removeprefix("+").removeprefix("00")
    return number[2:] if len(number) == 13 and number.startswith("86") else number


def _loosen(name: str) -> str:
    return name.strip().lstrip("0")
