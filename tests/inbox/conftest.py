"""A sandbox, a client and pages that show the sandbox's inbox."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import pytest

from jzysoap import Client
from jzysoap.sandbox import Sandbox

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

# The tests import Playwright, which only their own environment has.
collect_ignore_glob = [] if find_spec("playwright") else ["test_*.py"]


class OpenPage(Protocol):
    """Opens the inbox in a browser context of its own; the arguments are those of ``Browser.new_context``."""

    def __call__(self, **options: Any) -> Page: ...


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(username="test", password="secret1") as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with Client(sandbox.url, "test", "secret1", cache_dir=False) as client:
        yield client


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from tests.inbox.browsers import chromium

    # A name under .example is this machine, as if a foreign name server said so.
    with chromium(["--host-resolver-rules=MAP *.example 127.0.0.1"]) as browser:
        yield browser


@pytest.fixture
def open_page(browser: Browser, sandbox: Sandbox) -> Iterator[OpenPage]:
    """A function that opens a page. The test fails if a page reports an error or asks another host."""
    from tests.inbox.browsers import wait_until_connected

    problems: list[str] = []
    contexts = []
    host = urlsplit(sandbox.inbox_url).netloc

    def look_at_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            problems.append(f"{message.type}: {message.text}")

    def look_at_request(request: Request) -> None:
        if urlsplit(request.url).netloc != host:
            problems.append(f"asked another host: {request.url}")

    def open_one(**options: Any) -> Page:
        context = browser.new_context(**{"locale": "en-US", "viewport": {"width": 1280, "height": 800}} | options)
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("console", look_at_console)
        page.on("pageerror", lambda error: problems.append(f"uncaught: {error}"))
        page.on("request", look_at_request)
        page.goto(sandbox.inbox_url)
        wait_until_connected(page)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page()
