"""The pytest fixtures. pytest loads this module in every run, so it imports nothing but pytest.

Switch it off with ``-p no:jzysoap``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from jzysoap import AsyncClient, Client
    from jzysoap.testing.gateway import SmsGateway


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option ``--sms-show``."""
    group = parser.getgroup("jzysoap", "the SMS gateway of the fixture sms_gateway")
    group.addoption(
        "--sms-show", action="store_true", help="show numbers and texts of messages when a wait for one fails"
    )


@pytest.fixture
def sms_gateway(request: pytest.FixtureRequest) -> Iterator[SmsGateway]:
    """A gateway on loopback, on a free port, for one test. See ``jzysoap.testing.SmsGateway``."""
    from jzysoap.testing.gateway import SmsGateway

    with SmsGateway(show=request.config.getoption("--sms-show")) as gateway:
        yield gateway


@pytest.fixture
def sms_environment(sms_gateway: SmsGateway, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """The variables ``JZYSOAP_…`` for the gateway, set for one test, so that ``Client.from_env()`` uses it."""
    for name, value in sms_gateway.environment.items():
        monkeypatch.setenv(name, value)
    return sms_gateway.environment


@pytest.fixture
def sms_client(sms_gateway: SmsGateway) -> Iterator[Client]:
    """A client of the gateway."""
    with sms_gateway.client() as client:
        yield client


@pytest.fixture
def sms_async_client(sms_gateway: SmsGateway) -> AsyncClient:
    """An asynchronous client of the gateway. Its connections end with the test's event loop."""
    return sms_gateway.async_client()
