"""Answers and records as the database keeps them: the contents of the rows of polls and records."""

from __future__ import annotations

import base64
import json
import zlib
from datetime import datetime
from typing import Any

from jzysoap.mailbox.database import AnyRow
from jzysoap.mailbox.rows import to_ms, to_time
from jzysoap.mailbox.values import StoredReply, StoredReport
from jzysoap.model.events import RawReply
from jzysoap.model.values import DeliveryReport, DeliveryStatus, Reply


def to_row(account: str, poll: int, place: int, one: DeliveryReport | Reply) -> dict[str, Any]:
    """Return the row of a record: what is unusual in it goes into a column of JSON."""
    rest: dict[str, Any] = {}
    if isinstance(one, DeliveryReport):
        kind, batch_id, status, at = "report", one.batch_id, int(one.status), one.sent_at
        if one.username != username_of(account):
            rest["username"] = one.username
    else:
        kind, batch_id, status, at = "reply", None, None, one.received_at
        rest = {"receiver": one.receiver, "text": one.text, "raw": base64.b64encode(one.raw).decode()}
    if one.raw_fields is not None:
        rest["raw_fields"] = dict(one.raw_fields)
    for name, value in (("mobile", one.mobile), ("batch_id", batch_id)):
        if value is not None and not _is_plain(value):
            rest[name] = value
    return {
        "poll": poll,
        "place": place,
        "account": account,
        "kind": kind,
        "state": "ready",
        "mobile": one.mobile if "mobile" not in rest else "",
        "batch_id": batch_id if "batch_id" not in rest else None,
        "status": status,
        "at": None if at is None else to_ms(at),
        "rest": json.dumps(rest) if rest else None,
    }


def username_of(account: str) -> str:
    """Return the name of an account, as the gateway has it."""
    # The gateway's address in front of it has no blank.
    return account.partition(" ")[2]


def _is_plain(text: str) -> bool:
    # What a column cannot hold in every database, such as NUL, is kept as JSON.
    return len(text) <= 64 and text.isascii() and text.isprintable()


def to_raw(row: AnyRow) -> RawReply:
    """Return the answer of a poll."""
    return RawReply(
        row.operation,
        row.interface,
        username_of(row.account),
        datetime.fromisoformat(row.received),
        row.status,
        row.content_type,
        zlib.decompress(row.body),
        row.problem,
    )


def to_stored(row: AnyRow) -> StoredReport | StoredReply:
    """Return the value of a record that is handed out."""
    rest: dict[str, Any] = json.loads(row.rest) if row.rest else {}
    at = None if row.at is None else to_time(row.at)
    mobile, fields = rest.get("mobile", row.mobile), rest.get("raw_fields")
    if row.kind == "reply":
        raw = base64.b64decode(rest["raw"])
        return StoredReply(row.id, Reply(mobile, rest["receiver"], rest["text"], raw, at, fields), row.attempt)
    batch_id, status = rest.get("batch_id", row.batch_id), DeliveryStatus(row.status)
    report = DeliveryReport(mobile, rest.get("username", username_of(row.account)), batch_id, status, at, fields)
    return StoredReport(row.id, report, row.message, row.key, row.attempt)
