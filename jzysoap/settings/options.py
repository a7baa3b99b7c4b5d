"""The options of a client: one table, with check, text form, secrecy and documentation of each.

A new option is one row of ``Config`` and one argument of the constructor. Code that holds a ``Config`` can rely on it:
nothing else checks an option again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal, NamedTuple, Required, TypedDict, get_args

from jzysoap.model.errors import ConfigurationError
from jzysoap.model.events import CallEvent, CallStarted, RawReply
from jzysoap.model.http import Timeout
from jzysoap.model.operations import OPERATIONS, InterfaceName, Operations
from jzysoap.model.values import Channel
from jzysoap.settings import checks, texts

CALL_TIMEOUT = Timeout(5, 30, 60)
POLL_TIMEOUT = Timeout(5, 120, 300)

International = Literal["00", "plus", "bare"]
"""The gateway's spelling of numbers of other countries or regions: ``00852…``, ``+852…`` or ``852…``."""


class ClientOptions(TypedDict, total=False):
    """The arguments of a client as a dictionary, for type checkers: ``Client(**options)``.

    Other values, such as texts of variables, are for ``Client.from_mapping``, which takes any mapping.
    """

    base_url: Required[str]
    username: Required[str]
    password: str | Callable[[], str] | None
    password_base64: str | None
    password_encoding: str
    channel: Channel
    signature: str
    extension: str
    batch_size: int
    max_segments: int
    max_recipients: int | None
    international: International | None
    allow_recipients: Collection[str] | None
    interface: InterfaceName
    utf8_servlet: bool
    wsdl: str | os.PathLike[str] | None
    wsdl_max_age: float
    wsdl_sha256: str | None
    wsdl_accept_changes: bool
    cache_dir: str | os.PathLike[str] | Literal[False] | None
    arguments: Sequence[str] | None
    poll_url: str | None
    reply_encoding: str
    empty_texts: Collection[str]
    timeout: Timeout
    poll_timeout: Timeout
    max_reply_bytes: int
    max_poll_bytes: int
    verify: bool | str | os.PathLike[str]
    cert: str | tuple[str, str] | None
    proxies: Mapping[str, str] | None
    headers: Mapping[str, str] | None
    adapter: Any
    transport: Any
    pool_size: int
    max_idle: float
    on_reply: Callable[[RawReply], object] | None
    on_call_started: Callable[[CallStarted], object] | None
    on_call: Callable[[CallEvent], object] | None


# mypy allows no assignment in the body of a typed dictionary.
ClientOptions.__module__ = "jzysoap"


class Option(NamedTuple):
    """A row of the table.

    Attributes:
        check: returns the value in its final form, or raises a ValueError that says what it must be.
        text: makes a value of an environment variable's text; None if the option has no variable.
        secret: True if its value may hold a password or personal data.
    """

    check: Callable[[Any], Any]
    text: Callable[[str], Any] | None = str
    secret: bool = False


def _row(
    check: Callable[[Any], Any],
    default: Any = MISSING,
    *,
    text: Callable[[str], Any] | None = str,
    secret: bool = False,
) -> Any:
    return field(default=default, metadata={"option": Option(check, text, secret)})


