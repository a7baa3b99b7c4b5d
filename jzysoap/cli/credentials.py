"""The ways in which a command gets a password: a file descriptor, a variable, the keyring, a prompt, in this order.

A password is never an argument, since every user of a system sees the arguments of every process.
"""

from __future__ import annotations

import getpass
import os
import shlex
import stat
import sys
from collections.abc import Mapping
from typing import NamedTuple

from jzysoap.cli import keyrings
from jzysoap.cli.texts import translate
from jzysoap.model.errors import ConfigurationError
from jzysoap.model.masking import Secret

VARIABLES = ("JZYSOAP_PASSWORD", "JZYSOAP_PASSWORD_BASE64", "JZYSOAP_PASSWORD_FILE")
"""The variables that may have a password, or name the file with it."""

_FILE = VARIABLES[2]
_MAX_LINE = 4096


class Found(NamedTuple):
    """A password that was found.

    Attributes:
        password: the password; None if it is in a variable, which the client's options are read from.
        kind: ``fd``, ``variable``, ``keyring`` or ``prompt``.
        source: the same for people.
        keyring: why the keyring could not be used, if it was tried; else empty.
    """

    password: Secret | None
    kind: str
    source: str
    keyring: str = ""


def find_password(descriptor: int | None, variables: Mapping[str, str], base_url: str, username: str) -> Found:
    """Return the password of an account.

    Args:
        descriptor: the file descriptor that has it, or None.
        variables: the environment.
        base_url, username: the account.

    Raises:
        ConfigurationError: there is none, or every user of the system could read it.
    """
    if descriptor is not None:
        return Found(read_line(descriptor), "fd", translate("account.from-fd", number=descriptor))
    variable = next((name for name in VARIABLES if variables.get(name)), None)
    if variable is not None:
        if variable == _FILE:
            refuse_readable(variables[_FILE])
        return Found(None, "variable", variable)
    why = ""
    try:
        stored = keyrings.find(base_url, username)
    except ConfigurationError as error:
        stored, why = None, str(error)
    if stored:
        return Found(Secret(stored), "keyring", translate("account.from-keyring"))
    if not has_terminal():
        reason = why or translate("account.not-in-keyring")
        raise ConfigurationError(translate("account.no-password", username=username, why=reason))
    return Found(ask(translate("account.prompt", username=username)), "prompt", translate("account.from-prompt"), why)


def read_line(descriptor: int) -> Secret:
    """Return the first line of a file descriptor, without its end; the next call returns the next line.

    Raises:
        ConfigurationError: it cannot be read, or the line is empty.
    """
    line = bytearray()
    try:
        # Byte by byte: what comes behind the line is for somebody else.
        while len(line) < _MAX_LINE and (byte := os.read(descriptor, 1)) not in (b"", b"\n"):
            line += byte
        found = Secret(line.decode().removesuffix("\r"))
    except (OSError, OverflowError, UnicodeError) as error:
        # Not chained: the error of a failed decoding holds the password.
        reason = type(error).__name__
        raise ConfigurationError(translate("account.bad-fd", number=descriptor, error=reason)) from None
    if not found:
        raise ConfigurationError(translate("account.empty-password"))
    return found


def refuse_readable(path: str) -> None:
    """Refuse a file with a password if every user of the system can read it. A missing file is not refused here.

    Raises:
        ConfigurationError: says which command to run.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return
    # Windows has no such modes.
    if os.name == "posix" and stat.S_ISREG(mode) and mode & stat.S_IROTH:
        raise ConfigurationError(translate("account.readable-by-all", path=path, quoted=shlex.quote(path)))


def has_terminal() -> bool:
    """Return True if there is a terminal to ask at, also if stdin is something else."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except (OSError, AttributeError):
        # Windows has no such file, and no such flag.
        return os.name == "nt" and sys.stdin is not None and sys.stdin.isatty()
    return True


def ask(prompt: str, *, empty: bool = False) -> Secret:
    """Ask at the terminal, without showing what is typed.

    Raises:
        ConfigurationError: nothing was typed, and ``empty`` is False.
    """
    try:
        typed = Secret(getpass.getpass(prompt))
    except EOFError:
        typed = Secret()
    if not typed and not empty:
        raise ConfigurationError(translate("account.empty-password"))
    return typed
