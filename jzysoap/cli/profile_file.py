"""The file with the accounts that have a name: TOML in the platform's configuration directory, without passwords.

::

    default = "work"

    [profiles.work]
    base_url = "http://smsapi.example.com:9003"
    username = "account"
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jzysoap.cli.extras import need
from jzysoap.cli.texts import translate
from jzysoap.model.errors import ConfigurationError
from jzysoap.settings.options import OPTIONS

NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""The names that an account may have."""

KEYS = tuple(name for name, option in OPTIONS.items() if option.text is not None and not option.secret)
"""The options of a client that an account may have."""


@dataclass(slots=True)
class Profiles:
    """The content of the file.

    Attributes:
        path: the file.
        default: the name of the default account, if there is one.
        accounts: the options of each account, by its name.
    """

    path: Path
    default: str | None = None
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def get(self, name: str) -> dict[str, Any]:
        """Return the options of an account.

        Raises:
            ConfigurationError: there is no account of that name.
        """
        if name not in self.accounts:
            names = ", ".join(sorted(self.accounts)) or translate("account.nothing")
            raise ConfigurationError(translate("account.name-unknown", name=name, names=names))
        return self.accounts[name]

    def save(self) -> None:
        """Write the file, completely or not at all, for this user alone.

        Raises:
            ConfigurationError: it cannot be written.
        """
        content = {"default": self.default} if self.default else {}
        text = need("tomli_w").dumps({**content, "profiles": self.accounts})
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self.path.parent)
            try:
                with open(descriptor, "w", encoding="utf-8") as file:
                    file.write(text)
                os.replace(name, self.path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(name)
                raise
        except OSError as error:
            raise ConfigurationError(translate("account.file-bad", path=self.path, error=error)) from error


def load() -> Profiles:
    """Return the accounts; none if there is no file yet.

    Raises:
        ConfigurationError: the file cannot be used, or holds a password; or there is no home directory.
    """
    path = Path(need("platformdirs").user_config_dir("jzysoap", appauthor=False), "profiles.toml")
    if not path.is_absolute():
        raise ConfigurationError(translate("account.no-home"))
    try:
        with open(path, "rb") as file:
            content = tomllib.load(file)
        profiles = Profiles(path, content.get("default"), content.get("profiles", {}))
        _check(profiles)
    except FileNotFoundError:
        return Profiles(path)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        # Not chained: the error may quote the file.
        why = error if isinstance(error, (OSError, tomllib.TOMLDecodeError)) else type(error).__name__
        raise ConfigurationError(translate("account.file-bad", path=path, error=why)) from None
    return profiles


def _check(profiles: Profiles) -> None:
    for name, options in profiles.accounts.items():
        for key in options:
            if "password" in key.lower() and key not in KEYS:
                path = str(profiles.path)
                quoted = shlex.quote(path)
                raise ConfigurationError(translate("account.file-password", path=path, quoted=quoted, profile=name))
            if key not in KEYS:
                raise ConfigurationError(translate("account.option-bad", name=key))
    if profiles.default is not None and profiles.default not in profiles.accounts:
        profiles.default = None
