"""The statements that only look at messages and batches, and the values made of their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select

from jzysoap.mailbox.database import AnyRow, now_ms
from jzysoap.mailbox.errors import not_found
from jzysoap.mailbox.matching import Evidence
from jzysoap.mailbox.rows import to_batch, to_time
from jzysoap.mailbox.schema import batch, event, poll, recipient, record
from jzysoap.mailbox.states import State
from jzysoap.mailbox.store import Store
from jzysoap.mailbox.values import Change, Count, Delivery, Message, Problem, StoredBatch
from jzysoap.model.values import DeliveryStatus


class Looks:
    """The look at one account's messages; each method is one transaction that only reads.

    Args:
        store: the messages.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    def message(self, ident: int) -> Message:
        return self._database.read(lambda connection: self._store.load(connection, ident))

    def find(self, key: str) -> Message | None:
        def work(connection: Connection) -> Message | None:
            row = self._store.find_key(connection, key)
            return None if row is None else self._store.load(connection, row.id)

        return self._database.read(work)

    def batch(self, ident: int) -> StoredBatch:
        found = self._mine(select(batch).where(batch.c.id == ident))
        row = self._database.read(lambda connection: connection.execute(found).first())
        if row is None:
            raise not_found("batch", ident)
        return to_batch(row)

    def in_state(self, state: State, limit: int) -> tuple[StoredBatch, ...]:
        found = self._mine(select(batch).where(batch.c.state == state.value)).order_by(batch.c.id).limit(limit)
        rows = self._database.read(lambda connection: connection.execute(found).all())
        return tuple(to_batch(row) for row in rows)

    def history(self, ident: int) -> tuple[Change, ...]:
        found = (
            self._mine(select(event).join(batch, batch.c.id == event.c.batch))
            .where(batch.c.message == ident)
            .order_by(event.c.id)
        )
        rows = self._database.read(lambda connection: connection.execute(found).all())
        return tuple(
            Change(
                row.batch,
                to_time(row.at),
                State(row.before),
                State(row.after),
                Evidence(row.evidence),
                row.by,
                row.reason,
            )
            for row in rows
        )

    def deliveries(self, ident: int) -> tuple[Delivery, ...]:
        """Return the fate of each recipient of a message; those of a batch that was superseded are not in it twice."""
        batches = (
            self._mine(select(batch.c.id, batch.c.mobiles))
            .where(batch.c.message == ident, batch.c.state != State.SUPERSEDED.value)
            .order_by(batch.c.place, batch.c.id)
        )

        def work(connection: Connection) -> tuple[Delivery, ...]:
            rows = connection.execute(batches).all()
            found = select(recipient).where(recipient.c.batch.in_([row.id for row in rows]))
            known = {(row.batch, row.mobile): DeliveryStatus(row.delivery) for row in connection.execute(found)}
            return tuple(
                Delivery(mobile, known.get((row.id, mobile))) for row in rows for mobile in row.mobiles.split(",")
            )

        return self._database.read(work)

    def has_polled(self) -> bool:
        """Return True if a poll was ever made."""
        found = select(poll.c.id).limit(1)
        if self._store.account is not None:
            found = found.where(poll.c.account == self._store.account)
        return self._database.read(lambda connection: connection.execute(found).first()) is not None

    def problems(self) -> tuple[Problem, ...]:
        """Return the polls whose answer was lost, and those whose answer cannot be read."""
        states = {"lost": "perhaps lost", "cut off": "cut off", "bad": "bad"}
        found = select(poll).where(poll.c.state.in_(list(states))).order_by(poll.c.id)
        if self._store.account is not None:
            found = found.where(poll.c.account == self._store.account)
        rows: Sequence[AnyRow] = self._database.read(lambda connection: connection.execute(found).all())
        return tuple(Problem(row.id, row.operation, states[row.state], to_time(row.asked), row.error) for row in rows)  # type: ignore[arg-type]  # one of three

    def counts(self) -> dict[str, Count]:
        """Return how many batches and records are in each state, and the age of the oldest."""

        def work(connection: Connection) -> dict[str, Count]:
            now = int(connection.execute(select(now_ms())).scalar_one())
            found: dict[str, Count] = {}
            for row in connection.execute(
                self._mine(
                    select(
                        batch.c.state,
                        func.count(),
                        func.min(batch.c.due),
                        func.min(batch.c.started),
                        func.min(batch.c.ended),
                    )
                ).group_by(batch.c.state)
            ):
                state, number, due, started, ended = row
                since = {State.QUEUED: due, State.SENDING: started}.get(State(state), ended)
                found[state] = Count(number, _age(now, since))
            records = select(record.c.kind, record.c.state, func.count(), func.min(poll.c.asked)).join(
                poll, poll.c.id == record.c.poll
            )
            if self._store.account is not None:
                records = records.where(record.c.account == self._store.account)
            for kind, state, number, asked in connection.execute(records.group_by(record.c.kind, record.c.state)):
                found[f"{kind} {state}"] = Count(number, _age(now, asked))
            return found

        return self._database.read(work)

    def _mine(self, found: Select[Any]) -> Select[Any]:
        return found if self._store.account is None else found.where(batch.c.account == self._store.account)


def _age(now: int, since: int | None) -> float:
    return max((now - (now if since is None else since)) / 1000, 0.0)
