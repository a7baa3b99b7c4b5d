"""A gateway that serves definitions from a mapping, and a clock, for the tests of this folder. No network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jzysoap.model.errors import WsdlError
from jzysoap.model.http import HttpReply
from jzysoap.settings.options import Config, configure
from tests.kit.definitions import URL, definition, load_bindings

BASE = "http://gateway.invalid"
NOW = 1_700_000_000.0
LIVE = definition()
OTHER = definition(namespace="urn:changed")
HTML = b"<html><body>Welcome to Tomcat</body></html>"


class Gateway:
    """A gateway.

    Attributes:
        served: the answer to each address: a document, a reply or an error.
        asked: the addresses that were asked for.
    """

    def __init__(self) -> None:
        self.served: dict[str, Any] = {URL: LIVE}
        self.asked: list[str] = []

    def fetch(self, url: str) -> HttpReply:
        self.asked.append(url)
        found = self.served.get(url, HttpReply(404, {}, b"not here"))
        if isinstance(found, Exception):
            raise found
        return found if isinstance(found, HttpReply) else HttpReply(200, {"content-type": "text/xml"}, found)


class Clock:
    """A clock that stands still."""

    now = NOW

    def __call__(self) -> float:
        return self.now


def configured(directory: Path, **arguments: object) -> Config:
    """Return the options of a client of the gateway, with a cache in that directory."""
    given = {"base_url": BASE, "username": "test", "password": "pw123", "cache_dir": directory / "cache"}
    return configure({**given, **arguments})


def load_error(config: Config, gateway: Gateway, clock: Clock) -> WsdlError:
    """Return the error of loading the definition."""
    with pytest.raises(WsdlError) as caught:
        load_bindings(config, gateway.fetch, clock=clock)
    assert not caught.value.may_have_been_sent
    return caught.value
