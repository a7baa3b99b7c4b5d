"""A browser for the inbox's page, for the tests and for the pictures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"


@contextmanager
def chromium(arguments: Sequence[str] = ()) -> Iterator[Browser]:
    """Run Chromium without a window.

    Args:
        arguments: further arguments of the command line.
    """
    # Root has no user namespace to put the sandbox into; all pages here are the repository's own.
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*root, *arguments])
        try:
            yield browser
        finally:
            browser.close()


def wait_until_connected(page: Page) -> None:
    """Wait until the page shows what the sandbox has, and follows it."""
    page.locator("[data-connection=connected]").wait_for()


def open_conversation(page: Page, number: str) -> None:
    """Open a conversation by a click, and wait for its first message or reply."""
    page.locator(".phone", has_text=number).click()
    page.locator("#items .message").first.wait_for()
