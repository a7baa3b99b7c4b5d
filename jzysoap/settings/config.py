"""Every argument of a client, checked once, from arguments or from ``JZYSOAP_…`` variables.

Whoever holds a ``Config`` can rely on it; nothing below checks an argument again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jzysoap.model.errors import ConfigurationError
from jzysoap.model.http import Timeout
from jzysoap.model.masking import Secret
from jzysoap.model.values import Channel
from jzysoap.settings import checks

CALL_TIMEOUT = Timeout(5, 30, 60)
POLL_TIMEOUT = Timeout(5, 120, 300)


@dataclass(frozen=True, slots=True, repr=False)
class Config:
    """The checked arguments of a client; see ``Client`` for what each means."""

    base_url: str
    username: str
    password: str | Callable[[], str] | None = None
    password_base64: str | None = None
    interface: Literal["soap", "servlet"] = "soap"
    channel: Channel = Channel.GATEWAY
    signature: str = ""
    extension: str = ""
    wsdl: str | None = None
    wsdl_max_age: float = 86400.0
    wsdl_sha256: str | None = None
    wsdl_accept_changes: bool = False
    cache_dir: str | Literal[False] | None = None
    arguments: tuple[str, ...] | None = None
    timeout: Timeout = CALL_TIMEOUT
    poll_timeout: Timeout = POLL_TIMEOUT
    max_reply_bytes: int = 16 * 1024 * 1024
    max_poll_bytes: int = 512 * 1024 * 1024
    verify: bool | str = True
    cert: str | tuple[str, str] | None = None
    proxies: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    adapter: Any = None
    pool_size: int = 10
    max_idle: float = 5.0
    poll_url: str | None = None
    utf8_servlet: bool = False
    batch_size: int = 1000
    international: Literal["00", "plus", "bare"] | None = None
    allow_recipients: frozenset[str] | None = None
    password_encoding: str = "utf-8"  # noqa: S105  # the name of a charset
    reply_encoding: str = "gb18030"
    empty_texts: tuple[str, ...] = ()
    on_reply: Callable[[str, bytes], object] | None = None
    on_call: Callable[[Any], object] | None = None

    def __repr__(self) -> str:
        return f"<Config {self.base_url} user={self.username} interface={self.interface}>"


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "base_url": checks.base_url,
    "username": checks.username,
    "password": checks.password,
    "password_base64": checks.password_base64,
    "interface": checks.one_of(("soap", "servlet")),
    "channel": checks.channel,
    "signature": checks.signature,
    "extension": checks.extension,
    "wsdl": checks.wsdl,
    "wsdl_max_age": checks.seconds,
    "wsdl_sha256": checks.sha256,
    "wsdl_accept_changes": checks.flag,
    "cache_dir": checks.cache_dir,
    "arguments": checks.arguments,
    "timeout": checks.timeout,
    "poll_timeout": checks.timeout,
    "max_reply_bytes": checks.whole(1024, 2**40),
    "max_poll_bytes": checks.whole(1024, 2**40),
    "verify": checks.verify,
    "cert": checks.cert,
    "proxies": checks.proxies,
    "headers": checks.headers,
    "adapter": checks.as_given,
    "pool_size": checks.whole(1, 10_000),
    "max_idle": checks.seconds,
    "poll_url": checks.base_url,
    "utf8_servlet": checks.flag,
    "batch_size": checks.batch_size,
    "international": checks.one_of(("00", "plus", "bare")),
    "allow_recipients": lambda value: frozenset(checks.texts(value)),
    "password_encoding": checks.encoding,
    "reply_encoding": checks.encoding,
    "empty_texts": checks.texts,
    "on_reply": checks.hook,
    "on_call": checks.hook,
}


def configure(arguments: Mapping[str, Any]) -> Config:
    """Checks the arguments of a client; None stands for the default.

    Raises:
        ConfigurationError: naming the argument, what is wrong with it, and what to do.
    """
    checked: dict[str, Any] = {}
    for name, value in arguments.items():
        if value is not None:
            try:
                checked[name] = _CHECKS[name](value)
            except ValueError as error:
                raise ConfigurationError(f"{name} {error}") from None
    for name in ("base_url", "username"):
        if name not in checked:
            raise ConfigurationError(f"{name} is missing")
    if "password" not in checked and "password_base64" not in checked:
        raise ConfigurationError("password is missing: give password or password_base64")
    if "password" in checked and "password_base64" in checked:
        raise ConfigurationError("password and password_base64 are both given: leave one of them out")
    config = Config(**checked)
    if isinstance(config.password, str):
        try:
            checks.encode_password(config.password, config.password_encoding)
        except ValueError as error:
            raise ConfigurationError(f"password {error}") from None
    return config


def from_environment(variable: Callable[[str], str], prefix: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a client as the environment has them; ``overrides`` that are not None win.

    ``variable`` gives the text of an environment variable, empty where it is not set.

    ``<prefix>PASSWORD_FILE`` names a file whose content, less one line break at its end, is the password.

    Raises:
        ConfigurationError: naming the variable.
    """
    arguments = {name: value for name, value in overrides.items() if value is not None}
    password_given = bool({"password", "password_base64"} & set(arguments))
    for name, read in _FROM_TEXT.items():
        value = Secret(variable(f"{prefix}{name.upper()}"))
        if not value or name in arguments or (password_given and name in ("password", "password_base64")):
            continue
        try:
            arguments[name] = _CHECKS[name](read(value))
        except ValueError as error:
            raise ConfigurationError(f"{prefix}{name.upper()} {error}") from None
    path = variable(f"{prefix}PASSWORD_FILE")
    if path and not password_given:
        if {"password", "password_base64"} & set(arguments):
            raise ConfigurationError(f"{prefix}PASSWORD_FILE is set beside another password variable: unset one")
        try:
            # Some editors put a byte order mark in front, which is no part of the password.
            arguments["password"] = Secret(re.sub(r"\n\Z", "", Path(path).read_text(encoding="utf-8-sig")))
        except (OSError, ValueError) as error:
            # A decoding error would hold the file's content.
            raise ConfigurationError(f"{prefix}PASSWORD_FILE cannot be read: {type(error).__name__}") from None
        if not arguments["password"]:
            raise ConfigurationError(f"{prefix}PASSWORD_FILE names an empty file")
    for name in ("base_url", "username"):
        if name not in arguments:
            raise ConfigurationError(f"{prefix}{name.upper()} is not set")
    if not {"password", "password_base64"} & set(arguments):
        raise ConfigurationError(f"set {prefix}PASSWORD, {prefix}PASSWORD_FILE or {prefix}PASSWORD_BASE64")
    return arguments


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("must be a number") from None


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("must be a whole number") from None


