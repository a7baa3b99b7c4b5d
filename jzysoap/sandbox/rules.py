"""Rules: what the sandbox's gateway does with messages to some numbers, or with some texts, until a rule is removed.

A rule concerns the delivery reports of a message, a reply to it, or the answer to the call (a fault). Faults that
happen once are in ``faults``. Nothing here knows HTTP or SOAP.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from jzysoap.model.values import DeliveryStatus
from jzysoap.sandbox.delivery import Order
from jzysoap.sandbox.faults import Fault
from jzysoap.sandbox.fields import field_error

RuleKind = Literal["report", "reply", "fault"]
ReportStatus = Literal["delivered", "failed", "unknown", "none"]
FaultName = Literal["lose answer", "lose request", "refuse", "status", "malformed", "delay"]

STATUSES: dict[ReportStatus, DeliveryStatus | None] = {
    "delivered": DeliveryStatus.DELIVERED,
    "failed": DeliveryStatus.FAILED,
    "unknown": DeliveryStatus.UNKNOWN,
    "none": None,
}
"""The statuses by name; ``none`` means that nothing is reported."""

MAX_DELAY = 600
"""Seconds at most that something comes late: a late answer holds a thread of the server."""
MAX_RULES = 100

_HTML = (("Content-Type", "text/html;charset=utf-8"),)
_MALFORMED = b"<html><body><h1>\xe7\xb3\xbb\xe7\xbb\x9f\xe7\xbb\xb4\xe6\x8a\xa4\xe4\xb8\xad</h1></body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule.

    Attributes:
        kind: what it concerns: ``"report"``, ``"reply"`` or ``"fault"``.
        to: the number that it is for; None for all.
        text: a part of the texts that it is for; None for all.
        after: how many messages or calls that it is for are treated as usual before.
        times: how many it is applied to; None for all that follow.
        delay: seconds that the report, the reply or the answer comes late.
        status: of a report: ``"delivered"``, ``"failed"``, ``"unknown"``, or ``"none"`` for no report.
        copies: how often each report comes.
        order: the order of the reports of one message, as in ``Delivery``.
        reply: the text of the reply.
        operation: the operation whose calls fail; ``"wsdl"`` for the definition, ``"any"`` for any. ``to`` and ``text``
            are those of sends.
        fault: ``"lose answer"`` to act and close the connection, ``"lose request"`` to close it without acting,
            ``"refuse"`` with ``words``, ``"status"`` for the HTTP status ``http_status``, ``"malformed"`` to act and
            answer with a web page, ``"delay"`` to answer late.
        words: the words of a refusal.
        http_status: the HTTP status.

    Raises:
        FieldError: a value cannot be used.
    """

    kind: RuleKind
    to: str | None = None
    text: str | None = None
    after: int = 0
    times: int | None = None
    delay: float = 0.0
    status: ReportStatus = "delivered"
    copies: int = 1
    order: Order = "sent"
    reply: str = ""
    operation: str = "sendSms"
    fault: FaultName = "lose answer"
    words: str = "系统超时"
    http_status: int = 502

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise field_error(name, f"must be one of {', '.join(allowed)}")
        if not 0 <= self.after <= 1_000_000:
            raise field_error("after", "must be a whole number from 0 to 1000000")
        if self.times is not None and not 1 <= self.times <= 1_000_000:
            raise field_error("times", "must be a whole number from 1 to 1000000, or omitted")
        if not 0 <= self.delay <= MAX_DELAY:
            raise field_error("delay", f"must be seconds from 0 to {MAX_DELAY}")
        if not 1 <= self.copies <= 100:
            raise field_error("copies", "must be a whole number from 1 to 100")
        if self.kind == "reply" and not self.reply:
            raise field_error("reply", "must be the text of the reply")
        if not 200 <= self.http_status <= 599:
            raise field_error("http_status", "must be an HTTP status from 200 to 599")

    def as_fault(self) -> Fault:
        """Return the fault that a rule of that kind causes, once."""
        body, status = None, 200
        if self.fault == "status":
            body, status = f"<html><body><h1>HTTP {self.http_status}</h1></body></html>".encode(), self.http_status
        elif self.fault == "malformed":
            body = _MALFORMED
        return Fault(
            result=f"failure;{self.words}" if self.fault == "refuse" else None,
            status=status,
            headers=_HTML,
            body=body,
            delay=self.delay,
            drop=self.fault.startswith("lose"),
            acted=self.fault in ("lose answer", "malformed"),
        )


