"""A sandbox with an account, and a keyring that tests may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest

from jzysoap.sandbox import Gateway, Sandbox
from tests.kit import keyrings
from tests.kit.samples import PASSWORD, USERNAME


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    gateway = Gateway()
    gateway.add_account(USERNAME, PASSWORD, 7)
    with Sandbox(gateway=gateway) as running:
        yield running


@pytest.fixture
def variables(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The sandbox's account in the environment."""
    monkeypatch.setenv("JZYSOAP_BASE_URL", sandbox.url)
    monkeypatch.setenv("JZYSOAP_USERNAME", USERNAME)
    monkeypatch.setenv("JZYSOAP_PASSWORD", PASSWORD)
    return sandbox


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of a keyring, for this process and for others."""
    path = tmp_path / "keyring.json"
    # Asked for before the variables are changed, which decide what it is the first time.
    before = keyring.get_keyring()
    monkeypatch.setenv(keyrings.VARIABLE, str(path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", keyrings.BACKEND)
    keyring.set_keyring(keyring.core.load_keyring(keyrings.BACKEND))
    yield path
    keyring.set_keyring(before)


@pytest.fixture
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """No terminal to ask at, also where the tests run at one."""
    for module in ("credentials", "password", "profiles"):
        monkeypatch.setattr(f"jzysoap.cli.{module}.has_terminal", lambda: False)
