"""Make the pictures of the inbox's page that README shows: ``python -m tests.inbox.picture [folder]``."""

from __future__ import annotations

import itertools
import sys
from datetime import datetime, timedelta
from pathlib import Path

from playwright.sync_api import ViewportSize

from jzysoap import Channel, Client, DeliveryStatus
from jzysoap.model.values import CHINA
from jzysoap.sandbox import Gateway, Rule, Sandbox
from tests.inbox.browsers import chromium, open_conversation, wait_until_connected
from tests.kit.samples import MOBILE, SECOND_MOBILE, THIRD_MOBILE

DOCS = Path(__file__).resolve().parents[2] / "docs"
SIZE: ViewportSize = {"width": 1280, "height": 800}
# The page shows its port: it is the same in every picture.
PORT = 8025
START = datetime(2026, 3, 2, 10, 24, 0, tzinfo=CHINA)


def main(folder: Path = DOCS) -> None:
    """Start a sandbox, send some messages, and take a picture in each language and each theme."""
    seconds = itertools.count(step=7)
    gateway = Gateway(clock=lambda: START + timedelta(seconds=next(seconds)))
    gateway.add_account("test", "secret1")
    with Sandbox(gateway=gateway, port=PORT) as sandbox, chromium() as browser:
        fill(sandbox)
        for locale, suffix in (("en-US", ""), ("zh-CN", ".zh-CN")):
            for theme in ("light", "dark"):
                with browser.new_context(locale=locale, color_scheme=theme, viewport=SIZE) as context:
                    page = context.new_page()
                    # The day of the messages, so that the list shows their hours.
                    page.clock.set_fixed_time(START + timedelta(hours=1))
                    page.goto(sandbox.inbox_url)
                    wait_until_connected(page)
                    open_conversation(page, MOBILE)
                    page.locator("#items .own").wait_for()
                    page.locator(".state").first.wait_for()
                    page.mouse.move(0, 0)
                    page.screenshot(path=folder / f"inbox-{theme}{suffix}.png", animations="disabled")


def fill(sandbox: Sandbox) -> None:
    """Send what the pictures show."""
    gateway = sandbox.gateway
    with (
        Client(sandbox.url, "test", "secret1", cache_dir=False) as soap,
        Client(sandbox.url, "test", "secret1", cache_dir=False, interface="servlet") as servlet,
    ):
        servlet.send([THIRD_MOBILE, "13800000001"], "【晨光书店】会员日全场八折，回T退订")
        gateway.inject_reply("13800000001", "T")
        soap.send(SECOND_MOBILE, "【晨光书店】您的订单已发货，预计明天送达。", extension="8")
        soap.send(MOBILE, "【晨光书店】您的订单已发货，预计明天送达。", extension="8")
        soap.reports()
        gateway.inject_reply(MOBILE, "几点到？")
        soap.replies()
        soap.send(MOBILE, "【晨光书店】您的验证码是 482913，5 分钟内有效。", channel=Channel.GATEWAY)
        gateway.inject_reply(SECOND_MOBILE, "收到，谢谢")
    gateway.report(gateway.sent[-1].batch_id, DeliveryStatus.FAILED)
    gateway.rules.add(Rule(kind="fault", times=1))
    gateway.rules.add(Rule(kind="report", to="13800000001", status="failed", delay=30))
    gateway.rules_changed()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