_CHOICES: dict[str, Sequence[str]] = {
    "kind": get_args(RuleKind),
    "status": get_args(ReportStatus),
    "order": get_args(Order),
    "fault": get_args(FaultName),
}


@dataclass(slots=True)
class KeptRule:
    """A rule in force.

    Attributes:
        key: its name, such as ``r1``.
        rule: the rule.
        skip: how many it still lets pass.
        left: how many it is still applied to; None for all that follow.
    """

    key: str
    rule: Rule
    skip: int
    left: int | None

    def use(self) -> bool:
        """Count something that the rule is for; return True if the rule is applied to it."""
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.left is not None:
            self.left -= 1
        return True

    def as_json(self) -> dict[str, Any]:
        """Return the rule as it is applied from now on, as a value of JSON."""
        return asdict(self.rule) | {"after": self.skip, "times": self.left}


class Rules:
    """The rules in force, the first one that fits first. Safe in threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[KeptRule] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._kept)

    def kept(self) -> list[KeptRule]:
        """Return the rules that are still applied."""
        with self._lock:
            return list(self._kept)

    def as_json(self) -> list[dict[str, Any]]:
        """Return the rules as they are applied from now on, as values of JSON."""
        return [kept.as_json() for kept in self.kept()]

    def add(self, rule: Rule) -> KeptRule:
        """Add a rule behind the others.

        Raises:
            FieldError: there are too many.
        """
        with self._lock:
            if len(self._kept) >= MAX_RULES:
                raise field_error("rules", f"are {MAX_RULES} already: remove some")
            return self._keep(rule)

    def replace(self, rules: Sequence[Rule]) -> None:
        """Replace all rules.

        Raises:
            FieldError: there are too many.
        """
        if len(rules) > MAX_RULES:
            raise field_error("rules", f"may be {MAX_RULES} at most")
        with self._lock:
            self._kept = []
            for rule in rules:
                self._keep(rule)

    def remove(self, key: str) -> bool:
        """Remove a rule; return False if there is none of that name."""
        with self._lock:
            before = len(self._kept)
            self._kept = [kept for kept in self._kept if kept.key != key]
            return len(self._kept) < before

    def take(
        self, kind: RuleKind, mobiles: Sequence[str], text: str, operation: str | None = "sendSms"
    ) -> list[tuple[Rule, list[str]]]:
        """Return the rules of a kind that are applied to a message or a call, and count them as used.

        Args:
            kind: the kind.
            mobiles: the recipients of the message; empty for a call that is no send.
            text: the text of the message.
            operation: the operation of the call; a rule of the kind ``fault`` is for one operation, or for all.

        Returns:
            Each rule with the numbers that it is applied to. The first rule that fits a number is applied to it; the
            first fault that fits any of them is applied to the whole call.
        """
        found: list[tuple[Rule, list[str]]] = []
        free = list(mobiles) or [""]
        with self._lock:
            for kept in self._kept:
                rule = kept.rule
                if rule.kind != kind or (rule.text is not None and rule.text not in text):
                    continue
                if kind == "fault" and rule.operation not in ("any", operation):
                    continue
                numbers = free if rule.to is None else [number for number in free if number == rule.to]
                if not numbers or not kept.use():
                    continue
                found.append((rule, numbers))
                free = [] if kind == "fault" or rule.to is None else [number for number in free if number != rule.to]
            self._kept = [kept for kept in self._kept if kept.left != 0]
        return found

    def _keep(self, rule: Rule) -> KeptRule:
        self._count += 1
        kept = KeptRule(f"r{self._count}", rule, rule.after, rule.times)
        self._kept.append(kept)
        return kept
