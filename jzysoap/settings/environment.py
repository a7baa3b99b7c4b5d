"""The options of a client as environment variables hold them."""

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
    given = {name: value for name, value in overrides.items() if value is not None}
    password_given = bool(_PASSWORDS & set(given))
    for name, option in OPTIONS.items():
        variable = f"{prefix}{name.upper()}"
        value = Secret(variables.get(variable, ""))
        is_set = bool(value) or (name == "allow_recipients" and variable in variables)
        if not is_set or option.text is None or name in given or (password_given and name in _PASSWORDS):
            continue
        try:
            given[name] = option.check(option.text(value))
        except ValueError as error:
            raise ConfigurationError(f"{variable} {error}") from None
    path = variables.get(f"{prefix}PASSWORD_FILE", "")
    if path and not password_given:
        if _PASSWORDS & set(given):
            raise ConfigurationError(f"{prefix}PASSWORD_FILE is set beside another password variable: unset one")
        given["password"] = _read_password(f"{prefix}PASSWORD_FILE", path)
    for name in ("base_url", "username"):
        if name not in given:
            raise ConfigurationError(f"{prefix}{name.upper()} is not set")
    if not _PASSWORDS & set(given):
        raise ConfigurationError(f"set {prefix}PASSWORD, {prefix}PASSWORD_FILE or {prefix}PASSWORD_BASE64")
    return given


def _warn_of_misspellings(variables: Mapping[str, str], prefix: str) -> None:
    known = [f"{prefix}{name.upper()}" for name, option in OPTIONS.items() if option.text is not None]
    known.append(f"{prefix}PASSWORD_FILE")
    for name in sorted(variables):
        if name.startswith(prefix) and name not in known:
            # Kubernetes sets JZYSOAP_…_SERVICE_HOST for a service of that name, which is close to none.
            meant = get_close_matches(name, known, 1, 0.87)
            if meant:
                logger.warning("%s is set, and no option has that name: is %s meant?", name, meant[0])


def _read_password(variable: str, path: str) -> Secret:
    try:
        # Some editors put a byte order mark in front, which is not part of the password.
        password = Secret(re.sub(r"\n\Z", "", Path(path).read_text(encoding="utf-8-sig")))
    except (OSError, ValueError) as error:
        # Not chained: the error of a failed decoding holds the file's content.
        raise ConfigurationError(f"{variable} cannot be read: {type(error).__name__}") from None
    if not password:
        raise ConfigurationError(f"{variable} names an empty file")
    return password
