"""The events of the sandbox's gateway: a numbered list that only grows at its end, and whose oldest are forgotten.

Tests wait for events, and so does the page; neither touches the queues that polls consume. Nothing here knows HTTP.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeVar

T = TypeVar("T")

EventKind = Literal[
    "sent",
    "refused",
    "fault",
    "report queued",
    "report consumed",
    "report withdrawn",
    "reply queued",
    "reply consumed",
    "balance",
    "rules",
    "reset",
]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that the gateway refused.

    Attributes:
        operation: the operation.
        words: what follows ``failure;``.
        mobiles: the recipients of a send.
        text: the text of a send.
    """

    operation: str
    words: str
    mobiles: tuple[str, ...] = field(default=(), repr=False)
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class FaultHappened:
    """A fault on demand that was carried out.

    Attributes:
        operation: the operation; None if the request could not be read.
        what: what happened instead of the usual answer, in a few words.
    """

    operation: str | None
    what: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in the gateway.

    Attributes:
        seq: its number: 1 for the first one; no number is omitted.
        kind: what happened.
        at: the time, by the gateway's clock.
        username: the account; empty if it concerns no single one.
        record: the ``Message`` of ``sent``, the ``Refusal`` of ``refused``, the ``FaultHappened`` of ``fault``, a tuple
            of delivery reports or replies for each of their kinds; else None.
    """

    seq: int
    kind: EventKind
    at: datetime
    username: str
    record: object = field(default=None, repr=False)


class EventLog:
    """The last events. Safe in threads.

    Args:
        limit: how many events are kept at least; up to twice as many are.
        first: the number of the next event.
    """

    def __init__(self, limit: int, first: int = 1) -> None:
        self._limit = limit
        self._next = first
        self._events: list[Event] = []
        self._changed = threading.Condition()

    @property
    def last(self) -> int:
        """The number of the last event; 0 before the first."""
        return self._next - 1

    def append(self, kind: EventKind, at: datetime, username: str = "", record: object = None) -> Event:
        """Add an event, and wake all that wait."""
        with self._changed:
            event = Event(self._next, kind, at, username, record)
            self._next += 1
            self._events.append(event)
            if len(self._events) > 2 * self._limit:
                del self._events[: self._limit]
            self._changed.notify_all()
            return event

    def since(self, seq: int) -> list[Event]:
        """Return the events after that number, as far as they are kept."""
        with self._changed:
            start = self._next - len(self._events)
            return self._events[max(0, seq + 1 - start) :]

    def wait(
        self,
        seq: int,
        found: Callable[[Event], T | None],
        timeout: float,
        *,
        stopped: Callable[[], bool] = lambda: False,
    ) -> T | None:
        """Return what a function finds in the events after that number, in those that are there and in new ones.

        Args:
            seq: the number after which to look.
            found: called with each event, without a lock; what it returns ends the wait, unless it is None.
            timeout: seconds to wait at most.
            stopped: checked before each wait, and after ``wake``; True ends the wait.

        Returns:
            What was found, or None.
        """
        deadline = time.monotonic() + timeout
        while True:
            events = self.since(seq)
            for event in events:
                value = found(event)
                if value is not None:
                    return value
                seq = event.seq
            with self._changed:
                while self.last <= seq:
                    left = deadline - time.monotonic()
                    if left <= 0 or stopped():
                        return None
                    self._changed.wait(left)

    def wake(self) -> None:
        """Have each wait check whether it is stopped."""
        with self._changed:
            self._changed.notify_all()
