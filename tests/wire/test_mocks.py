"""The mock libraries of docs/testing.md: which of them hold a client, and which let real messages out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import requests_mock
import responses
import vcr
from vcr.errors import CannotOverwriteExistingCassetteException

from jzysoap import AsyncClient, Client, OutcomeUnknownError
from jzysoap.sandbox import Sandbox
from tests.kit.facade import Facade
from tests.kit.samples import MOBILE
from tests.kit.soap import envelope

PATHS = {"soap": "/services/userApi", "servlet": "/servlet/UserServiceAPI"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(params=["soap", "servlet"])
def interface(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


@pytest.fixture(params=["new", "in use"])
def client(request: pytest.FixtureRequest, interface: str, sandbox: Sandbox) -> Iterator[Client]:
    """A client that has made no call yet, or one with a connection that it keeps."""
    with make(sandbox, interface) as client:
        if request.param == "in use":
            client.balance()
        yield client


def make(sandbox: Sandbox, interface: str, **options: Any) -> Client:
    return Client(sandbox.url, "test", "secret1", interface=interface, wsdl="bundled", cache_dir=False, **options)  # type: ignore[arg-type]  # one of the two


def answer(interface: str) -> bytes:
    return b"success;337" if interface == "servlet" else envelope("success;337")


def test_responses_holds(client: Client, interface: str, sandbox: Sandbox) -> None:
    with responses.RequestsMock() as rules:
        rules.post(sandbox.url + PATHS[interface], body=answer(interface))
        assert client.send(MOBILE, "短信").batch_id == "337"
        assert len(rules.calls) == 1
    assert not sandbox.gateway.sent


def test_responses_without_a_rule(client: Client, sandbox: Sandbox) -> None:
    with responses.RequestsMock(), pytest.raises(OutcomeUnknownError, match="a mock has no rule for the request"):
        client.send(MOBILE, "短信")
    assert not sandbox.gateway.sent


def test_an_adapter_of_requests_mock_holds(interface: str, sandbox: Sandbox) -> None:
    adapter = requests_mock.Adapter()
    with make(sandbox, interface, adapter=adapter) as client:
        with pytest.raises(OutcomeUnknownError, match="a mock has no rule for the request"):
            client.send(MOBILE, "短信")
        adapter.register_uri("POST", sandbox.url + PATHS[interface], content=answer(interface))
        assert client.send(MOBILE, "短信").batch_id == "337"
    assert not sandbox.gateway.sent


def test_a_cassette_holds(client: Client, sandbox: Sandbox, tmp_path: Path) -> None:
    tape = vcr.VCR(cassette_library_dir=str(tmp_path))
    with tape.use_cassette("tape.yaml"):
        first = client.send(MOBILE, "短信")
    assert len(sandbox.gateway.sent) == 1
    with tape.use_cassette("tape.yaml"):
        assert client.send(MOBILE, "短信") == first
    with tape.use_cassette("empty.yaml", record_mode="none"), pytest.raises(CannotOverwriteExistingCassetteException):
        client.send(MOBILE, "短信")
    assert len(sandbox.gateway.sent) == 1
    client.send(MOBILE, "短信")
    assert len(sandbox.gateway.sent) == 2


@pytest.mark.parametrize("patched", ["requests.post", "requests.Session.send", "requests.Session.request"])
def test_patches_of_sessions_do_not_hold(patched: str, client: Client, interface: str, sandbox: Sandbox) -> None:
    with requests_mock.Mocker() as rules:
        rules.post(sandbox.url + PATHS[interface], content=answer(interface))
        client.send(MOBILE, "短信")
        assert not rules.called
    with mock.patch(patched) as called:
        client.send(MOBILE, "短信")
        called.assert_not_called()
    assert len(sandbox.gateway.sent) == 2


def test_no_mock_of_requests_holds_an_asynchronous_client(interface: str, sandbox: Sandbox, tmp_path: Path) -> None:
    with Facade(AsyncClient, sandbox.url, "test", "secret1", interface=interface) as client:
        with responses.RequestsMock(), requests_mock.Mocker():
            client.send(MOBILE, "短信")
        with vcr.VCR(cassette_library_dir=str(tmp_path), record_mode="none").use_cassette("empty.yaml"):
            client.send(MOBILE, "短信")
    assert len(sandbox.gateway.sent) == 2


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_patched_method_holds(kind: type[Client] | type[AsyncClient], interface: str, sandbox: Sandbox) -> None:
    with Facade(kind, sandbox.url, "test", "secret1", interface=interface) as client:
        with mock.patch.object(kind, "send", autospec=True, return_value="sent"):
            client.send(MOBILE, "短信")
    assert not sandbox.gateway.sent
