"""Documents of delivery reports and of replies, as the vendor's page shows them."""

from __future__ import annotations

from tests.kit.samples import MOBILE, USERNAME

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'


def report(mobile: str = MOBILE, batch_id: str = "66", status: int = 1, *, username: str = USERNAME) -> str:
    """One delivery report."""
    return (
        f"<psreport><mobile>{mobile}</mobile><username>{username}</username><smslogid>{batch_id}</smslogid>"
        f"<status>{status}</status><sendtime>2012-08-16 01:05:39.0</sendtime></psreport>"
    )


def reports(*records: str) -> str:
    """A document of delivery reports."""
    return f"{DECLARATION}<smsreport>{''.join(records)}</smsreport>"


def inbound(mobile: str, content: str, *, receiver: str = USERNAME) -> str:
    """One reply, with the BASE64 of its text."""
    return (
        f"<psrerecv><mobile>{mobile}</mobile><receiver>{receiver}</receiver><content>{content}</content>"
        "<sendtime>2012-08-16 01:05:39.0</sendtime></psrerecv>"
    )


def replies(*records: tuple[str, str]) -> str:
    """A document of replies, each a number and the BASE64 of a text."""
    return f"{DECLARATION}<smsrerecv>{''.join(inbound(*record) for record in records)}</smsrerecv>"
