"""The account that a command is about: options of the command line, then ``JZYSOAP_*`` variables, then a profile.

What a variable takes from a profile is said on stderr, since nobody sees a variable.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from jzysoap.cli import profile_file
from jzysoap.cli.credentials import VARIABLES, Found, find_password
from jzysoap.cli.output import print_message
from jzysoap.cli.texts import translate
from jzysoap.model.errors import ConfigurationError
from jzysoap.settings.environment import from_environment, from_mapping
from jzysoap.settings.options import OPTIONS, Config, configure

_PREFIX = "JZYSOAP_"
OWN_VARIABLES = ("JZYSOAP_LANG", "JZYSOAP_MAILBOX", "JZYSOAP_PROFILE")
"""The variables that the command line has, and a client has not."""

# Values for checking the other options.
_STAND_INS = {"base_url": "http://localhost", "username": "-", "password": "-"}


@dataclass(frozen=True, slots=True, repr=False)
class Account:
    """An account, before its password is looked for.

    Attributes:
        config: its checked options; the password is a stand-in.
        profile: the name of the profile that it is from, or None.
        sources: where its address and name are from, for people.
    """

    config: Config
    profile: str | None
    sources: tuple[str, ...]
    _options: Mapping[str, Any]
    _passwords: Mapping[str, str]
    _descriptor: int | None

    def authenticate(self) -> tuple[dict[str, Any], Found]:
        """Return the arguments for a client, and where its password is from.

        Raises:
            ConfigurationError: there is no password that can be used.
        """
        found = find_password(self._descriptor, self._passwords, self.config.base_url, self.config.username)
        if found.password is not None:
            return {**self._options, "password": found.password}, found
        return from_environment(self._passwords, _PREFIX, self._options), found


def find_account(options: argparse.Namespace) -> Account:
    """Return the account that the arguments, the environment and the profiles name.

    Raises:
        ConfigurationError: there is none, or an option of it cannot be used.
    """
    variables = {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES}
    given = {name: value for name in ("base_url", "username") if (value := getattr(options, name)) is not None}
    # An empty list of recipients means nobody; another empty variable is not set.
    set_ = {
        name
        for name in OPTIONS
        if variables.get(_PREFIX + name.upper()) or (name == "allow_recipients" and _variable(name) in variables)
    }
    # A password from a file descriptor wins over all variables.
    passwords = {name: variables[name] for name in VARIABLES if name in variables and options.password_fd is None}
    named = options.profile or os.environ.get("JZYSOAP_PROFILE")
    complete = set(_STAND_INS) - {"password"} <= {*given, *set_}
    profile: str | None = None
    kept: dict[str, Any] = {}
    if named or not complete:
        profile, kept = _read_profile(named, set_ - {*given}, passwords)
        if profile is None and not complete:
            raise ConfigurationError(translate("account.none"))
    else:
        _say_unused({"base_url", "username"} - {*given})
    overrides = {**{name: value for name, value in kept.items() if name not in set_}, **given}
    checked = from_environment(variables, _PREFIX, {**overrides, "password": _STAND_INS["password"]})
    config = configure(checked)
    del checked["password"]
    sources = tuple(_source(name, given, set_, profile) for name in ("base_url", "username"))
    return Account(config, profile, sources, checked, passwords, options.password_fd)


def _read_profile(
    named: str | None, set_: Collection[str], passwords: Mapping[str, str]
) -> tuple[str | None, dict[str, Any]]:
    """Return the name of the profile to use, and its checked options; None if there is no profile.

    Args:
        named: the name that was given, or None for the default profile.
        set_: the options that a variable takes from the profile.
        passwords: the variables with a password.
    """
    profiles = profile_file.load()
    name = named or profiles.default
    if name is None:
        return None, {}
    stored = profiles.get(name)
    winning = [_variable(option) for option in stored if option in set_]
    winning += [variable for variable in VARIABLES if passwords.get(variable)]
    if winning:
        print_message(translate("account.variables-win", variables=", ".join(winning), profile=name))
    try:
        checked = from_mapping({**_STAND_INS, **stored}, {})
    except ConfigurationError as error:
        raise ConfigurationError(translate("account.in-profile", profile=name, error=error)) from error
    return name, {option: checked[option] for option in stored}


def _say_unused(variables: Collection[str]) -> None:
    """Say that the default profile is not used, if there is one and variables are the reason."""
    # Profiles that cannot be read are not needed here.
    with contextlib.suppress(ConfigurationError):
        default = profile_file.load().default if variables else None
        if default is not None:
            names = ", ".join(_variable(name) for name in sorted(variables))
            print_message(translate("account.profile-unused", profile=default, variables=names))


def _source(name: str, given: Collection[str], set_: Collection[str], profile: str | None) -> str:
    if name in given:
        return "--" + name.replace("_", "-")
    return _variable(name) if name in set_ else f"profile {profile}"


def _variable(name: str) -> str:
    return _PREFIX + name.upper()
