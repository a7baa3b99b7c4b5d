"""The promises of ``tests/conftest.py`` to every test."""

from __future__ import annotations

import os
import socket

import pytest


def test_other_hosts_cannot_be_reached() -> None:
    with socket.socket() as there, pytest.raises(pytest.fail.Exception, match="left loopback"):
        there.connect(("192.0.2.1", 80))
    with socket.socket() as there, pytest.raises(pytest.fail.Exception, match="left loopback"):
        there.connect_ex(("192.0.2.1", 80))


def test_names_are_not_looked_up() -> None:
    with pytest.raises(pytest.fail.Exception, match="left loopback"):
        socket.getaddrinfo("sms.example", 80)
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("sms.invalid", 80)


def test_loopback_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as there:
        assert there.getpeername() == server.getsockname()


def test_settings_from_outside_are_gone() -> None:
    names = {name.lower() for name in os.environ}
    # Only the language, which the fixture itself sets, so that texts do not depend on the machine's locale.
    assert {name for name in names if name.startswith("jzysoap_") or name.endswith("_proxy")} == {"jzysoap_lang"}
    assert os.environ["JZYSOAP_LANG"] == "en"


def test_each_test_has_its_own_cache(request: pytest.FixtureRequest) -> None:
    here = os.environ["XDG_CACHE_HOME"]
    assert not os.path.exists(here)
    assert here.startswith(request.getfixturevalue("_surroundings"))
