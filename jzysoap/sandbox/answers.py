"""The answers to the documented operations: a question in, a result string out, whichever interface it came through.

Nothing here knows HTTP or SOAP. The state is that of a ``Gateway``.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import escape

from jzysoap.model.errors import ConfigurationError
from jzysoap.model.values import Channel, DeliveryReport, Reply
from jzysoap.sandbox.messages import RefusedError, UnknownAccountError
from jzysoap.sandbox.question import Question
from jzysoap.sandbox.state import Gateway

Empty = Literal["document", "string", "nil", "failure"]
"""The answer to a poll with nothing to report (docs/protocol.md#what-is-not-known)."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The choices that the vendor's page leaves open, or that deployments make differently.

    Attributes:
        empty: the answer to a poll with nothing to report.
        soap_batch_ids: True if the web service returns the batch id too, as the servlet does.
        encoded_password_change: True if the servlet's ``updatePassword`` takes both passwords as BASE64.
    """

    empty: Empty = "document"
    soap_batch_ids: bool = False
    encoded_password_change: bool = False


def answer_documented(gateway: Gateway, behaviour: Behaviour, question: Question) -> str | None:
    """Do what a documented operation asks for, and return its result string; None for nil.

    Raises:
        RefusedError: the gateway refuses.
        ConfigurationError: the operation is not documented.
    """
    try:
        answer = _ANSWERS[question.operation]
    except KeyError:
        raise ConfigurationError(
            f"the sandbox has no answer to {question.operation}: answer it in Sandbox.answer of a subclass"
        ) from None
    return answer(gateway, behaviour, question)


def _send(gateway: Gateway, behaviour: Behaviour, question: Question) -> str:
    arguments = question.arguments
    # A sample of the vendor's page has no smstype (docs/protocol.md#http-servlet).
    smstype = arguments.get("smstype", "").strip() or str(int(Channel.GATEWAY))
    message = gateway.send(
        question.username,
        question.password,
        channel=int(smstype) if smstype in ("0", "1", "2") else -1,
        mobiles=question.mobiles,
        text=question.text,
        long=arguments.get("isLongSms", "").strip() == "1",
        extension=arguments.get("extenno", ""),
        via=question.via,
        exchange=question.exchange,
    )
    if question.via == "soap" and not behaviour.soap_batch_ids:
        return "success"
    return f"success;{message.batch_id}"


def _balance(gateway: Gateway, _: Behaviour, question: Question) -> str:
    balance = gateway.ask_balance(question.username, question.password)
    return (
        f"memberSmsNum={balance[Channel.MEMBER]};gateSmsNum={balance[Channel.GATEWAY]};kaSmsNum={balance[Channel.CARD]}"
    )


def _reports(gateway: Gateway, behaviour: Behaviour, question: Question) -> str | None:
    reports = gateway.poll_reports(question.username, question.password)
    return _poll("smsreport", "psreport", map(_report_fields, reports)) if reports else _nothing(behaviour, "smsreport")


def _replies(gateway: Gateway, behaviour: Behaviour, question: Question) -> str | None:
    replies = gateway.poll_replies(question.username, question.password)
    return _poll("smsrerecv", "psrerecv", map(_reply_fields, replies)) if replies else _nothing(behaviour, "smsrerecv")


def _change_password(gateway: Gateway, _: Behaviour, question: Question) -> str:
    new = question.new_password
    if new is None:
        return "4"
    try:
        gateway.change_password(question.username, question.password, new.decode("ascii", "replace"))
    except UnknownAccountError:
        return "3"
    except RefusedError:
        return "2"
    return "1"


_ANSWERS: Mapping[str, Callable[[Gateway, Behaviour, Question], str | None]] = {
    "sendSms": _send,
    "getRestMoney": _balance,
    "getSmsReport": _reports,
    "getRecvSMS": _replies,
    "updatePassword": _change_password,
}


def _nothing(behaviour: Behaviour, root: str) -> str | None:
    return {"document": _poll(root, "", ()), "string": "", "nil": None, "failure": "failure;没有记录"}[behaviour.empty]


def _report_fields(report: DeliveryReport) -> Mapping[str, object]:
    return {
        "mobile": report.mobile,
        "username": report.username,
        "smslogid": report.batch_id or "",
        "status": int(report.status),
        # The form of a java.sql.Timestamp as text.
        "sendtime": f"{report.sent_at:%Y-%m-%d %H:%M:%S}.0",
    }


def _reply_fields(reply: Reply) -> Mapping[str, object]:
    return {
        "mobile": reply.mobile,
        "receiver": reply.receiver,
        "content": b64encode(reply.raw).decode(),
        "sendtime": f"{reply.received_at:%Y-%m-%d %H:%M:%S}.0",
    }


def _poll(root: str, kind: str, records: Iterable[Mapping[str, object]]) -> str:
    """Return a document in the page's form, in ASCII: it declares UTF-8, while the answer around it may be in GBK."""
    body = "".join(
        f"<{kind}>{''.join(f'<{name}>{escape(str(value))}</{name}>' for name, value in record.items())}</{kind}>"
        for record in records
    )
    document = f'<?xml version="1.0" encoding="utf-8" ?><{root}>{body}</{root}>'
    return document.encode("ascii", "xmlcharrefreplace").decode()
