"""The fields of a poll's records to models: one record at a time, or column by column if nothing is malformed.

How the fields were found is not known here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from jzysoap.model.values import DeliveryReport, DeliveryStatus, Reply
from jzysoap.results.fast import Columns

T = TypeVar("T")

CHINA = timezone(timedelta(hours=8))
"""The vendor's local time; China keeps it all year."""

_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?")
_TIMES = re.compile(r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.0)?)*")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*")
_PADDED = re.compile(r"(?:[A-Za-z0-9+/]*={0,2}\n)*")
_STATUSES = {str(status.value): status for status in DeliveryStatus}
_REPORT_FIELDS = frozenset(("mobile", "username", "smslogid", "status", "sendtime"))
_REPLY_FIELDS = frozenset(("mobile", "receiver", "content", "sendtime"))


def make_report(fields: dict[str, str]) -> DeliveryReport | None:
    """Return the delivery report of a record's fields (docs/protocol.md#delivery-reports); None without a mobile."""
    mobile = fields.get("mobile", "").strip()
    if not mobile:
        return None
    username = fields.get("username", "").strip() or None
    batch_id = fields.get("smslogid", "").strip() or None
    status = _STATUSES.get(fields.get("status", "").strip())
    sent_at = _time(fields.get("sendtime", ""))
    malformed = None in (username, batch_id, status, sent_at) or _is_malformed(fields, _REPORT_FIELDS)
    return DeliveryReport(
        mobile,
        username,
        batch_id,
        DeliveryStatus.UNKNOWN if status is None else status,
        sent_at,
        fields if malformed else None,
    )


def make_reply(fields: dict[str, str], encoding: str) -> Reply | None:
    """Return the reply of a record's fields (docs/protocol.md#replies), read in that charset; None without a mobile."""
    mobile = fields.get("mobile", "").strip()
    if not mobile:
        return None
    receiver = fields.get("receiver", "").strip() or None
    content = fields.get("content", "")
    received_at = _time(fields.get("sendtime", ""))
    data = _base64(content)
    if data is None:
        # The content is not BASE64, so it is the text itself.
        raw, text = content.encode(), content
    else:
        raw, text = data, data.decode(encoding, "replace")
    malformed = None in (receiver, data, received_at) or "\ufffd" in text or _is_malformed(fields, _REPLY_FIELDS)
    return Reply(mobile, receiver, text, raw, received_at, fields if malformed else None)


def make_reports(columns: Columns) -> list[DeliveryReport] | None:
    """Return the report of each record; None if one has no mobile."""
    return _report_columns(columns) or _rows(make_report, columns)


def make_replies(columns: Columns, encoding: str) -> list[Reply] | None:
    """Return the reply of each record; None if one has no mobile."""
    return _reply_columns(columns, encoding) or _rows(partial(make_reply, encoding=encoding), columns)


class Schema(NamedTuple, Generic[T]):
    """A kind of document.

    Attributes:
        root: the name of the root element.
        record: the name of a record's element.
        read: makes the model of one record from its fields; None if it has no mobile.
        read_all: makes the models of many records from the columns of their values; None if one has no mobile.
    """

    root: str
    record: str
    read: Callable[[dict[str, str]], T | None]
    read_all: Callable[[Columns], list[T] | None]


REPORTS = Schema("smsreport", "psreport", make_report, make_reports)


def replies_schema(encoding: str = "gb18030") -> Schema[Reply]:
    """Return the schema of a document of replies, whose texts are in that charset."""
    return Schema(
        "smsrerecv", "psrerecv", partial(make_reply, encoding=encoding), partial(make_replies, encoding=encoding)
    )


def _rows(read: Callable[[dict[str, str]], T | None], columns: Columns) -> list[T] | None:
    models = [read(dict(zip(columns, values, strict=True))) for values in zip(*columns.values(), strict=True)]
    found = [model for model in models if model is not None]
    # A record without a mobile is reported verbatim, which only the slow path can do.
    return found if len(found) == len(models) else None


def _report_columns(columns: Columns) -> list[DeliveryReport] | None:
    """Return delivery reports made column by column; None if anything in any of them may be malformed."""
    if columns.keys() != _REPORT_FIELDS:
        return None
    mobiles = _present(columns["mobile"])
    usernames, batch_ids = _present(columns["username"]), _present(columns["smslogid"])
    statuses = _each(columns["status"], lambda code: _STATUSES.get(code.strip()))
    times = _moments(columns["sendtime"])
    if mobiles is None or usernames is None or batch_ids is None or statuses is None or times is None:
        return None
    return list(map(DeliveryReport, mobiles, usernames, batch_ids, statuses, times))


def _reply_columns(columns: Columns, encoding: str) -> list[Reply] | None:
    """Return replies made column by column; None if anything in any of them may be malformed."""
    if columns.keys() != _REPLY_FIELDS:
        return None
    contents = columns["content"]
    if any(len(content) % 4 for content in contents) or not _PADDED.fullmatch("\n".join([*contents, ""])):
        return None
    mobiles, receivers = _present(columns["mobile"]), _present(columns["receiver"])
    data = list(map(binascii.a2b_base64, contents))
    texts = [part.decode(encoding, "replace") for part in data]
    times = _moments(columns["sendtime"])
    if mobiles is None or receivers is None or times is None or "\ufffd" in "".join(texts):
        return None
    return list(map(Reply, mobiles, receivers, texts, data, times))


def _each(values: list[str], read: Callable[[str], T | None]) -> list[T] | None:
    """Return a column of values read one by one, each different value once; None if one of them cannot be read."""
    known = {value: read(value) for value in set(values)}
    return None if None in known.values() else list(map(known.__getitem__, values))  # type: ignore[arg-type]  # no None


def _present(values: list[str]) -> list[str] | None:
    """Return a column without the blanks around each value; None if one is empty."""
    return _each(values, lambda value: value.strip() or None)


def _moments(times: list[str]) -> list[datetime] | None:
    """Return a column of times in the vendor's spelling; None if one is missing, spelled otherwise, or no time."""
    if set(map(len, times)) not in ({19}, {21}) or not _TIMES.fullmatch("".join(times)):
        return None
    different = set(times)
    try:
        moments = [datetime.fromisoformat(time[:19]).replace(tzinfo=CHINA) for time in different]
    except ValueError:
        return None
    return list(map(dict(zip(different, moments, strict=True)).__getitem__, times))


def _is_malformed(fields: dict[str, str], known: frozenset[str]) -> bool:
    return fields.keys() != known or any("\ufffd" in value for value in fields.values())


def _time(text: str) -> datetime | None:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    try:
        time = datetime.fromisoformat(match[1]).replace(tzinfo=CHINA)
    except ValueError:
        return None
    fraction = match[2]
    # Nearly all end with ".0", as java.sql.Timestamp writes them.
    return time.replace(microsecond=int(fraction[:6].ljust(6, "0"))) if fraction and fraction != "0" else time


def _base64(text: str) -> bytes | None:
    """Return the bytes of BASE64 of either alphabet, with or without padding; None if the text is not BASE64."""
    packed = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    if len(packed) % 4 == 1 or not _BASE64.fullmatch(packed):
        return None
    return base64.b64decode(packed + "=" * (-len(packed) % 4))
