"""The password of a client: given as text, by a callable or as BASE64, and replaced when it changes.

Safe in threads. Nothing here does I/O except the user's own callable.
"""

from __future__ import annotations

import base64
import contextlib
from functools import partial

from jzysoap.model.errors import ConfigurationError
from jzysoap.model.interruptions import find_interruption
from jzysoap.model.masking import Secret
from jzysoap.model.processes import PerProcess, Turn
from jzysoap.settings import checks
from jzysoap.settings.options import Config

ASKING = "asks for its password"
"""What a client does while its password callable runs, for an error."""


class Credentials:
    """The current password.

    Args:
        config: the client's options, with the password or its callable.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._turn = PerProcess(partial(Turn, ASKING, config.timeout.total))
        self._encoded: Secret | None = None
        self._secrets: tuple[Secret, tuple[Secret, ...]] = Secret(), ()

    def __repr__(self) -> str:
        return "<Credentials ***>"

    @property
    def known(self) -> Secret | None:
        """The BASE64 of the password; None if the callable must be called first."""
        return self._encoded if callable(self._config.password) else self.encoded()

    def encoded(self) -> Secret:
        """Return the BASE64 of the password's bytes.

        Raises:
            ConfigurationError: the callable failed or returned no password.
        """
        encoded = self._encoded
        if encoded is None:
            with self._turn.get():
                encoded = self._store(None, self._encoded or self._ask())
        return encoded

    def plain(self) -> Secret:
        """Return the password itself.

        Raises:
            ConfigurationError: as ``encoded``; or the password was given as BASE64 and does not decode to text.
        """
        return self._decode(self.encoded())

    def _decode(self, encoded: Secret) -> Secret:
        bare = encoded.rstrip("=")
        try:
            return Secret(base64.b64decode(bare + "=" * (-len(bare) % 4)).decode(self._config.password_encoding))
        except UnicodeError:
            raise ConfigurationError("password_base64 does not decode to text in password_encoding") from None

    def renew(self, refused: str) -> bool:
        """Call the callable again, if there is one, after the gateway refused a password.

        Args:
            refused: the BASE64 of the refused password. If several calls were refused with it, only the first calls the
                callable.

        Returns:
            True if the password is a different one now.
        """
        if callable(self._config.password):
            with self._turn.get():
                if self._encoded == refused:
                    self._store(refused, self._ask())
        return self._encoded != refused

    def replace(self, password: str) -> None:
        """Use another password from now on; never waits for a running callable, which would block an event loop."""
        self._encoded = checks.encode_password(password, self._config.password_encoding)

    def _store(self, before: str | None, asked: Secret) -> Secret:
        # While the callable ran, replace() may have stored a newer password, which stays.
        if self._encoded == before:
            self._encoded = asked
        return self._encoded or asked

    def secrets(self, encoded: Secret) -> tuple[Secret, ...]:
        """Return a password, given as its BASE64, and its BASE64: no error text may show one of them."""
        known, secrets = self._secrets
        if known != encoded:
            # Servers echo BASE64 also without its padding.
            secrets = (encoded, Secret(encoded.rstrip("=")))
            with contextlib.suppress(ConfigurationError):
                secrets = (*secrets, self._decode(encoded))
            self._secrets = encoded, secrets
        return secrets

    def _ask(self) -> Secret:
        config = self._config
        if config.password_base64 is not None:
            return Secret(config.password_base64)
        password = config.password
        if callable(password):
            try:
                password = password()
            except Exception as error:  # the user's code may raise anything
                if find_interruption([error]) is not None:
                    raise
                raise ConfigurationError("the password callable failed", retry="later") from error
        try:
            return checks.encode_password(checks.password_text(password), config.password_encoding)
        except ValueError as error:
            raise ConfigurationError(f"password {error}") from None
