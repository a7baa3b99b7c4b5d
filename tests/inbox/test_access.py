"""The page by keyboard, for screen readers, and in both languages."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from jzysoap import Client
from jzysoap.sandbox import Sandbox
from tests.inbox.browsers import open_conversation
from tests.inbox.conftest import OpenPage
from tests.kit.samples import MOBILE, SECOND_MOBILE, TEXT

pytestmark = pytest.mark.inbox

AXE = "axe-core@4.10.3"

# Names, which are the same in every language.
_NAMES = re.compile(r"https?://\S+|jzysoap|English|SOAP|HTTP|GBK|WSDL|JZYSOAP\w*|sendSms|test\b")


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe, which finds what keeps people from using a page."""
    home = tmp_path_factory.mktemp("axe")
    command = [shutil.which("npm") or "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", AXE]
    subprocess.run(command, cwd=home, check=True, capture_output=True)  # noqa: S603  # of this test's own arguments
    return Path(home / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def filled(sandbox: Sandbox, client: Client) -> None:
    """A sandbox that has something to show in each place."""
    client.send([MOBILE, SECOND_MOBILE], f"【晨光书店】{TEXT}", extension="8")
    client.reports()
    client.send(MOBILE, "【晨光书店】您的订单已发货")
    sandbox.gateway.send(
        "test", b"secret1", channel=1, mobiles=[MOBILE], text="谢谢 🎉", long=True, extension="", via="servlet"
    )
    sandbox.gateway.inject_reply(MOBILE, "收到")
    client.replies()
    sandbox.gateway.inject_reply(MOBILE, "谢谢")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_axe_finds_nothing_serious(open_page: OpenPage, sandbox: Sandbox, axe: str, locale: str, scheme: str) -> None:
    page = open_page(locale=locale, color_scheme=scheme)
    page.evaluate(axe)
    found = {"start": _serious(page)}
    open_conversation(page, MOBILE)
    page.locator(".switch").first.click()
    page.locator("#rule-list li").wait_for()
    found["conversation and rule"] = _serious(page)
    page.locator("#add-rule").click()
    for kind in ("fault", "report", "reply"):
        page.locator("[name=kind]").select_option(kind)
        found[f"form of a {kind}"] = _serious(page)
    for tab in ("queues", "accounts"):
        page.locator(f"#tab-{tab}").click()
        found[tab] = _serious(page)
    page.locator("#reset").click()
    found["reset"] = _serious(page)
    page.keyboard.press("Escape")
    page.locator("[data-act=raw]").first.click()
    page.locator("dialog[open]").wait_for()
    found["raw"] = _serious(page)
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 400, "height": 800})
    found["narrow"] = _serious(page)
    page.locator("#panel-toggle").click()
    found["narrow panel"] = _serious(page)
    assert {place: rules for place, rules in found.items() if rules} == {}


def test_axe_finds_nothing_serious_on_an_empty_page(page: Page, axe: str) -> None:
    page.evaluate(axe)
    assert _serious(page) == []


def test_axe_finds_what_is_wrong(page: Page, axe: str) -> None:
    page.evaluate(axe)
    page.evaluate("document.querySelector('#search').removeAttribute('aria-label')")
    page.evaluate("document.querySelector('#search').removeAttribute('placeholder')")
    assert [found["rule"] for found in _serious(page)] == ["label"]


def _serious(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate(
        """async () => (await axe.run()).violations.filter((one) => ['serious', 'critical'].includes(one.impact))
            .map((one) => ({ rule: one.id, nodes: one.nodes.map((node) => node.html.slice(0, 200)) }))"""
    )
    return found


def test_everything_by_keyboard(page: Page, client: Client) -> None:
    client.send(MOBILE, f"【晨光书店】{TEXT}")
    client.send(SECOND_MOBILE, f"【晨光书店】{TEXT}")
    expect(page.locator(".phone")).to_have_count(2)
    press = page.keyboard.press
    press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    press("ArrowDown")
    # The latest conversation is the first; the next one is one further.
    press("ArrowDown")
    press("Enter")
    expect(page.locator("#number")).to_have_text(MOBILE)
    expect(page.get_by_label("Reply from this number")).to_be_focused()
    page.keyboard.type("first line")
    press("Shift+Enter")
    page.keyboard.type("second line")
    press("Enter")
    page.locator(".own").wait_for()
    assert [reply.text for reply in client.replies()] == ["first line\nsecond line"]
    # Backwards to the last button of the message.
    press("Shift+Tab")
    expect(page.get_by_role("button", name="Show request and reply")).to_be_focused()
    press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    press("Escape")
    expect(page.get_by_role("button", name="Show request and reply")).to_be_focused()
    press("Shift+Tab")
    press("Enter")
    expect(page.locator(".state")).to_have_text("No report")
    # What was drawn anew has the focus still.
    expect(page.locator("[data-act=none]")).to_be_focused()
    page.get_by_role("tab", name="Rules").focus()
    press("ArrowRight")
    expect(page.get_by_role("tab", name="Queues")).to_be_focused()
    expect(page.get_by_role("tabpanel", name="Queues")).to_be_visible()


def test_new_messages_are_announced(page: Page, client: Client) -> None:
    client.send(MOBILE, TEXT)
    expect(page.locator("#live")).to_have_text(f"New message to {MOBILE}: {TEXT}")
    expect(page.get_by_role("img", name="1 unread")).to_be_visible()


@pytest.mark.usefixtures("filled")
def test_chinese_is_complete(open_page: OpenPage) -> None:
    page = open_page(locale="zh-CN")
    open_conversation(page, MOBILE)
    for name in ("lose", "allLate"):
        page.locator(f"#quick-{name}").click()
        expect(page.locator(f"#quick-{name}")).to_have_attribute("aria-checked", "true")
    page.locator("#add-rule").click()
    page.locator("[name=operation] option").nth(3).wait_for(state="attached")
    shown = page.evaluate(
        """() => {
            const texts = [];
            const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (walk.nextNode()) if (!walk.currentNode.parentElement.closest('pre, [name=operation]'))
                texts.push(walk.currentNode.data);
            for (const one of document.querySelectorAll('[aria-label], [title], [placeholder]'))
                texts.push(one.ariaLabel, one.title, one.placeholder);
            return texts.filter(Boolean);
        }"""
    )
    assert len(shown) > 150
    assert [text for text in shown if re.search("[A-Za-z]{2}", _NAMES.sub("", text))] == []


def test_language_and_theme_are_switched_and_kept(page: Page) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="中文").click()
    expect(page.locator("#start-title")).to_have_text("发送第一条短信")
    page.get_by_role("button", name="切换浅色和深色").click()
    dark = page.evaluate(background)
    assert dark != light
    page.reload()
    expect(page.locator("#start-title")).to_have_text("发送第一条短信")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.evaluate(background) == dark


def test_a_narrow_window(open_page: OpenPage, client: Client) -> None:
    client.send(MOBILE, f"【晨光书店】{TEXT}")
    page = open_page(viewport={"width": 400, "height": 700})
    open_conversation(page, MOBILE)
    expect(page.locator("#list")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    page.get_by_role("button", name="Rules, queues and accounts").click()
    page.get_by_role("tab", name="Accounts").click()
    expect(page.get_by_label("Card balance of test")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Card balance of test")).to_be_hidden()
    page.get_by_role("button", name="Back to the conversations").click()
    expect(page.locator("#list")).to_be_focused()
