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
# Characters from which on a content of BASE64 characters is hardly a word, and of the longest word in one case.
_NO_WORD_FROM, _LONGEST_WORD = 12, 16
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
    raw, text, is_usual = read_content(content, encoding)
    malformed = None in (receiver, received_at) or not is_usual or _is_malformed(fields, REPLY_FIELDS)
    return Reply(mobile, receiver, text, raw, received_at, fields if malformed else None)


def read_content(content: str, encoding: str) -> tuple[bytes, str, bool]:
    """Return the bytes and the text of a reply's content, and False if there is any doubt about them.

    The content should be BASE64. Some gateways send the text itself, and some turn ``+`` into a blank, as a decoder of
    forms does.
    """
    packed = re.sub(r"\s*[\r\n\t]\s*", "", content)
    data = _base64(packed)
    if data is not None:
        text = data.decode(encoding, "replace")
        # "stop" is valid BASE64 of two characters, "TD" is not.
        padded, word = len(packed.strip()) % 4 == 0, _is_word(packed)
        if (padded and not word) or len(packed) >= _NO_WORD_FROM or _is_likely_text(text, encoding):
            return data, text, not word and "\ufffd" not in text and " " not in packed.strip()
    # The content is not BASE64, so it is the text itself.
    return content.encode(), content, False


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
    # A blank may be white space or a plus: the length tells.
    for spelled in dict.fromkeys((text.strip().replace(" ", "+"), text.replace(" ", "+"), text.replace(" ", ""))):
        packed = spelled.rstrip("=").replace("-", "+").replace("_", "/")
        padded = len(spelled) % 4 == 0
        if len(packed) % 4 == 1 or not _BASE64.fullmatch(packed):
            continue
        if not padded and (len(packed) < 4 or " " in text):
            continue
        data = base64.b64decode(packed + "=" * (-len(packed) % 4))
        # Without padding, the bits that are left over tell BASE64 from a word.
        if padded or base64.b64encode(data).decode("ascii").rstrip("=") == packed:
            return data
    return None


def _is_word(content: str) -> bool:
    """Return True if a content may be a text that was never encoded: ``TD``, ``stop``, ``1234``."""
    bare = content.strip()
    return bare.isdecimal() or (bare.isalpha() and len(bare) <= _LONGEST_WORD and (bare.islower() or bare.isupper()))


def _is_likely_text(text: str, encoding: str) -> bool:
    if not all(one.isprintable() or one in "\r\n\t" for one in text):
        return False
    # Nearly any two bytes are a character of GB18030. Words are made of those of GB2312.
    try:
        text.encode("gb2312" if encoding.lower().startswith("gb") else encoding)
    except UnicodeError:
        return False
    return "\ufffd" not in text
