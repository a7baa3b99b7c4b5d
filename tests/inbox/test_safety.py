"""Web pages of other origins get nothing, and many open tabs slow nothing down."""

from __future__ import annotations

import http.server
import statistics
import threading
import time
import tracemalloc
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from jzysoap import Client
from jzysoap.sandbox import Gateway, Sandbox
from tests.inbox.browsers import wait_until_connected
from tests.kit.inbox import get
from tests.kit.samples import MOBILE

pytestmark = pytest.mark.inbox

# All that a page can try without being let: reads that are answered to it, and requests that need no leave.
ATTACK = """
async ([origin, body]) => {
  const got = [];
  const read = async (path, options) => {
    try { got.push(await (await fetch(origin + path, options)).text()); } catch { /* that is what is wanted */ }
  };
  const write = (path, type) => read(path, {method: "POST", mode: "no-cors", headers: {"Content-Type": type}, body});
  await read("/api/v1/messages");
  await read("/api/v1/export", {mode: "no-cors"});
  await read("/inbox/");
  await read("/api/v1/rules", {method: "DELETE"});
  await read("/api/v1/rules", {method: "PUT", headers: {"Content-Type": "application/json"}, body: '{"rules": []}'});
  for (const path of ["/api/v1/reset", "/api/v1/replies", "/api/v1/rules"]) {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/json"]) await write(path, type);
  }
  navigator.sendBeacon(origin + "/api/v1/reset", "{}");
  const frame = document.createElement("iframe");
  frame.src = origin + "/inbox/";
  frame.name = "frame";
  document.body.append(frame);
  await new Promise((done) => { frame.onload = done; setTimeout(done, 2000); });
  const form = document.createElement("form");
  Object.assign(form, {method: "post", action: origin + "/api/v1/reset", target: "frame", enctype: "text/plain"});
  document.body.append(form);
  form.submit();
  for (const [tag, path] of [["script", "/inbox/inbox.js"], ["img", "/api/v1/messages"]]) {
    const element = document.createElement(tag);
    element.src = origin + path;
    document.body.append(element);
    await new Promise((done) => { element.onload = () => { got.push(tag); done(); }; element.onerror = done; });
  }
  const opened = window.open(origin + "/inbox/");
  await new Promise((done) => setTimeout(done, 500));
  try { got.push(opened.document.body.textContent); } catch { /* that is what is wanted */ }
  try { got.push(frame.contentDocument.body.textContent); } catch { /* that is what is wanted */ }
  return got.filter((one) => one !== "");
}
"""


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>another page</title><body></body>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def other_port() -> Iterator[int]:
    """A web server of another origin."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "evil.example"])
def test_a_page_of_another_origin_gets_and_changes_nothing(
    browser: Browser, sandbox: Sandbox, client: Client, other_port: int, host: str
) -> None:
    client.send(MOBILE, "机密")
    before = sandbox.gateway.events.last
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://{host}:{other_port}/")
    got = page.evaluate(ATTACK, [sandbox.inbox_url.removesuffix("/inbox/"), '{"from": "13800000000", "text": "x"}'])
    context.close()
    assert got == []
    assert sandbox.gateway.events.last == before


def test_the_attack_would_succeed_on_its_own_origin(browser: Browser, sandbox: Sandbox, client: Client) -> None:
    client.send(MOBILE, "机密")
    context = browser.new_context()
    page = context.new_page()
    page.goto(sandbox.inbox_url)
    got = page.evaluate(ATTACK, [sandbox.inbox_url.removesuffix("/inbox/"), "{}"])
    context.close()
    assert '"text": "\\u673a\\u5bc6"' in got[0]
    assert any(event.kind == "rules" for event in sandbox.gateway.events.since(0))


def test_a_name_that_was_made_to_resolve_to_this_machine_gets_nothing(browser: Browser, sandbox: Sandbox) -> None:
    context = browser.new_context()
    page = context.new_page()
    for path in ("/inbox/", "/api/v1/messages", "/services/userApi?wsdl"):
        answer = page.goto(f"http://evil.example:{urlsplit(sandbox.url).port}{path}")
        assert answer is not None
        assert answer.status == 421
    context.close()


def test_twenty_open_tabs_slow_a_send_by_less_than_twice(browser: Browser, sandbox: Sandbox, client: Client) -> None:
    def measure() -> float:
        taken = []
        for _ in range(30):
            start = time.perf_counter()
            client.send(MOBILE, "您好")
            taken.append(time.perf_counter() - start)
            # As an application that sends now and then: the tabs have time to look.
            time.sleep(0.1)
        return statistics.median(taken)

    client.balance()
    # Twice each, since other work on the machine slows some of them.
    alone = min(measure(), measure())
    with browser.new_context() as context:
        pages = [context.new_page() for _ in range(20)]
        for page in pages:
            page.goto(sandbox.inbox_url)
        for page in pages:
            wait_until_connected(page)
        crowded = min(measure(), measure())
    print(f"a send with 20 tabs takes {crowded / alone:.2f} times as long")  # noqa: T201  # with -s
    assert crowded < 2 * alone


def test_memory_is_flat_over_many_messages() -> None:
    gateway = Gateway(max_messages=1000)
    gateway.add_account("test", "secret1", balance=10**9)
    with Sandbox(gateway=gateway) as sandbox:

        def send(count: int) -> int:
            for number in range(count):
                gateway.send(
                    "test",
                    b"secret1",
                    channel=1,
                    mobiles=[f"1380000{number % 10000:04}"],
                    text=f"【签名】您的验证码是 {number}",
                    long=False,
                    extension="",
                    via="soap",
                )
            return tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        try:
            # Nobody polls: the most that ever waits is reached after 11,000 messages.
            full = send(20_000)
            later = send(100_000)
        finally:
            tracemalloc.stop()
        print(f"{full / 1e6:.1f} MB after 20,000 messages, {later / 1e6:.1f} MB after 100,000 more")  # noqa: T201  # with -s
        assert later < full * 1.1
        assert get(sandbox, "/state")["messages"] == 1000