@dataclass(frozen=True, slots=True, repr=False)
class Config:
    """The checked options of a client. None given to the constructor stands for the default.

    The text under each row documents the option; ``python -m tests.kit.options`` copies it to where users read it.
    """

    base_url: str = _row(checks.base_url)
    """The gateway's address, such as `http://smsapi.example.com:9003`, with its context path if it has one, without
    `/services/…` and without user and password."""
    username: str = _row(checks.username)
    """The account's name."""
    password: str | Callable[[], str] | None = _row(checks.password, None, secret=True)
    """The password as text, or a callable that returns it and is called again when the gateway refuses that password.
    Give either this or `password_base64`."""
    password_base64: str | None = _row(checks.password_base64, None, secret=True)
    """The BASE64 of the password's bytes, as old code holds it."""
    password_encoding: str = _row(checks.encoding, "utf-8")
    """The charset of the password's bytes."""
    channel: Channel = _row(checks.channel, Channel.GATEWAY, text=texts.channel)
    """The default channel: card, gateway or member."""
    signature: str = _row(checks.signature, "")
    """The signature, put in front of every text as `【…】` unless the text begins with it."""
    extension: str = _row(checks.extension, "")
    """The default extension number: digits as text, since leading zeros count."""
    batch_size: int = _row(checks.batch_size, 1000, text=texts.whole_number)
    """Recipients in one call, at most 20,000."""
    max_segments: int = _row(checks.whole(1, 10**9), 10, text=texts.whole_number)
    """Segments of one text at most: `send` refuses a longer one, such as a template filled with a whole page."""
    max_recipients: int | None = _row(checks.whole(1, 10**9), None, text=texts.whole_number)
    """Recipients of one `send` at most, repeated ones not counted; `None` for any number."""
    international: International | None = _row(checks.one_of(get_args(International)), None)
    """The spelling of numbers outside mainland China: `"00"`, `"plus"` or `"bare"`; `None` refuses them."""
    allow_recipients: frozenset[str] | None = _row(
        lambda value: frozenset(checks.texts(value)), None, text=texts.texts, secret=True
    )
    """The only numbers that may be sent to (for staging); an empty collection, or an empty variable, means nobody."""
    interface: InterfaceName = _row(checks.one_of(get_args(InterfaceName)), "soap")
    """`"soap"`, or `"servlet"` for the HTTP interface."""
    utf8_servlet: bool = _row(checks.flag, False, text=texts.flag)
    """True for the UTF-8 servlet of some resellers, which takes the password in the clear."""
    wsdl: str | None = _row(checks.wsdl, None)
    """The service definition: `None` for the gateway's own; a path, also of a directory that `jzysoap wsdl fetch`
    recorded; an address; `"bundled"`, or `"bundled:<name>"` for another bundled one."""
    wsdl_max_age: float = _row(checks.seconds, 86400.0, text=texts.number)
    """Seconds for which a saved definition is used without asking the gateway; 0 asks for each new client."""
    wsdl_sha256: str | None = _row(checks.sha256, None)
    """The only definition to accept, by the SHA-256 of its bytes (with imports: of all documents, one after the
    other). The error for another definition names its hash."""
    wsdl_accept_changes: bool = _row(checks.flag, False, text=texts.flag)
    """True if a gateway's definition that would change what is sent may replace the saved one. Otherwise the saved one
    stays in use, with a warning that says what would change; `jzysoap wsdl fetch <base_url> --accept` accepts
    the new one."""
    cache_dir: str | Literal[False] | None = _row(checks.cache_dir, None, text=texts.path_or_off)
    """The directory for saved definitions: `None` for the user's cache directory; a path; `False` to save none."""
    arguments: tuple[str, ...] | None = _row(checks.names, None, text=texts.texts)
    """The documented names of the arguments of `sendSms` in the definition's order, if they cannot be matched."""
    poll_url: str | None = _row(checks.base_url, None)
    """The base address for polls, if the deployment has another one."""
    reply_encoding: str = _row(checks.encoding, "gb18030")
    """The charset of the text in replies."""
    empty_texts: tuple[str, ...] = _row(checks.texts, (), text=texts.texts)
    """Texts after `failure;` that mean that there are no records."""
    timeout: Timeout = _row(checks.timeout, CALL_TIMEOUT, text=texts.timeout)
    """`Timeout(connect, read, total)` of a call: seconds to connect, between two arrivals of bytes, and in total. The
    first call's total includes the loading of the definition."""
    poll_timeout: Timeout = _row(checks.timeout, POLL_TIMEOUT, text=texts.timeout)
    """The same for a poll."""
    max_reply_bytes: int = _row(checks.whole(1024, 2**40), 16 * 1024 * 1024, text=texts.whole_number)
    """The largest answer, decompressed."""
    max_poll_bytes: int = _row(checks.whole(1024, 2**40), 64 * 1024 * 1024, text=texts.whole_number)
    """The same for a poll."""
    verify: bool | str = _row(checks.verify, True, text=texts.flag_or_path)
    """True to verify certificates, a path to a CA bundle, or False."""
    cert: str | tuple[str, str] | None = _row(checks.cert, None)
    """A client certificate: a path, or a pair of paths, certificate and key."""
    proxies: Mapping[str, str] | None = _row(checks.proxies, None, text=texts.proxies, secret=True)
    """Proxies as requests takes them; `None` for the environment's, `{}` for none. Loopback is never proxied."""
    headers: Mapping[str, str] | None = _row(checks.headers, None, text=None, secret=True)
    """More HTTP headers for each request."""
    adapter: Any = _row(checks.as_given, None, text=None)
    """For `Client` alone: a requests adapter that never retries, in place of the client's connections."""
    transport: Any = _row(checks.transport, None, text=None)
    """A custom transport in place of the client's connections: an object whose `exchange(request)` takes an
    `HttpRequest` and returns an `HttpReply`; asynchronous for `AsyncClient`."""
    pool_size: int = _row(checks.whole(1, 10_000), 10, text=texts.whole_number)
    """Connections that are kept."""
    max_idle: float = _row(checks.seconds, 5.0, text=texts.number)
    """Seconds after which an idle connection is not used again."""
    on_reply: Callable[[RawReply], object] | None = _row(checks.any_hook, None, text=None)
    """Called with the `RawReply` of every poll that brought at least one byte, before it is parsed. An exception that
    it raises has the bytes as `raw`."""
    on_call_started: Callable[[CallStarted], object] | None = _row(checks.any_hook, None, text=None)
    """Called with a `CallStarted` before every call: id, operation, interface, account, address, counts; nothing
    secret."""
    on_call: Callable[[CallEvent], object] | None = _row(checks.any_hook, None, text=None)
    """Called with a `CallEvent` after every call: the same, and outcome, error, duration, batch id; nothing secret."""
    operations: Operations = field(default_factory=lambda: OPERATIONS)
    """The table of operations; a class attribute of a client, not an option."""
    asynchronous: bool = False
    """True for an `AsyncClient`, whose hooks may be coroutine functions; not an option."""

    def __repr__(self) -> str:
        given = {name: getattr(self, name) for name in OPTIONS if getattr(self, name) != default_of(name)}
        shown = (f"{name}={'***' if OPTIONS[name].secret else repr(value)}" for name, value in given.items())
        return f"<Config {' '.join(shown)}>"


