"""Delivery reports on their way back: when they come, how often, in which order, and with which batch id.

Real gateways report late, out of order, twice, or with a batch id that no answer had. Nothing here knows HTTP.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, get_args

from jzysoap.model.errors import ConfigurationError
from jzysoap.model.values import DeliveryReport

Order = Literal["sent", "reversed", "shuffled"]
BatchIds = Literal["own", "padded", "other", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How the delivery reports of a message come back. The same send always gives the same reports.

    Attributes:
        delay: seconds from the send to its first report, by the gateway's clock. Without one, reports are waiting
            before the send is answered.
        spread: seconds over which a message's reports are spread, in a random order.
        order: the order of the reports of one message: that of its numbers, the reverse, or a random one.
        copies: how often each report comes.
        batch_ids: ``"own"`` for the id of the send; ``"padded"`` for that id with leading zeros; ``"other"`` for an id
            that no send has, the same for all numbers of the message; ``"none"`` for an empty one.

    Raises:
        ConfigurationError: a value that cannot be used.
    """

    delay: float = 0.0
    spread: float = 0.0
    order: Order = "sent"
    copies: int = 1
    batch_ids: BatchIds = "own"

    def __post_init__(self) -> None:
        if not (0 <= self.delay < 1e9 and 0 <= self.spread < 1e9):
            raise ConfigurationError("delay and spread must be numbers of seconds, zero or more")
        if not 1 <= self.copies <= 100:
            raise ConfigurationError("copies must be a whole number from 1 to 100")
        for name, value, allowed in (
            ("order", self.order, get_args(Order)),
            ("batch_ids", self.batch_ids, get_args(BatchIds)),
        ):
            if value not in allowed:
                raise ConfigurationError(f"{name} must be one of {', '.join(map(repr, allowed))}")

    def plan(
        self, reports: Iterable[DeliveryReport], now: datetime, batch_id: str
    ) -> Iterator[tuple[datetime, DeliveryReport]]:
        """Yield the reports of one message as they come back, each with the time from which a poll returns it.

        Args:
            reports: one for each number, with the id of the send.
            now: the time of the send.
            batch_id: the id of the send.
        """
        chance = random.Random(batch_id)  # noqa: S311  # no secret
        shown = {
            "own": batch_id,
            "padded": batch_id.zfill(15),
            # Made of another leading digit, which the ids of sends never get to.
            "other": f"9{batch_id}",
            "none": None,
        }[self.batch_ids]
        found = [replace(report, batch_id=shown) for report in reports for _ in range(self.copies)]
        if self.order == "reversed":
            found.reverse()
        elif self.order == "shuffled":
            chance.shuffle(found)
        for report in found:
            yield now + timedelta(seconds=self.delay + chance.random() * self.spread), report
