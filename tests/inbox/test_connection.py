"""A page whose sandbox ends, and starts again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from jzysoap import Client
from jzysoap.sandbox import Sandbox
from tests.inbox.browsers import wait_until_connected
from tests.kit.samples import MOBILE, TEXT

pytestmark = pytest.mark.inbox


def test_the_page_finds_a_sandbox_that_started_again(browser: Browser) -> None:
    # Without the fixture that fails on errors: a browser reports connections that it cannot make.
    with Sandbox() as sandbox, browser.new_context(locale="en-US") as context:
        page = context.new_page()
        page.goto(sandbox.inbox_url)
        wait_until_connected(page)
        port = int(sandbox.url.rpartition(":")[2])
        sandbox.close()
        expect(page.locator("#connection")).to_have_text("Not connected")
        # A new one: its events are counted from the beginning.
        with Sandbox(port=port) as second, Client(second.url, "test", "secret1", cache_dir=False) as client:
            client.send(MOBILE, TEXT)
            expect(page.locator(".phone")).to_contain_text(MOBILE, timeout=20_000)
            expect(page.locator("#connection")).to_have_text("Connected")
