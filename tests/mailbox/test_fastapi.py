"""FastAPI: an endpoint that sends in a thread, with a key."""

from __future__ import annotations

import asyncio
import importlib.util

import pytest

from jzysoap.mailbox import Mailbox
from jzysoap.sandbox import Sandbox
from tests.kit.missing import lacking
from tests.kit.samples import MOBILE, TEXT

# The libraries of the recipes are in tox's environment of the mailbox.
pytestmark = pytest.mark.database


def test_an_endpoint_that_is_asked_twice_texts_once(box: Mailbox, sandbox: Sandbox) -> None:
    if importlib.util.find_spec("fastapi") is None:
        lacking("FastAPI")
    import httpx
    from fastapi import FastAPI
    from fastapi.concurrency import run_in_threadpool

    app = FastAPI()

    async def shipped(order: int) -> dict[str, str]:
        message = await run_in_threadpool(box.send, MOBILE, TEXT, key=f"order-{order}-shipped")
        return {"state": message.state}

    app.add_api_route("/orders/{order}/shipped", shipped, methods=["POST"])

    async def ask() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://app") as client:
            for order in (1, 1, 2):
                response = await client.post(f"/orders/{order}/shipped")
                assert (response.status_code, response.json()) == (200, {"state": "accepted"})

    asyncio.run(ask())
    assert len(sandbox.gateway.sent) == 2
