"""Calls of the sandbox's JSON API, as any program makes them."""

from __future__ import annotations

from typing import Any

import requests

from jzysoap.sandbox import Sandbox


def call(sandbox: Sandbox, method: str, path: str, body: object = None, **options: Any) -> requests.Response:
    """Call the API of a running sandbox.

    Args:
        sandbox: the sandbox.
        method: the HTTP method.
        path: the path behind ``/api/v1``, with the query.
        body: the JSON body; None for none.
        options: of ``requests.request``.
    """
    url = f"{sandbox.inbox_url.removesuffix('/inbox/')}/api/v1{path}"
    if body is not None:
        options["json"] = body
    return requests.request(method, url, timeout=30, **options)


def get(sandbox: Sandbox, path: str) -> Any:
    """Return the value of an answer with the status 200."""
    answer = call(sandbox, "GET", path)
    assert answer.status_code == 200, answer.text
    return answer.json()
