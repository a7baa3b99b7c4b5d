"""Ten thousand messages on the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from jzysoap.sandbox import Gateway, Sandbox
from tests.kit.samples import TEXT

pytestmark = pytest.mark.inbox

MESSAGES = 10_000
MAX_LIST_MS = 200
MAX_HEAP_MB = 60


def test_ten_thousand_messages_stay_quick(browser: Browser, capsys: pytest.CaptureFixture[str]) -> None:
    gateway = Gateway(max_messages=MESSAGES)
    gateway.add_account("test", "secret1", MESSAGES)
    for number in range(MESSAGES):
        gateway.send(
            "test",
            b"secret1",
            channel=1,
            mobiles=[f"1380000{number:04}"],
            text=f"【晨光书店】{TEXT}，第 {number} 条",
            long=False,
            extension="",
            via="soap",
        )
    with Sandbox(gateway=gateway) as sandbox, browser.new_context() as context:
        page = context.new_page()
        page.goto(sandbox.inbox_url)
        expect(page.locator("#list-note")).to_have_text("10000 phones, 10000 messages", timeout=60_000)
        first = page.evaluate("performance.measure('list', 'inbox-data', 'inbox-list').duration")
        # Each search draws the list anew, of all conversations; reading a height makes the browser lay it out.
        all_of_them = page.evaluate(
            """() => [...'第 1 '].map((_, index, all) => {
                const search = document.querySelector('#search');
                search.value = all.slice(0, all.length - 1 - index).join('');
                const start = performance.now();
                search.dispatchEvent(new Event('input'));
                document.querySelector('#list').offsetHeight;
                return performance.now() - start;
            })"""
        )
        assert page.locator(".phone").count() < 40
        page.locator("#list").evaluate("(list) => { list.scrollTop = list.scrollHeight; }")
        page.locator("[id='row-13800000000']").wait_for()
        session = context.new_cdp_session(page)
        session.send("HeapProfiler.collectGarbage")
        session.send("Performance.enable")
        metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    heap = metrics["JSHeapUsedSize"] / 1e6
    with capsys.disabled():
        print(f"\nlist drawn in {first:.0f} ms at first, {max(all_of_them):.0f} ms of all; heap {heap:.1f} MB")  # noqa: T201  # a measurement
    assert max(first, *all_of_them) < MAX_LIST_MS
    assert heap < MAX_HEAP_MB
