"""Rules: what happens to messages to some numbers, or with some texts."""

from __future__ import annotations

from typing import Any

import pytest

from jzysoap import (
    Client,
    ConfigurationError,
    GatewayError,
    HttpStatusError,
    MalformedReplyError,
    OutcomeUnknownError,
)
from jzysoap.sandbox import Gateway, Rule, Sandbox
from jzysoap.sandbox.rules import MAX_RULES, Rules
from tests.kit.samples import MOBILE, SECOND_MOBILE
from tests.sandbox.test_state import gateway, send

PASSWORD = "密码1".encode()


def ruled(*rules: Rule) -> Gateway:
    one = gateway()
    for rule in rules:
        one.rules.add(rule)
    return one


def statuses(one: Gateway) -> list[tuple[str, str]]:
    return [(report.mobile, report.status.name) for report in one.poll_reports("test", PASSWORD)]


def test_a_rule_decides_about_reports_to_one_number() -> None:
    one = ruled(Rule(kind="report", to=MOBILE, status="failed"))
    send(one, MOBILE, SECOND_MOBILE)
    assert statuses(one) == [(SECOND_MOBILE, "DELIVERED"), (MOBILE, "FAILED")]


def test_the_first_rule_that_fits_a_number_decides() -> None:
    one = ruled(
        Rule(kind="report", to=MOBILE, status="unknown"), Rule(kind="report", status="failed"), Rule(kind="report")
    )
    send(one, MOBILE, SECOND_MOBILE)
    assert statuses(one) == [(MOBILE, "UNKNOWN"), (SECOND_MOBILE, "FAILED")]


def test_no_report_late_reports_and_copies() -> None:
    one = ruled(
        Rule(kind="report", text="none", status="none"),
        Rule(kind="report", text="late", delay=60),
        Rule(kind="report", text="twice", copies=2),
    )
    for text in ("none", "late", "twice"):
        send(one, text=text)
    assert len(statuses(one)) == 2


def test_reports_out_of_order() -> None:
    one = ruled(Rule(kind="report", order="reversed"))
    send(one, MOBILE, SECOND_MOBILE)
    assert [mobile for mobile, _ in statuses(one)] == [SECOND_MOBILE, MOBILE]


def test_a_rule_is_applied_after_some_and_so_many_times() -> None:
    one = ruled(Rule(kind="report", status="failed", after=1, times=2))
    for _ in range(4):
        send(one)
    assert [status for _, status in statuses(one)] == ["DELIVERED", "FAILED", "FAILED", "DELIVERED"]
    assert one.rules.kept() == []


def test_a_rule_replies() -> None:
    one = ruled(Rule(kind="reply", reply="退订", text="营销"), Rule(kind="reply", reply="later", delay=60))
    send(one, text="营销短信")
    send(one, text="通知")
    assert [reply.text for reply in one.poll_replies("test", PASSWORD)] == ["退订"]


@pytest.mark.parametrize(
    ("fault", "error", "accepted"),
    [
        ("lose answer", OutcomeUnknownError, True),
        ("lose request", OutcomeUnknownError, False),
        ("refuse", GatewayError, False),
        ("status", HttpStatusError, False),
        ("malformed", MalformedReplyError, True),
    ],
)
@pytest.mark.parametrize("interface", ["soap", "servlet"])
def test_a_rule_has_sends_to_a_number_fail(
    sandbox: Sandbox, fault: Any, error: type[Exception], accepted: bool, interface: Any
) -> None:
    sandbox.gateway.rules.add(Rule(kind="fault", to=MOBILE, fault=fault, times=1))
    with Client(sandbox.url, "test", "secret1", cache_dir=False, interface=interface) as client:
        client.send(SECOND_MOBILE, "你好")
        client.balance()
        with pytest.raises(error):
            client.send(MOBILE, "你好")
        assert len(sandbox.gateway.sent) == (2 if accepted else 1)
        client.send(MOBILE, "你好")


def test_a_rule_delays_any_call_and_the_first_one_wins(sandbox: Sandbox) -> None:
    sandbox.gateway.rules.replace(
        [
            Rule(kind="fault", operation="any", fault="delay", delay=0.01, times=1),
            Rule(kind="fault", operation="getRestMoney", fault="refuse", words="系统繁忙", times=1),
            Rule(kind="fault", operation="wsdl", fault="status"),
        ]
    )
    with Client(sandbox.url, "test", "secret1", cache_dir=False, wsdl="bundled") as client:
        client.balance()
        with pytest.raises(GatewayError, match="系统繁忙"):
            client.balance()
        client.balance()


def test_faults_for_one_number_or_text(sandbox: Sandbox) -> None:
    sandbox.fail_next("sendSms", result="failure;系统超时", to=MOBILE, text="码")
    with Client(sandbox.url, "test", "secret1", cache_dir=False) as client:
        client.send(MOBILE, "你好")
        client.send(SECOND_MOBILE, "验证码")
        with pytest.raises(GatewayError, match="系统超时"):
            client.send(MOBILE, "验证码")
    assert len(sandbox.gateway.sent) == 2


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"kind": "other"}, "kind"),
        ({"kind": "report", "status": "gone"}, "status"),
        ({"kind": "report", "order": "any"}, "order"),
        ({"kind": "fault", "fault": "fire"}, "fault"),
        ({"kind": "report", "after": -1}, "after"),
        ({"kind": "report", "times": 0}, "times"),
        ({"kind": "report", "delay": float("nan")}, "delay"),
        ({"kind": "report", "delay": 601}, "delay"),
        ({"kind": "report", "copies": 0}, "copies"),
        ({"kind": "reply"}, "reply"),
        ({"kind": "fault", "http_status": 99}, "http_status"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused(values: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{field} "):
        Rule(**values)


def test_there_may_be_so_many_rules() -> None:
    rules, rule = Rules(), Rule(kind="report")
    rules.replace([rule] * MAX_RULES)
    for change in (lambda: rules.add(rule), lambda: rules.replace([rule] * (MAX_RULES + 1))):
        with pytest.raises(ConfigurationError, match=r"^rules "):
            change()
    assert len(rules) == MAX_RULES
    assert rules.remove(rules.kept()[0].key)
    assert not rules.remove("r0")
    assert len(rules) == MAX_RULES - 1