_FLAGS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def _flag(text: str) -> bool:
    if text.strip().lower() not in _FLAGS:
        raise ValueError("must be true or false")
    return _FLAGS[text.strip().lower()]


def _flag_or_path(text: str) -> bool | str:
    return _FLAGS.get(text.strip().lower(), text)


def _path_or_off(text: str) -> bool | str:
    return False if _FLAGS.get(text.strip().lower()) is False else text


def _channel(text: str) -> Channel:
    for channel in Channel:
        if text.strip().upper() in (channel.name, str(channel.value)):
            return channel
    raise ValueError("must be card, gateway or member (or 0, 1, 2)")


def _timeout(text: str) -> Timeout:
    parts = text.split(",")
    if len(parts) != 3:
        raise ValueError("must be three numbers of seconds: connect,read,total")
    return Timeout(*(_number(part) for part in parts))


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


# What a variable can say of each argument. Those absent (headers, adapter, the hooks) cannot be said in one text.
_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "base_url": str,
    "username": str,
    "password": str,
    "password_base64": str,
    "interface": str,
    "channel": _channel,
    "signature": str,
    "extension": str,
    "wsdl": str,
    "wsdl_max_age": _number,
    "wsdl_sha256": str,
    "wsdl_accept_changes": _flag,
    "cache_dir": _path_or_off,
    "arguments": _list,
    "timeout": _timeout,
    "poll_timeout": _timeout,
    "max_reply_bytes": _whole,
    "max_poll_bytes": _whole,
    "verify": _flag_or_path,
    "cert": str,
    "proxies": lambda text: {"http": text, "https": text},
    "pool_size": _whole,
    "max_idle": _number,
    "poll_url": str,
    "utf8_servlet": _flag,
    "batch_size": _whole,
    "international": str,
    "allow_recipients": _list,
    "password_encoding": str,
    "reply_encoding": str,
    "empty_texts": _list,
}
