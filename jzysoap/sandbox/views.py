"""The state of the gateway as values of JSON: messages, records, accounts, rules.

``schema`` describes these forms. The functions read the gateway's state: hold its lock.
"""

from __future__ import annotations

from typing import Any

from jzysoap._version import __version__
from jzysoap.model.values import Channel, DeliveryReport, Reply
from jzysoap.sandbox.accounts import Account
from jzysoap.sandbox.messages import Kept
from jzysoap.sandbox.queues import Queue, Queued, R
from jzysoap.sandbox.rules import KeptRule
from jzysoap.sandbox.state import Gateway

MAX_DELIVERIES = 200
"""The number of delivery reports of one message at most that are shown."""
MAX_QUEUED = 200
"""The number of records of one kind at most that are shown, waiting and polled each."""


def message_view(kept: Kept) -> dict[str, Any]:
    """Return a message with its delivery reports."""
    message = kept.message
    return {
        "id": message.batch_id,
        "seq": message.seq,
        "at": message.sent_at.isoformat(),
        "username": message.username,
        "interface": message.via,
        "channel": message.channel.name.lower(),
        "to": list(message.mobiles),
        "text": message.text,
        "signature": message.signature,
        "codes": list(message.codes),
        "segments": message.segments,
        "long": message.long,
        "extension": message.extension,
        "gbk": _is_gbk(message.text),
        "deliveries": [
            {
                "to": entry.record.mobile,
                "status": entry.record.status.name.lower(),
                "polled": entry.polled_at is not None,
                "due": entry.due.isoformat(),
            }
            for entry in kept.reports[:MAX_DELIVERIES]
        ],
        "delivery_count": len(kept.reports),
    }


def report_view(entry: Queued[DeliveryReport]) -> dict[str, Any]:
    """Return a delivery report on its way."""
    return {
        "to": entry.record.mobile,
        "username": entry.record.username,
        "message": entry.record.batch_id,
        "status": entry.record.status.name.lower(),
        "due": entry.due.isoformat(),
        "polled_at": None if entry.polled_at is None else entry.polled_at.isoformat(),
    }


def reply_view(entry: Queued[Reply]) -> dict[str, Any]:
    """Return a reply on its way."""
    return {
        "from": entry.record.mobile,
        "username": entry.record.receiver,
        "text": entry.record.text,
        "at": entry.due.isoformat(),
        "polled_at": None if entry.polled_at is None else entry.polled_at.isoformat(),
    }


def account_view(account: Account) -> dict[str, Any]:
    """Return an account without its password."""
    return {"username": account.username, **{one.name.lower(): account.balance[one] for one in Channel}}


def rule_view(kept: KeptRule) -> dict[str, Any]:
    """Return a rule as it is applied from now on."""
    return {"id": kept.key, **kept.as_json()}


def state_view(gateway: Gateway, url: str) -> dict[str, Any]:
    """Return the counts and accounts of the gateway."""
    accounts = list(gateway.accounts)
    return {
        "version": __version__,
        "seq": gateway.events.last,
        "gateway_url": url,
        "accounts": [account_view(account) for account in accounts],
        "rules": len(gateway.rules),
        "messages": len(gateway.messages),
        "reports_waiting": sum(len(account.reports) for account in accounts),
        "replies_waiting": sum(len(account.replies) for account in accounts),
    }


def queues_view(gateway: Gateway) -> dict[str, Any]:
    """Return the records that wait and those that were polled, the latest first."""
    accounts = list(gateway.accounts)
    return {
        "reports": {
            "waiting": [report_view(entry) for entry in _waiting([one.reports for one in accounts])],
            "polled": [report_view(entry) for entry in _polled([one.reports for one in accounts])],
        },
        "replies": {
            "waiting": [reply_view(entry) for entry in _waiting([one.replies for one in accounts])],
            "polled": [reply_view(entry) for entry in _polled([one.replies for one in accounts])],
        },
    }


def _waiting(queues: list[Queue[R]]) -> list[Queued[R]]:
    found = [entry for queue in queues for entry in queue.waiting(MAX_QUEUED)]
    return sorted(found, key=lambda entry: entry.due, reverse=True)[:MAX_QUEUED]


def _polled(queues: list[Queue[R]]) -> list[Queued[R]]:
    found = [(entry.polled_at, entry) for queue in queues for entry in queue.polled if entry.polled_at is not None]
    return [entry for _, entry in sorted(found, key=lambda one: one[0])[: -MAX_QUEUED - 1 : -1]]


def _is_gbk(text: str) -> bool:
    try:
        text.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True
