"""The records that a message causes: its delivery reports, and the replies that rules make to it.

Nothing here changes the gateway's state, but that a rule counts how often it was applied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from jzysoap.model.values import DeliveryReport, DeliveryStatus, Reply
from jzysoap.sandbox.delivery import Delivery
from jzysoap.sandbox.messages import Message
from jzysoap.sandbox.queues import Queued
from jzysoap.sandbox.rules import STATUSES, Rules

Status = DeliveryStatus | Mapping[str, DeliveryStatus | None] | Callable[[str], DeliveryStatus | None]
"""The status that the reports will have: the same for all numbers, by number (others are delivered), or returned by a
function for each number. None means that nothing is reported."""


def plan_reports(message: Message, usual: Status, delivery: Delivery, rules: Rules) -> list[Queued[DeliveryReport]]:
    """Return the reports of a message, with the times from which polls return them.

    Args:
        message: the message.
        usual: the status of numbers that no rule is for.
        delivery: how reports come back that no rule is for.
        rules: the rules in force.
    """
    ruled = rules.take("report", message.mobiles, message.text)
    decided = {number for _, numbers in ruled for number in numbers}
    statuses = [(number, _status(usual, number)) for number in message.mobiles if number not in decided]
    planned = list(_plan(message, statuses, delivery))
    for rule, numbers in ruled:
        way = replace(delivery, delay=rule.delay, spread=0.0, copies=rule.copies, order=rule.order)
        planned += _plan(message, [(number, STATUSES[rule.status]) for number in numbers], way)
    return planned


def plan_replies(message: Message, rules: Rules) -> list[Queued[Reply]]:
    """Return the replies that rules make to a message."""
    found = []
    for rule, numbers in rules.take("reply", message.mobiles, message.text):
        at = message.sent_at + timedelta(seconds=rule.delay)
        found += [queue_reply(message.username, number, rule.reply, at, at, message.batch_id) for number in numbers]
    return found


def queue_reply(
    username: str, mobile: str, text: str, received_at: datetime, due: datetime, message: str | None = None
) -> Queued[Reply]:
    """Return a reply as it is queued; its bytes are in GB18030."""
    return Queued(Reply(mobile, username, text, text.encode("gb18030"), received_at), due, message)


def _plan(
    message: Message, statuses: Iterable[tuple[str, DeliveryStatus | None]], delivery: Delivery
) -> Iterable[Queued[DeliveryReport]]:
    reports = [
        DeliveryReport(number, message.username, message.batch_id, status, message.sent_at)
        for number, status in statuses
        if status is not None
    ]
    for due, report in delivery.plan(reports, message.sent_at, message.batch_id):
        yield Queued(report, due, message.batch_id)


def _status(usual: Status, number: str) -> DeliveryStatus | None:
    if isinstance(usual, Mapping):
        return usual.get(number, DeliveryStatus.DELIVERED)
    return usual(number) if callable(usual) else usual
