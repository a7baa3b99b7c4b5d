"""The options of a client as the environment or a settings file holds them."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from jzysoap.model.errors import ConfigurationError
from jzysoap.model.masking import Secret
from jzysoap.settings.options import OPTIONS

logger = logging.getLogger("jzysoap")

_PASSWORDS = {"password", "password_base64"}
_FILE = "password_file"


def from_environment(variables: Mapping[str, str], prefix: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that the environment holds; ``overrides`` that are not None take precedence.

    ``<prefix>PASSWORD_FILE`` names a file whose content, without one line break at its end, is the password.

    Args:
        variables: the environment. An empty variable counts as not set, but for ``ALLOW_RECIPIENTS``: there it means
            nobody, since a guard must not open because a value got lost.
        prefix: the beginning of each variable's name.
        overrides: options given by the caller.

    Raises:
        ConfigurationError: naming the variable.
    """
    _warn_of_misspellings(variables, prefix)
    spelled = {name: f"{prefix}{name.upper()}" for name in _with_text()}
    values = {name: Secret(variables[key]) for name, key in spelled.items() if key in variables}
    return _read(values, spelled, overrides)


def from_mapping(settings: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a mapping holds, such as a part of a settings file.

    Args:
        settings: values by the option's name, in lower or upper case; None and an empty text count as not set, but
            for ``allow_recipients``. A text that is no value of its option is read as a variable's text is.
            ``password_file`` names a file, as the variable does.
        overrides: options given by the caller; those that are not None take precedence.

    Raises:
        ConfigurationError: naming the key.
    """
    given: Any = settings
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"from_mapping takes a mapping of options, not {type(given).__name__}")
    upper = all(isinstance(key, str) and key.isupper() for key in given)
    spelled = {name: name.upper() if upper else name for name in (*OPTIONS, _FILE)}
    values: dict[str, Any] = {}
    for key, value in given.items():
        name = key.lower() if isinstance(key, str) else ""
        if name not in spelled:
            meant = get_close_matches(name, spelled, 1)
            hint = f": is {meant[0]} meant?" if meant else ""
            raise ConfigurationError(f"{_show_key(key)} is not an option of a client{hint}")
        if name in values:
            raise ConfigurationError(f"{spelled[name]} and {key} are the same option: omit one of them")
        spelled[name], values[name] = key, value
    return _read(values, spelled, overrides)


def _read(values: Mapping[str, Any], spelled: Mapping[str, str], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options, given their values or texts by name, and each name as the user spells it."""
    given = {name: value for name, value in overrides.items() if value is not None}
    password_given = bool(_PASSWORDS & set(given))
    for name, value in values.items():
        is_set = value is not None and (value != "" or name == "allow_recipients")
        if not is_set or name in given or name == _FILE or (password_given and name in _PASSWORDS):
            continue
        option = OPTIONS[name]
        try:
            read = option.text(Secret(value)) if isinstance(value, str) and option.text is not None else value
            given[name] = option.check(read)
        except ValueError as error:
            raise ConfigurationError(f"{spelled[name]} {error}") from None
    path = values.get(_FILE)
    if path and not password_given:
        if _PASSWORDS & set(given):
            raise ConfigurationError(f"{spelled[_FILE]} is set beside another password: unset one")
        given["password"] = _read_password(spelled[_FILE], path)
    for name in ("base_url", "username"):
        if name not in given:
            raise ConfigurationError(f"{spelled[name]} is not set")
    if not _PASSWORDS & set(given):
        raise ConfigurationError(f"set {spelled['password']}, {spelled[_FILE]} or {spelled['password_base64']}")
    return given


def _with_text() -> list[str]:
    """Return the names of the options that have a variable."""
    return [*(name for name, option in OPTIONS.items() if option.text is not None), _FILE]


def _show_key(key: object) -> str:
    # A value that was mistaken for a key may be the password.
    return key if isinstance(key, str) and re.fullmatch(r"[A-Za-z][A-Za-z_]{0,39}", key) else "a key of the mapping"


def _warn_of_misspellings(variables: Mapping[str, str], prefix: str) -> None:
    known = [f"{prefix}{name.upper()}" for name in _with_text()]
    for name in sorted(variables):
        if name.startswith(prefix) and name not in known:
            # Kubernetes sets JZYSOAP_…_SERVICE_HOST for a service of that name, which is close to none.
            meant = get_close_matches(name, known, 1, 0.87)
            if meant:
                logger.warning("%s is set, and no option has that name: is %s meant?", name, meant[0])


def _read_password(variable: str, path: Any) -> Secret:
    try:
        # Some editors put a byte order mark in front, which is not part of the password.
        password = Secret(re.sub(r"\n\Z", "", Path(path).read_text(encoding="utf-8-sig")))
    except (OSError, ValueError, TypeError) as error:
        # Not chained: the error of a failed decoding holds the file's content.
        raise ConfigurationError(f"{variable} cannot be read: {type(error).__name__}") from None
    if not password:
        raise ConfigurationError(f"{variable} names an empty file")
    return password
