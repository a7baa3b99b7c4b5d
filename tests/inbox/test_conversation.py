"""What an application sends is on the page at once; what is done on the page reaches the application."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from jzysoap import Channel, Client, DeliveryStatus, OutcomeUnknownError
from jzysoap.model.values import CHINA
from jzysoap.sandbox import Gateway, Sandbox
from tests.inbox.browsers import open_conversation
from tests.inbox.conftest import OpenPage
from tests.kit.samples import MOBILE, SECOND_MOBILE, TEXT

pytestmark = pytest.mark.inbox

MESSAGES = 50
SIGNED = f"【晨光书店】{TEXT}"


class Clock:
    """The gateway's clock, which a test can put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(CHINA) + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[Sandbox]:
    gateway = Gateway(clock=clock)
    gateway.add_account("test", "secret1")
    with Sandbox(gateway=gateway) as sandbox:
        yield sandbox


def test_a_message_is_shown_within_a_second(page: Page, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    client.send(MOBILE, SIGNED)
    open_conversation(page, MOBILE)
    seconds = []
    for number in range(MESSAGES):
        client.send(MOBILE, f"{SIGNED} #{number}#")
        sent_at = time.perf_counter()
        page.locator(".text", has_text=f"#{number}#").wait_for()
        seconds.append(time.perf_counter() - sent_at)
    within = sum(one < 1 for one in seconds)
    with capsys.disabled():
        print(f"\nshown after {statistics.median(seconds):.3f} s (median), {within} of {MESSAGES} within a second")  # noqa: T201  # a measurement
    assert statistics.median(seconds) < 1
    assert within >= MESSAGES * 0.9


def test_a_message_is_shown_with_its_facts(page: Page, client: Client) -> None:
    sent = client.send(MOBILE, SIGNED, channel=Channel.GATEWAY, extension="8")
    open_conversation(page, MOBILE)
    message = page.locator(".message")
    expect(message.locator(".signature")).to_have_text("【晨光书店】")
    expect(message.locator(".text")).to_have_text(SIGNED)
    expect(message.locator(".code code")).to_have_text("1234")
    for fact in ("segments: 1", "gateway channel", "extension 8", "SOAP", "Account test"):
        expect(message.locator(".facts")).to_contain_text(fact)
    expect(message.locator(".state")).to_have_text("Delivered · waiting")
    client.reports()
    expect(message.locator(".state")).to_have_text("Delivered · polled")
    # Over SOAP no batch id is returned; the page has it.
    assert sent.batch_id is None
    message.get_by_role("button", name="Show request and reply").click()
    raw = page.get_by_role("dialog", name="Request and reply")
    expect(raw.locator("#raw-request")).to_contain_text("sendSms")
    expect(raw.locator("#raw-request")).to_contain_text("***")
    expect(raw).not_to_contain_text("secret1")
    raw.get_by_role("button", name="Close").click()
    expect(raw).to_be_hidden()


def test_a_code_is_copied(open_page: OpenPage, client: Client) -> None:
    client.send(MOBILE, SIGNED)
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    open_conversation(page, MOBILE)
    page.get_by_role("button", name="Copy the code 1234").click()
    expect(page.locator("#live")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "1234"


def test_characters_outside_gbk_are_pointed_out(page: Page, sandbox: Sandbox) -> None:
    for text in ("您好", "您好 🎉"):
        sandbox.gateway.send(
            "test", b"secret1", channel=1, mobiles=[MOBILE], text=text, long=False, extension="", via="soap"
        )
    open_conversation(page, MOBILE)
    expect(page.locator(".warn")).to_have_count(1)
    expect(page.locator(".message", has=page.locator(".warn"))).to_contain_text("🎉")


def test_a_reply_reaches_the_application(page: Page, client: Client) -> None:
    client.send(MOBILE, SIGNED)
    open_conversation(page, MOBILE)
    page.get_by_label("Reply from this number").fill("收到，谢谢")
    page.get_by_role("button", name="Send", exact=True).click()
    own = page.locator(".own")
    expect(own).to_contain_text("waiting")
    (reply,) = client.replies()
    assert (reply.mobile, reply.text) == (MOBILE, "收到，谢谢")
    expect(own).to_contain_text("polled")


def test_a_number_that_got_nothing_can_write(page: Page, client: Client) -> None:
    page.get_by_role("searchbox").fill(SECOND_MOBILE)
    page.get_by_role("button", name=f"Write as {SECOND_MOBILE}").click()
    page.get_by_label("Reply from this number").fill("T")
    page.keyboard.press("Enter")
    page.locator(".own").wait_for()
    (reply,) = client.replies()
    assert (reply.mobile, reply.text) == (SECOND_MOBILE, "T")


@pytest.mark.parametrize(
    ("button", "status"), [("Delivered", DeliveryStatus.DELIVERED), ("Failed", DeliveryStatus.FAILED)]
)
def test_a_report_by_button_reaches_the_application(
    page: Page, client: Client, button: str, status: DeliveryStatus
) -> None:
    client.send([MOBILE, SECOND_MOBILE], SIGNED)
    client.reports()
    open_conversation(page, MOBILE)
    page.locator(".segmented").get_by_role("button", name=button).click()
    expect(page.locator(".state").last).to_have_text(f"{button} · waiting")
    assert [(report.mobile, report.status) for report in client.reports()] == [(MOBILE, status)]


def test_a_late_report_comes_after_a_minute(page: Page, client: Client, clock: Clock) -> None:
    client.send(MOBILE, SIGNED)
    open_conversation(page, MOBILE)
    page.get_by_role("button", name="Late").click()
    expect(page.locator(".state")).to_contain_text("due")
    assert list(client.reports()) == []
    clock.ahead = timedelta(seconds=61)
    assert [report.status for report in client.reports()] == [DeliveryStatus.DELIVERED]


def test_a_report_is_withdrawn(page: Page, client: Client) -> None:
    client.send(MOBILE, SIGNED)
    open_conversation(page, MOBILE)
    page.get_by_role("button", name="No report").click()
    expect(page.locator(".state")).to_have_text("No report")
    assert list(client.reports()) == []


def test_an_answer_is_lost(page: Page, client: Client, sandbox: Sandbox) -> None:
    # The client has read the definition.
    client.balance()
    switch = page.get_by_role("switch", name="accept, then lose the answer")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    with pytest.raises(OutcomeUnknownError):
        client.send(MOBILE, SIGNED)
    assert [message.text for message in sandbox.gateway.sent] == [SIGNED]
    # Only the next one; the page shows that it happened.
    expect(switch).to_have_attribute("aria-checked", "false")
    client.send(MOBILE, SIGNED)


def test_a_rule_by_the_form_is_applied_and_deleted(page: Page, client: Client) -> None:
    page.get_by_role("button", name="Add a rule").click()
    form = page.locator("#rule-form")
    form.get_by_label("Concerns").select_option("report")
    form.locator("[name=status]").select_option("failed")
    form.get_by_label("Only for the number").fill(MOBILE)
    form.get_by_label("How often").fill("1")
    form.get_by_role("button", name="Add").click()
    rule = page.locator("#rule-list li")
    expect(rule).to_contain_text("Report: Failed")
    expect(rule).to_contain_text(MOBILE)
    client.send(MOBILE, SIGNED)
    expect(rule).to_have_count(0)
    assert [report.status for report in client.reports()] == [DeliveryStatus.FAILED]
    page.get_by_role("switch", name="Report: No report").click()
    page.get_by_role("button", name="Delete the rule").click()
    expect(rule).to_have_count(0)
    client.send(MOBILE, SIGNED)
    assert [report.status for report in client.reports()] == [DeliveryStatus.DELIVERED]


def test_two_tabs_agree(open_page: OpenPage, client: Client, sandbox: Sandbox) -> None:
    client.send(MOBILE, SIGNED)
    first, second = open_page(), open_page()
    for page in (first, second):
        open_conversation(page, MOBILE)
    first.locator(".segmented").get_by_role("button", name="Failed").click()
    expect(second.locator(".state")).to_have_text("Failed · waiting")
    second.get_by_label("Reply from this number").fill("好的")
    second.keyboard.press("Enter")
    expect(first.locator(".own")).to_contain_text("好的")
    first.get_by_role("switch", name="refuse").click()
    expect(second.get_by_role("switch", name="refuse")).to_have_attribute("aria-checked", "true")
    for page in (first, second):
        page.get_by_role("tab", name="Accounts").click()
    first.get_by_label("Member balance of test").fill("7")
    first.keyboard.press("Enter")
    expect(second.get_by_label("Member balance of test")).to_have_value("7")
    assert sandbox.gateway.balances("test")[Channel.MEMBER] == 7
    second.get_by_role("button", name="Reset").click()
    second.get_by_role("dialog").get_by_role("button", name="Reset").click()
    for page in (first, second):
        expect(page.locator(".message")).to_have_count(0)
        expect(page.locator(".phone")).to_have_count(0)
    assert sandbox.gateway.sent == ()


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>",
        "code \u202e4321 \u2067end",
        "a" * 3000,
        "two\n\n   lines\tand a tab",
    ],
)
def test_a_text_is_text(page: Page, sandbox: Sandbox, text: str) -> None:
    sandbox.gateway.send(
        "test", b"secret1", channel=1, mobiles=[MOBILE], text=text, long=False, extension="", via="soap"
    )
    sandbox.gateway.inject_reply(MOBILE, text)
    open_conversation(page, MOBILE)
    page.locator(".own").wait_for()
    shown = page.locator(".text").evaluate_all("(all) => all.map((one) => one.textContent)")
    assert shown == [text, text]
    assert page.title() == "jzysoap inbox"
    assert page.locator(".text *:not(bdi)").count() == 0
    assert page.locator("#list .phone-text img").count() == 0
    # Nothing is wider than the window, and nothing beside the text is turned around.
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".text bdi").first.evaluate("(one) => getComputedStyle(one).unicodeBidi") == "isolate"


def test_search(page: Page, client: Client) -> None:
    client.send(MOBILE, SIGNED)
    client.send(SECOND_MOBILE, "【晨光书店】您的订单已发货")
    phones = page.locator(".phone")
    expect(phones).to_have_count(2)
    page.get_by_role("searchbox").fill("订单")
    expect(phones).to_have_count(1)
    expect(phones).to_contain_text(SECOND_MOBILE)
    page.get_by_role("searchbox").fill(MOBILE[:6])
    expect(phones).to_contain_text(MOBILE)
