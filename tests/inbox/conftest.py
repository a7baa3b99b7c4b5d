"""Chromium, and a sandbox that it looks at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from jzysoap import Client
from jzysoap.sandbox import Sandbox

Open = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium. Where it cannot be had, tests are skipped; the gate must have it."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        problem = "there is no Chromium on this machine: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(problem)
        pytest.skip(problem)
    return found


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """A browser. A name under ``.example`` is this machine, as if a foreign name server said so."""
    arguments = ["--host-resolver-rules=MAP *.example 127.0.0.1"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox, which ends after the pages that look at it."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    """A client of the sandbox."""
    with Client(sandbox.url, "test", "secret1", cache_dir=False) as client:
        yield client


@pytest.fixture
def open_page(browser: Browser, sandbox: Sandbox) -> Iterator[Open]:
    """Return a function that opens the inbox in a new tab.

    Its arguments are those of a browser context; ``context=`` opens one more tab of the same one. The test fails if a
    tab logs an error, or asks another host.
    """
    problems: list[str] = []
    own = (sandbox.inbox_url.removesuffix("inbox/"), "data:", "blob:")

    def note_message(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(message.text)

    def note_request(request: Request) -> None:
        if not request.url.startswith(own):
            problems.append(f"asked {request.url}")

    with ExitStack() as stack:

        def open_tab(url: str = sandbox.inbox_url, context: BrowserContext | None = None, **options: Any) -> Page:
            if context is None:
                context = browser.new_context(**{"locale": "en-US", **options})
                stack.callback(context.close)
            page = context.new_page()
            page.on("console", note_message)
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on("request", note_request)
            page.goto(url)
            return page

        yield open_tab
    assert problems == []
