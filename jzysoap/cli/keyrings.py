"""The system's keyring: the only place where the command line stores a password. Never a plain file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from jzysoap.cli.extras import need
from jzysoap.cli.texts import translate
from jzysoap.model.errors import ConfigurationError

T = TypeVar("T")


def find(base_url: str, username: str) -> str | None:
    """Return the stored password of an account, else None.

    Raises:
        ConfigurationError: there is no usable keyring.
    """
    found: str | None = _use(lambda backend: backend.get_password(_service(base_url), username))
    return found


def store(base_url: str, username: str, password: str) -> None:
    """Store the password of an account.

    Raises:
        ConfigurationError: there is no usable keyring.
    """
    _use(lambda backend: backend.set_password(_service(base_url), username, password))


def forget(base_url: str, username: str) -> None:
    """Remove the password of an account, if there is one.

    Raises:
        ConfigurationError: there is no usable keyring.
    """
    service = _service(base_url)

    def remove(backend: Any) -> None:
        if backend.get_password(service, username) is not None:
            backend.delete_password(service, username)

    _use(remove)


def check() -> None:
    """Raise if there is no usable keyring.

    Raises:
        ConfigurationError: what is missing.
    """
    _use(lambda _: None)


def _service(base_url: str) -> str:
    return f"jzysoap {base_url}"


def _use(work: Callable[[Any], T]) -> T:
    keyring = need("keyring")
    try:
        backend = keyring.get_keyring()
        kind = type(backend)
        if kind.__module__ == "keyring.backends.fail":
            why = translate("account.no-keyring")
        elif "Plaintext" in kind.__name__:
            why = translate("account.plain-keyring")
        else:
            return work(backend)
    except Exception as error:  # noqa: BLE001  # a backend may raise anything, and its text may have anything in it
        why = translate("account.keyring-failed", error=type(error).__name__)
    raise ConfigurationError(why)
