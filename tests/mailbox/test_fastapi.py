"""FastAPI: the endpoint of ``docs/mailbox.md``, which sends in a thread, with a key."""

from __future__ import annotations

import asyncio
import importlib.util
from typing import Any

import pytest

from jzysoap.sandbox import Sandbox
from tests.kit.missing import lacking
from tests.kit.pages import snippet
from tests.kit.samples import MOBILE

# The libraries of the recipes are in tox's environment of the mailbox.
pytestmark = pytest.mark.database


def test_an_endpoint_that_is_asked_again_texts_once(
    database_url: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec("fastapi") is None:
        lacking("FastAPI")
    import httpx

    for name, value in {
        "BASE_URL": sandbox.url,
        "USERNAME": "test",
        "PASSWORD": "secret1",
        "WSDL": "bundled",
        "MAILBOX": database_url,
    }.items():
        monkeypatch.setenv(f"JZYSOAP_{name}", value)
    names: dict[str, Any] = {"__name__": "shop"}
    exec(snippet("docs/mailbox.md", "from fastapi"), names)  # noqa: S102  # our document

    async def ask() -> None:
        transport = httpx.ASGITransport(app=names["app"])
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:

            async def post(order: int) -> None:
                response = await client.post(f"/orders/{order}/shipped", params={"mobile": MOBILE})
                assert response.status_code == 200
                # Of two that come together, one may see the other's message while it is being sent.
                assert response.json()["state"] in ("accepted", "sending")

            await asyncio.gather(*[post(order) for order in (1, 1, 1, 2)])
            await post(1)

    try:
        asyncio.run(ask())
        assert names["mailbox"].find("order-1-shipped").state == "accepted"
    finally:
        names["mailbox"].close()
    assert len(sandbox.gateway.sent) == 2