OPTIONS: Mapping[str, Option] = {one.name: one.metadata["option"] for one in fields(Config) if "option" in one.metadata}
"""The table, by name, in the order of the documentation."""


def default_of(name: str) -> Any:
    """Return the default of an option; ``MISSING`` if it has none."""
    return Config.__dataclass_fields__[name].default


def configure(given: Mapping[str, Any], operations: Operations = OPERATIONS, *, asynchronous: bool = False) -> Config:
    """Check the options of a client; None stands for the default.

    Raises:
        ConfigurationError: naming the option, what is wrong with it, and what to do.
    """
    checked: dict[str, Any] = {}
    for name, value in given.items():
        if value is not None:
            check = OPTIONS[name].check
            try:
                checked[name] = checks.hook(value) if check is checks.any_hook and not asynchronous else check(value)
            except ValueError as error:
                raise ConfigurationError(f"{name} {error}") from None
    for name in ("base_url", "username"):
        if name not in checked:
            raise ConfigurationError(f"{name} is missing")
    if "password" not in checked and "password_base64" not in checked:
        raise ConfigurationError("password is missing: give password or password_base64")
    if "password" in checked and "password_base64" in checked:
        raise ConfigurationError("password and password_base64 are both given: omit one of them")
    config = Config(**checked, operations=operations, asynchronous=asynchronous)
    if isinstance(config.password, str):
        try:
            checks.encode_password(config.password, config.password_encoding)
        except ValueError as error:
            raise ConfigurationError(f"password {error}") from None
    if config.arguments is not None and not operations["sendSms"].accepts(config.arguments):
        raise ConfigurationError(f"arguments must list each of {describe_arguments(operations)}, once")
    return config


def describe_arguments(operations: Operations) -> str:
    """Describe the arguments of ``sendSms``: ``username, … (extenno may be omitted)``."""
    arguments = operations["sendSms"].arguments
    optional = [argument.name for argument in arguments if argument.optional]
    hint = f" ({', '.join(optional)} may be omitted)" if optional else ""
    return ", ".join(argument.name for argument in arguments) + hint
