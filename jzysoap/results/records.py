"""The fields of one record of a poll to its model.

How the fields were found is not known here.
"""

from __future__ import annotations

import base64
import re
from datetime import datetime

from jzysoap.model.values import CHINA, DeliveryReport, DeliveryStatus, Reply

_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*")
STATUSES = {str(status.value): status for status in DeliveryStatus}
REPORT_FIELDS = frozenset(("mobile", "username", "smslogid", "status", "sendtime"))
REPLY_FIELDS = frozenset(("mobile", "receiver", "content", "sendtime"))


def make_report(fields: dict[str, str]) -> DeliveryReport | None:
    """Return the delivery report of a record's fields (docs/protocol.md#delivery-reports); None without a mobile."""
    mobile = fields.get("mobile", "").strip()
    if not mobile:
        return None
    username = fields.get("username", "").strip() or None
    batch_id = fields.get("smslogid", "").strip() or None
    status = STATUSES.get(fields.get("status", "").strip())
    sent_at = _time(fields.get("sendtime", ""))
    malformed = None in (username, batch_id, status, sent_at) or _is_malformed(fields, REPORT_FIELDS)
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
    malformed = None in (receiver, data, received_at) or "\ufffd" in text or _is_malformed(fields, REPLY_FIELDS)
    return Reply(mobile, receiver, text, raw, received_at, fields if malformed else None)


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
