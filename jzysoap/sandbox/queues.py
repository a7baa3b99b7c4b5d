"""The queues that polls consume: delivery reports and replies that wait, or that a poll returned.

Nothing here knows HTTP.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from jzysoap.model.values import DeliveryReport, Reply

R = TypeVar("R", DeliveryReport, Reply)

MAX_POLLED = 1000
"""The number of records that a poll returned that are kept to be looked at."""


@dataclass(slots=True, eq=False)
class Queued(Generic[R]):
    """A record on its way to the client.

    Attributes:
        record: the delivery report or the reply.
        due: the time from which a poll returns it.
        message: the batch id of the send that it belongs to; None if it was injected.
        polled_at: the time of the poll that returned it; None while it waits.
        withdrawn: True if no poll shall return it any more.
        key: its key in the file that keeps it over a restart; None without one.
    """

    record: R
    due: datetime
    message: str | None = None
    polled_at: datetime | None = None
    withdrawn: bool = field(default=False, repr=False)
    key: int | None = field(default=None, repr=False)
    _place: int = field(default=0, init=False, repr=False)

    @property
    def waits(self) -> bool:
        """True if a poll can still return it."""
        return self.polled_at is None and not self.withdrawn


AnyQueued = Queued[DeliveryReport] | Queued[Reply]


class Queue(Generic[R]):
    """The records of an account that wait to be polled, and the last ones that were."""

    def __init__(self) -> None:
        self._count = itertools.count(1)
        # By the time from which a poll returns them; those of the same time in the order in which they were added.
        self._heap: list[tuple[datetime, int, Queued[R]]] = []
        self._withdrawn = 0
        self.polled: deque[Queued[R]] = deque(maxlen=MAX_POLLED)

    def __len__(self) -> int:
        return len(self._heap) - self._withdrawn

    def add(self, entry: Queued[R]) -> None:
        """Add a record, which polls return from its due time on."""
        entry._place = entry._place or next(self._count)
        heapq.heappush(self._heap, (entry.due, entry._place, entry))

    def waiting(self, limit: int) -> list[Queued[R]]:
        """Return the records that wait, the latest first, so many at most."""
        waiting = (one for one in self._heap if not one[2].withdrawn)
        return [entry for _, _, entry in heapq.nlargest(limit, waiting, key=lambda one: one[:2])]

    def take(self, now: datetime, limit: int | None) -> list[Queued[R]]:
        """Remove and return the records that are due, the earliest first, so many at most; None for all."""
        taken: list[Queued[R]] = []
        while self._heap and self._heap[0][0] <= now and (limit is None or len(taken) < limit):
            entry = heapq.heappop(self._heap)[2]
            if entry.withdrawn:
                self._withdrawn -= 1
            else:
                taken.append(entry)
        return taken

    def give_back(self, taken: Iterable[Queued[R]]) -> None:
        """Have records that were taken wait again, in their places."""
        for entry in taken:
            self.add(entry)

    def mark_polled(self, taken: Iterable[Queued[R]], now: datetime) -> None:
        """Note the time of the poll that returned these records, and keep them to be looked at."""
        for entry in taken:
            entry.polled_at = now
            self.polled.append(entry)

    def withdraw(self, entries: Iterable[Queued[R]]) -> None:
        """Have no poll return these records, as far as they still wait."""
        for entry in entries:
            if entry.waits:
                entry.withdrawn = True
                self._withdrawn += 1
        # Removed all at once, when half of the heap is of no use: one by one, each would cost the length of the heap.
        if self._withdrawn * 2 > len(self._heap):
            self._heap = [one for one in self._heap if not one[2].withdrawn]
            heapq.heapify(self._heap)
            self._withdrawn = 0
