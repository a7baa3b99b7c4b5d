"""The password of a client: given as text, by a callable, or ready-encoded; and what becomes of it when it changes.

Safe in threads. Nothing here does I/O but what the user's own callable does.
"""

from __future__ import annotations

import base64
import contextlib
import os
import threading

from jzysoap.model.errors import ConfigurationError
from jzysoap.model.masking import Secret, SecretBytes, echo_forms, mask_repr
from jzysoap.settings import checks
from jzysoap.settings.options import Config


class Credentials:
    """The current password.

    Args:
        config: where the password, or its callable, is.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._encoded: Secret | None = None
        self._spelled: tuple[Secret, tuple[Secret, ...]] = Secret(), ()

    def __repr__(self) -> str:
        return "<Credentials ***>"

    @property
    def known(self) -> Secret | None:
        """What ``encoded`` gives, where that needs no asking."""
        return self._encoded if callable(self._config.password) else self.encoded()

    def encoded(self) -> Secret:
        """BASE64 of the password's bytes.

        Raises:
            ConfigurationError: the callable failed or gave no password.
        """
        encoded = self._encoded
        if encoded is None:
            with self._asking():
                encoded = self._take(None, self._encoded or self._ask())
        return encoded

    def plain(self) -> Secret:
        """The password itself.

        Raises:
            ConfigurationError: as ``encoded``, or what was given as BASE64 is no text.
        """
        return self._decoded(self.encoded())

    def _decoded(self, encoded: Secret) -> Secret:
        try:
            data = SecretBytes(base64.b64decode(encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4)))
            return Secret(data.decode(self._config.password_encoding))
        except UnicodeError:
            raise ConfigurationError("password_base64 is no text in password_encoding") from None

    def renew(self, refused: str) -> bool:
        """Asks the callable again, if there is one, after the gateway refused a password.

        Args:
            refused: the BASE64 of the password that was refused.

        Returns:
            Whether there is another one now, since it was asked or replaced. Of many that were refused the same one,
            the first asks.
        """
        if callable(self._config.password):
            with self._asking():
                if self._encoded == refused:
                    self._take(refused, self._ask())
        return self._encoded != refused

    def replace(self, password: str) -> None:
        """Goes on with another password. Waits for no callable that is being asked, which an event loop must not."""
        self._encoded = checks.encode_password(password, self._config.password_encoding)

    def _take(self, before: str | None, asked: Secret) -> Secret:
        if self._encoded == before:
            # Else it was replaced while the callable was asked, by one that is newer.
            self._encoded = asked
        return self._encoded or asked

    def secrets(self, encoded: Secret) -> tuple[str, ...]:
        """What no text of an error may show of a password given as its BASE64: both, however they are echoed."""
        known, spelled = self._spelled
        if known != encoded:
            # Servers show it without its padding too.
            secrets = [encoded, encoded.rstrip("=")]
            with contextlib.suppress(ConfigurationError):
                secrets.append(self._decoded(encoded))
            spelled = echo_forms(*secrets)
            self._spelled = encoded, spelled
        return spelled

    def _asking(self) -> threading.Lock:
        if self._pid != os.getpid():
            # Another thread of the parent may have held it at the fork.
            self._lock = threading.Lock()
            self._pid = os.getpid()
        return self._lock

    def _ask(self) -> Secret:
        config = self._config
        if config.password_base64 is not None:
            return Secret(config.password_base64)
        password = config.password
        if callable(password):
            try:
                password = mask_repr(password())
            except Exception as error:  # whatever the user's code raises becomes one of our errors
                raise ConfigurationError("the password callable failed", retry="later") from error
        try:
            return checks.encode_password(checks.password_text(password), config.password_encoding)
        except ValueError as error:
            raise ConfigurationError(f"password {error}") from None
