"""The libraries of the extra ``cli``, imported when a command needs them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from jzysoap.cli.texts import translate
from jzysoap.model.errors import ConfigurationError


def need(library: str) -> Any:
    """Return a library.

    Raises:
        ConfigurationError: it is not installed; the error says what to install.
    """
    try:
        return import_module(library)
    except ImportError as error:
        raise ConfigurationError(translate("general.missing-extra", library=library)) from error


def need_mailbox() -> Any:
    """Return the module ``jzysoap.mailbox``.

    Raises:
        ConfigurationError: SQLAlchemy is not installed; the error says what to install.
    """
    return import_module("jzysoap.mailbox")
