"""What matching finds, carried into the database: which batch a report is about, and what that says about the batch.

A match is computed again from all records and batches of its time whenever a record comes; what a new record
contradicts is taken back.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from jzysoap.mailbox.database import AnyRow, now_ms
from jzysoap.mailbox.decisions import set_meta
from jzysoap.mailbox.matching import Evidence, Match, Matching, Record, SentBatch, best_status, match_records
from jzysoap.mailbox.schema import batch, meta, recipient, record
from jzysoap.mailbox.states import State
from jzysoap.mailbox.store import MATCHED, Store
from jzysoap.model.values import DeliveryStatus

logger = logging.getLogger("jzysoap.mailbox")

SHARED_FOR = 30 * 24 * 3_600_000
"""Milliseconds for which an account counts as shared after a report about a number that was not texted."""

_SLICE = 3_600_000
_IDS = 500
_SENT = (State.SENDING, State.UNKNOWN, State.ACCEPTED, State.SUPERSEDED)


class Matches:
    """The matching of one account's reports.

    Args:
        store: the messages.
        window: milliseconds by which the time of a report may differ from the start of its batch.
        shared: True if others use the account too, False if nobody does, None to learn it from the reports.
    """

    def __init__(self, store: Store, *, window: int, shared: bool | None) -> None:
        self._store = store
        self._database = store.database
        self._account = str(store.account)
        self._window = window
        self._shared = shared
        # The names of facts are short; an account's is not.
        self._shared_name = f"shared {hashlib.sha256(self._account.encode()).hexdigest()[:32]}"

    def match_poll(self, poll: int) -> None:
        """Match the reports of a poll, and all that they may concern."""
        mine = (record.c.account == self._account, record.c.kind == "report")
        found = select(func.min(record.c.at), func.max(record.c.at)).where(*mine, record.c.poll == poll)
        first, last = self._database.read(lambda connection: connection.execute(found).one())
        if first is None:
            return
        for start in range(first, last + 1, _SLICE):
            end = min(start + _SLICE, last + 1)
            inside = select(record.c.id).where(*mine, record.c.poll == poll, record.c.at >= start, record.c.at < end)
            if self._database.read(lambda connection, inside=inside: connection.execute(inside.limit(1)).first()):  # type: ignore[misc]
                self._database.write(
                    lambda connection, _, start=start, end=end: self._match_slice(connection, start, end)  # type: ignore[misc]
                )

    def hints(self, ident: int) -> tuple[str, ...]:
        """Return the gateway's ids that might be the one of a batch, for a person to look up."""
        found = select(batch.c.started).where(batch.c.id == ident)

        def work(connection: Connection) -> tuple[str, ...]:
            started = connection.execute(found).scalar()
            if started is None:
                return ()
            batches, records = self._load(connection, started, started + 1)
            return self._compute(connection, batches, records).hints.get(ident, ())

        return self._database.read(work)

    def _match_slice(self, connection: Connection, start: int, end: int) -> None:
        batches, records = self._load(connection, start, end)
        found = self._compute(connection, batches, records)
        if found.foreign and self._shared is None:
            until = int(connection.execute(select(now_ms())).scalar_one()) + SHARED_FOR
            if not self._is_shared(connection):
                logger.warning("delivery reports name numbers that this mailbox did not text: others use the account")
            set_meta(connection, self._shared_name, str(until))
            found = self._compute(connection, batches, records)
        # What lies at the edge of what was loaded may depend on more than that.
        near = (start - 2 * self._window, end + 2 * self._window)
        matched = {one.record: one for one in found.matches}
        touched = self._write_records(
            connection, [row for row in records.values() if row.at is not None and near[0] <= row.at < near[1]], matched
        )
        core = [row for row in batches.values() if row.started is not None and near[0] <= row.started < near[1]]
        self._write_batches(connection, core, found.claimed)
        self._write_recipients(connection, touched, records.values(), matched)

    def _is_shared(self, connection: Connection) -> bool:
        if self._shared is not None:
            return self._shared
        until = connection.execute(select(meta.c.value).where(meta.c.name == self._shared_name)).scalar()
        return until is not None and int(until) > int(connection.execute(select(now_ms())).scalar_one())

    def _compute(
        self, connection: Connection, batches: Mapping[int, AnyRow], records: Mapping[int, AnyRow]
    ) -> Matching:
        sent = (SentBatch(row.id, tuple(row.mobiles.split(",")), row.started, row.batch_id) for row in batches.values())
        reported = (
            Record(row.id, row.mobile, row.batch_id, row.at, DeliveryStatus(row.status)) for row in records.values()
        )
        return match_records(sent, reported, window=self._window, shared=self._is_shared(connection))

    def _load(self, connection: Connection, start: int, end: int) -> tuple[dict[int, AnyRow], dict[int, AnyRow]]:
        """Return the batches and records that matching needs for a slice of time, by id."""
        margin = 4 * self._window
        reports = select(
            record.c.id,
            record.c.mobile,
            record.c.batch_id,
            record.c.at,
            record.c.status,
            record.c.batch,
            record.c.evidence,
        ).where(record.c.account == self._account, record.c.kind == "report")
        records = {
            row.id: row
            for row in connection.execute(reports.where(record.c.at >= start - margin, record.c.at < end + margin))
        }
        ids = sorted({row.batch_id for row in records.values() if row.batch_id})
        for some in _chunks(ids):
            # Of other times too: a record of an id that contradicts a match counts, whenever it says it was sent.
            records |= {row.id: row for row in connection.execute(reports.where(record.c.batch_id.in_(some)))}
        started = select(
            batch.c.id,
            batch.c.mobiles,
            batch.c.started,
            batch.c.batch_id,
            batch.c.matched_id,
            batch.c.state,
            batch.c.evidence,
        ).where(
            batch.c.account == self._account,
            batch.c.started.is_not(None),
            batch.c.state.in_([state.value for state in _SENT]),
        )
        wide = margin + self._window
        batches = {
            row.id: row
            for row in connection.execute(started.where(batch.c.started >= start - wide, batch.c.started < end + wide))
        }
        for some in _chunks(ids):
            batches |= {row.id: row for row in connection.execute(started.where(batch.c.batch_id.in_(some)))}
        return batches, records

    def _write_records(self, connection: Connection, rows: Iterable[AnyRow], matched: Mapping[int, Match]) -> set[int]:
        touched: set[int] = set()
        for row in rows:
            match = matched.get(row.id)
            ident = match.batch if match else None
            evidence = match.evidence if match else Evidence.NONE
            if (ident, evidence) == (row.batch, row.evidence):
                continue
            touched |= {one for one in (ident, row.batch) if one is not None}
            values = {"batch": ident, "evidence": int(evidence)}
            connection.execute(update(record).where(record.c.id == row.id).values(values))
        return touched

    def _write_batches(self, connection: Connection, rows: Iterable[AnyRow], claimed: Mapping[int, str]) -> None:
        for row in rows:
            matched_id = claimed.get(row.id)
            if row.batch_id is not None or matched_id == row.matched_id:
                continue
            connection.execute(update(batch).where(batch.c.id == row.id).values(matched_id=matched_id))
            # Looked at once more, now that the row is locked: a sweep may have made it unknown since it was loaded.
            found = select(batch.c.id, batch.c.state, batch.c.evidence).where(batch.c.id == row.id)
            now = connection.execute(found.with_for_update()).one()
            state = State(now.state)
            if matched_id is not None and state is State.UNKNOWN:
                reason = MATCHED
                after, evidence = State.ACCEPTED, Evidence.MATCH
            elif matched_id is None and state is State.ACCEPTED and now.evidence == Evidence.MATCH:
                reason = "a later delivery report contradicts the match"
                after, evidence = State.UNKNOWN, Evidence.NONE
            else:
                continue
            self._store.change(connection, [now], after, by="matching", evidence=evidence, reason=reason)

    def _write_recipients(
        self,
        connection: Connection,
        touched: set[int],
        records: Iterable[AnyRow],
        matched: Mapping[int, Match],
    ) -> None:
        best: dict[tuple[int, str], tuple[DeliveryStatus, Evidence]] = {}
        for row in records:
            match = matched.get(row.id)
            if match is not None and match.batch in touched:
                key = match.batch, match.mobile
                best[key] = best_status(best.get(key), (DeliveryStatus(row.status), match.evidence))
        for some in _chunks(sorted(touched)):
            connection.execute(delete(recipient).where(recipient.c.batch.in_(some)))
        rows = [
            {"batch": ident, "mobile": mobile, "delivery": int(status), "evidence": int(evidence)}
            for (ident, mobile), (status, evidence) in best.items()
        ]
        if rows:
            connection.execute(insert(recipient), rows)


def _chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), _IDS):
        yield items[start : start + _IDS]
