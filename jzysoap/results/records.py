"""The fields of a poll's records to models: one record at a time, or column by column where nothing is odd in any.

How the fields were found is not known here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from functools import partial
from itertools import repeat
from operator import itemgetter, methodcaller
from typing import Any, TypeVar

from jzysoap.model.values import DeliveryReport, DeliveryStatus, Reply
from jzysoap.results.fast import Columns

T = TypeVar("T")

CHINA = timezone(timedelta(hours=8))
"""The vendor's local time; China keeps it all year."""

_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?")
_TIMES = re.compile(r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.0)?)*")
_TO_SECONDS = itemgetter(slice(19))
_TO_CHINA = methodcaller("replace", tzinfo=CHINA)
_BASE64 = re.compile(r"[A-Za-z0-9+/]*")
_PADDED = re.compile(r"(?:[A-Za-z0-9+/]*={0,2}\n)*")
_STATUSES = {str(status.value): status for status in DeliveryStatus}
_REPORT_FIELDS = frozenset(("mobile", "username", "smslogid", "status", "sendtime"))
_REPLY_FIELDS = frozenset(("mobile", "receiver", "content", "sendtime"))


def make_report(fields: dict[str, str]) -> DeliveryReport | None:
    """A delivery report (vendor page, "获取下行状态报告接口"); None without a mobile."""
    mobile = fields.get("mobile", "").strip()
    if not mobile:
        return None
    username = fields.get("username", "").strip() or None
    batch_id = fields.get("smslogid", "").strip() or None
    status = _STATUSES.get(fields.get("status", "").strip())
    sent_at = _time(fields.get("sendtime", ""))
    odd = None in (username, batch_id, status, sent_at) or _is_odd(fields, _REPORT_FIELDS)
    return DeliveryReport(
        mobile,
        username,
        batch_id,
        DeliveryStatus.UNKNOWN if status is None else status,
        sent_at,
        fields if odd else None,
    )


def make_reply(fields: dict[str, str], encoding: str) -> Reply | None:
    """A reply (vendor page, "上行回复接口"), its text in that charset; None without a mobile."""
    mobile = fields.get("mobile", "").strip()
    if not mobile:
        return None
    receiver = fields.get("receiver", "").strip() or None
    content = fields.get("content", "")
    received_at = _time(fields.get("sendtime", ""))
    data = _base64(content)
    if data is None:
        # Not encoded at all, then: what is there is what was written.
        raw, text = content.encode(), content
    else:
        raw, text = data, data.decode(encoding, "replace")
    odd = None in (receiver, data, received_at) or "\ufffd" in text or _is_odd(fields, _REPLY_FIELDS)
    return Reply(mobile, receiver, text, raw, received_at, fields if odd else None)


def make_reports(columns: Columns) -> list[DeliveryReport] | None:
    """What ``make_report`` makes of each record; None where one has no mobile."""
    return _report_columns(columns) or _rows(make_report, columns)


def make_replies(columns: Columns, encoding: str) -> list[Reply] | None:
    """What ``make_reply`` makes of each record; None where one has no mobile."""
    return _reply_columns(columns, encoding) or _rows(partial(make_reply, encoding=encoding), columns)


def _rows(read: Callable[[dict[str, str]], T | None], columns: Columns) -> list[T] | None:
    models = [read(dict(zip(columns, values, strict=True))) for values in zip(*columns.values(), strict=True)]
    # A record without a mobile is to be shown as it came.
    return None if any(model is None for model in models) else models  # type: ignore[return-value]  # none is None


def _report_columns(columns: Columns) -> list[DeliveryReport] | None:
    """Delivery reports with nothing odd in any of them, made column by column; None where there may be."""
    if columns.keys() != _REPORT_FIELDS:
        return None
    statuses = {code: _STATUSES.get(code.strip()) for code in set(columns["status"])}
    if None in statuses.values():
        return None
    return _made(
        DeliveryReport,
        len(columns["mobile"]),
        mobile=_present(columns["mobile"]),
        username=_present(columns["username"], repeated=True),
        batch_id=_present(columns["smslogid"], repeated=True),
        status=map(statuses.__getitem__, columns["status"]),
        sent_at=_moments(columns["sendtime"]),
        raw_fields=repeat(None),
    )


def _reply_columns(columns: Columns, encoding: str) -> list[Reply] | None:
    """The same for replies."""
    if columns.keys() != _REPLY_FIELDS:
        return None
    contents = columns["content"]
    if any(len(content) % 4 for content in contents) or not _PADDED.fullmatch("\n".join([*contents, ""])):
        return None
    raw = list(map(binascii.a2b_base64, contents))
    text = [data.decode(encoding, "replace") for data in raw]
    if "\ufffd" in "".join(text):
        return None
    return _made(
        Reply,
        len(contents),
        mobile=_present(columns["mobile"]),
        receiver=_present(columns["receiver"], repeated=True),
        text=text,
        raw=raw,
        received_at=_moments(columns["sendtime"]),
        raw_fields=repeat(None),
    )


def _present(values: list[str], *, repeated: bool = False) -> list[str] | None:
    """A column without the blanks around each value; None where one is empty. Where they repeat, each is kept once."""
    if repeated:
        stripped = {value: value.strip() for value in set(values)}
        return list(map(stripped.__getitem__, values)) if all(stripped.values()) else None
    plain = list(map(str.strip, values))
    return plain if all(plain) else None


def _moments(times: list[str]) -> list[datetime] | None:
    """A column of times as the vendor writes them; None where one is missing, written otherwise, or no time."""
    # Most of a batch's records are of the same few seconds.
    different = list(set(times))
    repeated = 2 * len(different) < len(times)
    read = different if repeated else times
    if set(map(len, read)) not in ({19}, {21}) or not _TIMES.fullmatch("".join(read)):
        return None
    try:
        moments = list(map(_TO_CHINA, map(datetime.fromisoformat, map(_TO_SECONDS, read))))
    except ValueError:
        return None
    return list(map(dict(zip(read, moments, strict=True)).__getitem__, times)) if repeated else moments


def _made(model: type[T], count: int, **columns: Iterable[Any] | None) -> list[T] | None:
    """So many models of columns, in place of the constructor, which as a frozen class's takes three times as long."""
    if None in columns.values():
        return None
    models = list(map(object.__new__, repeat(model, count)))
    for name, values in columns.items():
        deque(map(getattr(model, name).__set__, models, values), 0)  # type: ignore[arg-type]  # no column is None
    return models


def _is_odd(fields: dict[str, str], known: frozenset[str]) -> bool:
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
    # Nearly all have ".0", as java.sql.Timestamp writes them.
    return time.replace(microsecond=int(fraction[:6].ljust(6, "0"))) if fraction and fraction != "0" else time


def _base64(text: str) -> bytes | None:
    """The bytes of BASE64 of either alphabet, with line breaks and without padding too; None where it is none."""
    packed = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    if len(packed) % 4 == 1 or not _BASE64.fullmatch(packed):
        return None
    return base64.b64decode(packed + "=" * (-len(packed) % 4))
