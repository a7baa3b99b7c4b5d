"""What the gateway's operations are called, take and answer, whichever interface they come through.

Arguments arrive as text by their names on the wire; a result string goes back. Nothing here knows HTTP or SOAP.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import escape

from jzysoap.model.values import Channel, DeliveryReport, Reply
from jzysoap.sandbox.question import Question
from jzysoap.sandbox.state import Gateway, RefusedError, UnknownAccountError

Empty = Literal["document", "string", "nil", "failure"]
"""What a poll with nothing to report answers; the vendor's page does not say."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the vendor's page leaves open, or deployments do differently.

    Attributes:
        empty: what a poll with nothing to report answers.
        soap_batch_ids: whether the web service names the batch id too, as the servlet does.
        encoded_password_change: whether the servlet's ``updatePassword`` takes both passwords as BASE64.
    """

    empty: Empty = "document"
    soap_batch_ids: bool = False
    encoded_password_change: bool = False


def perform(gateway: Gateway, behaviour: Behaviour, question: Question) -> str | None:
    """Do what is asked.

    Returns:
        The result string; None for nil.
    """
    username, password = question.arguments.get("username", ""), question.password or b""
    try:
        if question.operation == "sendSms":
            return _send(gateway, behaviour, question, username, password)
        if question.operation == "getRestMoney":
            balance = gateway.ask_balance(username, password)
            return (
                f"memberSmsNum={balance[Channel.MEMBER]};gateSmsNum={balance[Channel.GATEWAY]};"
                f"kaSmsNum={balance[Channel.CARD]}"
            )
        if question.operation == "getSmsReport":
            reports = gateway.poll_reports(username, password)
            return (
                _document("smsreport", "psreport", map(_report, reports))
                if reports
                else _nothing(behaviour, "smsreport")
            )
        if question.operation == "getRecvSMS":
            replies = gateway.poll_replies(username, password)
            return (
                _document("smsrerecv", "psrerecv", map(_reply, replies))
                if replies
                else _nothing(behaviour, "smsrerecv")
            )
        return _change_password(gateway, question, username, password)
    except RefusedError as refusal:
        return f"failure;{refusal}"


def _send(gateway: Gateway, behaviour: Behaviour, question: Question, username: str, password: bytes) -> str:
    arguments = question.arguments
    # The page's own HttpClient sample leaves the channel out.
    smstype = arguments.get("smstype", "").strip() or str(int(Channel.GATEWAY))
    message = gateway.send(
        username,
        password,
        channel=int(smstype) if smstype in ("0", "1", "2") else -1,
        mobiles=[number.strip() for number in arguments.get("mobile", "").split(",") if number.strip()],
        text=arguments.get("content", ""),
        long=arguments.get("isLongSms", "").strip() == "1",
        extension=arguments.get("extenno", ""),
        via=question.via,
    )
    if question.via == "soap" and not behaviour.soap_batch_ids:
        return "success"
    return f"success;{message.batch_id}"


def _change_password(gateway: Gateway, question: Question, username: str, password: bytes) -> str:
    new = question.new_password
    if new is None:
        return "4"
    try:
        gateway.change_password(username, password, new.decode("ascii", "replace"))
    except UnknownAccountError:
        return "3"
    except RefusedError:
        return "2"
    return "1"


def _nothing(behaviour: Behaviour, root: str) -> str | None:
    if behaviour.empty == "failure":
        raise RefusedError("没有记录")
    return {"document": _document(root, "", ()), "string": "", "nil": None}[behaviour.empty]


def _report(report: DeliveryReport) -> Mapping[str, object]:
    return {
        "mobile": report.mobile,
        "username": report.username,
        "smslogid": report.batch_id,
        "status": int(report.status),
        # A java.sql.Timestamp, as text.
        "sendtime": f"{report.sent_at:%Y-%m-%d %H:%M:%S}.0",
    }


def _reply(reply: Reply) -> Mapping[str, object]:
    return {
        "mobile": reply.mobile,
        "receiver": reply.receiver,
        "content": b64encode(reply.raw).decode(),
        "sendtime": f"{reply.received_at:%Y-%m-%d %H:%M:%S}.0",
    }


def _document(root: str, kind: str, records: Iterable[Mapping[str, object]]) -> str:
    """In the page's form; ASCII, since it says UTF-8 inside an answer that may be GBK."""
    body = "".join(
        f"<{kind}>{''.join(f'<{name}>{escape(str(value))}</{name}>' for name, value in record.items())}</{kind}>"
        for record in records
    )
    document = f'<?xml version="1.0" encoding="utf-8" ?><{root}>{body}</{root}>'
    return document.encode("ascii", "xmlcharrefreplace").decode()
