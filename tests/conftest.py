"""Rules for every test: none leaves loopback, none sees the machine's settings or the user's files."""

from __future__ import annotations

import ipaddress
import itertools
import os
import signal
import socket
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest

# A gate that fails by chance gets ignored: there the same examples run each time; at a desk new ones do.
hypothesis.settings.register_profile("desk", deadline=None)
hypothesis.settings.register_profile("gate", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("desk")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two more processes than processors, for ``-n auto``: about half of a run is waiting."""
    return (os.cpu_count() or 1) + 2


_FOREIGN = (
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "requests_ca_bundle",
    "curl_ca_bundle",
    "ssl_cert_file",
    "ssl_cert_dir",
    "netrc",
)
_numbers = itertools.count()


def _is_loopback(host: str | None) -> bool:
    if not host or host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


@pytest.fixture(scope="session", autouse=True)
def _signals_as_at_a_terminal() -> None:
    """Undo what nohup (SIGHUP) and a shell in the background (SIGINT) ignore: processes of tests would inherit it."""
    for number, usual in (
        (signal.SIGINT, signal.default_int_handler),
        (getattr(signal, "SIGHUP", None), signal.SIG_DFL),
    ):
        if number is not None and signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, usual)


@pytest.fixture(scope="session", autouse=True)
def _no_test_leaves_loopback() -> Iterator[None]:
    """Any other address fails the test; a name under ``.invalid`` is unknown, as a name server would say."""
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def check(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
            pytest.fail(f"a test left loopback: connect to {address!r}")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        check(self, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        check(self, address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name and name.rstrip(".").endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if not _is_loopback(name):
            try:
                ipaddress.ip_address(name)
            except ValueError:
                pytest.fail(f"a test left loopback: lookup of {host!r}")
        return getaddrinfo(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
        yield


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch, _surroundings: str) -> None:
    """No settings, language or keyring from outside, and directories that no other test has."""
    for name in list(os.environ):
        if name.startswith("JZYSOAP_") or name.lower() in _FOREIGN:
            monkeypatch.delenv(name)
    number = next(_numbers)
    monkeypatch.setenv("XDG_CACHE_HOME", f"{_surroundings}/{number}")
    monkeypatch.setenv("XDG_CONFIG_HOME", f"{_surroundings}/{number}-config")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("JZYSOAP_LANG", "en")


@pytest.fixture(scope="session")
def _surroundings(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("cache"))
