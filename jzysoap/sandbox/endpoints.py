"""The table of the JSON API's calls: requests are routed by it, and the OpenAPI document is made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

from jzysoap.model.operations import Operations
from jzysoap.sandbox.delivery import Order
from jzysoap.sandbox.fields import Field
from jzysoap.sandbox.inbox import Answer, Inbox, Values
from jzysoap.sandbox.rules import MAX_DELAY, FaultName, ReportStatus, RuleKind

MAX_WAIT = 60
"""Seconds at most that a call waits."""

_TO = Field("to", "text", "a number, or a part of one", 1, 20)
_TEXT = Field("text", "text", "a part of the text", 1, 2000)
_SINCE = Field("since", "whole", "only messages after the event of that number", 0, 10**15, default=0)
_ID = Field("id", "text", "the id", 1, 40, required=True)
_DELAY = Field("delay", "seconds", "seconds until it comes", 0, MAX_DELAY, default=0)
_CHANNELS = tuple(
    Field(name, "whole", f"messages left on the channel {name}; null for no change", 0, 10**12, nullable=True)
    for name in ("member", "gateway", "card")
)


@dataclass(frozen=True, slots=True, eq=False)
class Endpoint:
    """A call of the API.

    Attributes:
        method: the HTTP method.
        path: the path behind ``/api/v1``; a part in braces is a field of ``places``.
        about: what it does, as a sentence.
        call: does it.
        answers: the name of the form of each answer by its status; None for no content. An answer to a request that
            cannot be used is not among them.
        places: the fields in the path.
        query: the fields of the query.
        body: the fields of the JSON body; None if there is no body.
        many: the name of the one field of the body that holds a list of objects with the fields ``body``; empty if
            the body itself has these.
    """

    method: str
    path: str
    about: str
    call: Callable[[Inbox, Values], Answer]
    answers: Mapping[int, str | None]
    places: tuple[Field, ...] = ()
    query: tuple[Field, ...] = ()
    body: tuple[Field, ...] | None = None
    many: str = ""


def endpoints(operations: Operations) -> tuple[Endpoint, ...]:
    """Return the table.

    Args:
        operations: the sandbox's table of operations, for the rules about faults.
    """
    rule = rule_fields(operations)
    timeout = Field("timeout", "seconds", "seconds to wait at most", 0, MAX_WAIT, default=min(5, MAX_WAIT))
    before = Field("before", "whole", "only messages before the event of that number, to page back", 0, 10**15)
    limit = Field("limit", "whole", "the number of messages at most", 1, 1000, default=100)
    pattern = Field("pattern", "text", "a regular expression; its first group, if it has one, is the code", 1, 200)
    wait = Field("wait", "seconds", "seconds to wait at most", 0, MAX_WAIT, default=0)
    changes_since = Field("since", "whole", "the number of the last event that is known", 0, 10**15, default=0)
    reply = (
        Field("from", "text", "the subscriber's number", 5, 21, required=True),
        Field("text", "text", "the text", 1, 2000, required=True),
        Field("username", "text", "the account; null for the one that wrote to the number last", 1, 100, nullable=True),
    )
    report = (
        Field("message", "text", "the id of the message", 1, 40, required=True),
        Field("to", "text", "the number; null for all numbers of the message", 1, 21, nullable=True),
        Field(
            "status",
            "choice",
            "the status; none withdraws what was not polled",
            choices=get_args(ReportStatus),
            required=True,
        ),
        _DELAY,
    )
    username = Field("username", "text", "the account", 1, 100, required=True)
    return (
        Endpoint("GET", "/state", "Counts, accounts and the gateway's address.", Inbox.state, {200: "State"}),
        Endpoint(
            "GET",
            "/messages",
            "The messages, the newest first.",
            Inbox.messages,
            {200: "Messages"},
            query=(_TO, _TEXT, _SINCE, before, limit),
        ),
        Endpoint(
            "GET",
            "/messages/wait",
            "The latest message that fits; or wait for one.",
            Inbox.wait_for_message,
            {200: "Message", 404: "NothingCame"},
            query=(_TO, _TEXT, _SINCE, timeout),
        ),
        Endpoint("GET", "/messages/{id}", "A message.", Inbox.message, {200: "Message", 404: "Problem"}, places=(_ID,)),
        Endpoint(
            "GET",
            "/messages/{id}/raw",
            "The request that a message came in and the reply to it, passwords masked.",
            Inbox.raw,
            {200: "Raw", 404: "Problem"},
            places=(_ID,),
        ),
        Endpoint(
            "GET",
            "/codes/wait",
            "The verification code of the latest message that has one; or wait for one.",
            Inbox.wait_for_code,
            {200: "Code", 404: "NothingCame"},
            query=(_TO, pattern, _SINCE, timeout),
        ),
        Endpoint(
            "GET",
            "/changes",
            "What happened after an event; or wait until something happens.",
            Inbox.changes,
            {200: "Changes"},
            query=(changes_since, wait),
        ),
        Endpoint(
            "GET", "/queues", "The records that wait to be polled, and those that were.", Inbox.queues, {200: "Queues"}
        ),
        Endpoint("POST", "/replies", "Queue a reply from a subscriber.", Inbox.reply, {201: "QueuedReply"}, body=reply),
        Endpoint(
            "POST",
            "/reports",
            "Decide about the delivery reports of a message.",
            Inbox.report,
            {201: "Reports"},
            body=report,
        ),
        Endpoint("GET", "/rules", "The rules in force.", Inbox.rules, {200: "Rules"}),
        Endpoint("PUT", "/rules", "Replace all rules.", Inbox.replace_rules, {200: "Rules"}, body=rule, many="rules"),
        Endpoint("POST", "/rules", "Add a rule behind the others.", Inbox.add_rule, {201: "Rule"}, body=rule),
        Endpoint("DELETE", "/rules", "Remove all rules.", Inbox.remove_rules, {204: None}),
        Endpoint(
            "DELETE", "/rules/{id}", "Remove a rule.", Inbox.remove_rule, {204: None, 404: "Problem"}, places=(_ID,)
        ),
        Endpoint(
            "PUT",
            "/balance",
            "Replace balances of an account.",
            Inbox.set_balance,
            {200: "Account"},
            body=(username, *_CHANNELS),
        ),
        Endpoint(
            "POST",
            "/reset",
            "Forget messages, records, rules, faults and exchanges; balances are those of the start.",
            Inbox.reset,
            {204: None},
            body=(),
        ),
        Endpoint("GET", "/export", "Everything that is shown, as a file.", Inbox.export, {200: "Export"}),
    )


def rule_fields(operations: Operations) -> tuple[Field, ...]:
    """Return the fields of a rule.

    Args:
        operations: the sandbox's table of operations, for the rules about faults.
    """
    return (
        Field("kind", "choice", "what the rule concerns", choices=get_args(RuleKind), required=True),
        Field("to", "text", "the number that it is for; null for all", 1, 21, nullable=True),
        Field("text", "text", "a part of the texts that it is for; null for all", 1, 2000, nullable=True),
        Field("after", "whole", "how many are treated as usual before", 0, 10**6, default=0),
        Field("times", "whole", "how many it is applied to; null for all that follow", 1, 10**6, nullable=True),
        _DELAY,
        Field("status", "choice", "of a report", choices=get_args(ReportStatus), default="delivered"),
        Field("copies", "whole", "how often each report comes", 1, 100, default=1),
        Field("order", "choice", "the order of a message's reports", choices=get_args(Order), default="sent"),
        Field("reply", "text", "the text of a reply", 0, 2000, default=""),
        Field(
            "operation",
            "choice",
            "the operation whose calls fail",
            choices=(*operations, "wsdl", "any"),
            default="sendSms",
        ),
        Field("fault", "choice", "what happens to the answer", choices=get_args(FaultName), default="lose answer"),
        Field("words", "text", "the words of a refusal", 1, 200, default="系统超时"),
        Field("http_status", "whole", "the HTTP status of the answer", 200, 599, default=502),
    )
