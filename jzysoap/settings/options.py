"""The options of a client: one table, with check, text form, secrecy and documentation of each.

A new option is one row of ``Config`` and one argument of the constructor. Code that holds a ``Config`` can rely on it:
nothing else checks an option again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Literal, NamedTuple, get_args

from jzysoap.model.errors import ConfigurationError
from jzysoap.model.http import Timeout
from jzysoap.model.operations import OPERATIONS, InterfaceName, Operations
from jzysoap.model.values import Channel
from jzysoap.settings import checks, texts

CALL_TIMEOUT = Timeout(5, 30, 60)
POLL_TIMEOUT = Timeout(5, 120, 300)

International = Literal["00", "plus", "bare"]
"""The gateway's spelling of other countries' numbers: ``00852…``, ``+852…`` or ``852…``."""


class Option(NamedTuple):
    """A row of the table.

    Attributes:
        check: returns the value in its final form, or raises a ValueError that says what it must be.
        doc: what the option is for, in one or two sentences; code in single backticks.
        text: makes a value of an environment variable's text; None if the option has no variable.
        secret: True if its value may hold a password or personal data.
    """

    check: Callable[[Any], Any]
    doc: str
    text: Callable[[str], Any] | None = str
    secret: bool = False


def _row(
    check: Callable[[Any], Any],
    doc: str,
    default: Any = MISSING,
    *,
    text: Callable[[str], Any] | None = str,
    secret: bool = False,
) -> Any:
    return field(default=default, metadata={"option": Option(check, doc, text, secret)})


@dataclass(frozen=True, slots=True, repr=False)
class Config:
    """The checked options of a client. ``None`` given to the constructor stands for the default."""

    base_url: str = _row(
        checks.base_url,
        "the gateway's address, such as `http://smsapi.example.com:9003`, with its context path if it has one, without "
        "`/services/…` and without user and password.",
        secret=True,
    )
    username: str = _row(checks.username, "the account's name.")
    password: str | Callable[[], str] | None = _row(
        checks.password,
        "the password as text, or a callable that returns it and is called again when the gateway refuses that "
        "password. Give either this or `password_base64`.",
        None,
        secret=True,
    )
    password_base64: str | None = _row(
        checks.password_base64, "the BASE64 of the password's bytes, as old code holds it.", None, secret=True
    )
    password_encoding: str = _row(checks.encoding, "the charset of the password's bytes.", "utf-8")
    channel: Channel = _row(
        checks.channel, "the default channel: card, gateway or member.", Channel.GATEWAY, text=texts.channel
    )
    signature: str = _row(
        checks.signature, "the signature, put in front of every text as `【…】` unless the text begins with it.", ""
    )
    extension: str = _row(
        checks.extension, "the default extension number: digits as text, since leading zeros count.", ""
    )
    batch_size: int = _row(checks.batch_size, "recipients in one call, at most 20,000.", 1000, text=texts.whole_number)
    international: International | None = _row(
        checks.one_of(get_args(International)),
        'the spelling of numbers outside mainland China: `"00"`, `"plus"` or `"bare"`; `None` refuses them.',
        None,
    )
    allow_recipients: frozenset[str] | None = _row(
        lambda value: frozenset(checks.texts(value)),
        "the only numbers that may be sent to (for staging).",
        None,
        text=texts.texts,
        secret=True,
    )
    interface: InterfaceName = _row(
        checks.one_of(get_args(InterfaceName)), '`"soap"`, or `"servlet"` for the HTTP interface.', "soap"
    )
    utf8_servlet: bool = _row(
        checks.flag,
        "True for the UTF-8 servlet of some resellers, which takes the password in the clear.",
        False,
        text=texts.flag,
    )
    wsdl: str | None = _row(
        checks.wsdl,
        "the service definition: `None` for the gateway's own; a path, also of a directory that `jzysoap wsdl fetch` "
        'recorded; an address; `"bundled"`, or `"bundled:<name>"` for another bundled one.',
        None,
        secret=True,
    )
    wsdl_max_age: float = _row(
        checks.seconds,
        "seconds for which a saved definition is used without asking the gateway; 0 asks for each new client.",
        86400.0,
        text=texts.number,
    )
    wsdl_sha256: str | None = _row(
        checks.sha256,
        "the only definition to accept, by the SHA-256 of its bytes (with imports: of all documents, one after the "
        "other). The error for another definition names its hash.",
        None,
    )
    wsdl_accept_changes: bool = _row(
        checks.flag,
        "True if a gateway's definition that would change what is sent may replace the saved one. Otherwise the saved "
        "one stays in use, with a warning that says what would change; `jzysoap wsdl fetch <base_url> --accept` "
        "accepts the new one.",
        False,
        text=texts.flag,
    )
    cache_dir: str | Literal[False] | None = _row(
        checks.cache_dir,
        "the directory for saved definitions: `None` for the user's cache directory; a path; `False` to save none.",
        None,
        text=texts.path_or_off,
    )
    arguments: tuple[str, ...] | None = _row(
        checks.names,
        "the documented names of the arguments of `sendSms` in the definition's order, if they cannot be matched.",
        None,
        text=texts.texts,
    )
    poll_url: str | None = _row(
        checks.base_url, "the base address for polls, if the deployment has another one.", None, secret=True
    )
    reply_encoding: str = _row(checks.encoding, "the charset of the text in replies.", "gb18030")
    empty_texts: tuple[str, ...] = _row(
        checks.texts, "texts after `failure;` that mean that there are no records.", (), text=texts.texts
    )
    timeout: Timeout = _row(
        checks.timeout,
        "`Timeout(connect, read, total)` of a call: seconds to connect, between two arrivals of bytes, and in total, "
        "name resolution not included.",
        CALL_TIMEOUT,
        text=texts.timeout,
    )
    poll_timeout: Timeout = _row(checks.timeout, "the same for a poll.", POLL_TIMEOUT, text=texts.timeout)
    max_reply_bytes: int = _row(
        checks.whole(1024, 2**40), "the largest answer, decompressed.", 16 * 1024 * 1024, text=texts.whole_number
    )
    max_poll_bytes: int = _row(
        checks.whole(1024, 2**40), "the same for a poll.", 512 * 1024 * 1024, text=texts.whole_number
    )
    verify: bool | str = _row(
        checks.verify, "True to verify certificates, a path to a CA bundle, or False.", True, text=texts.flag_or_path
    )
    cert: str | tuple[str, str] | None = _row(
        checks.cert, "a client certificate: a path, or a pair of paths, certificate and key.", None
    )
    proxies: Mapping[str, str] | None = _row(
        checks.proxies,
        "proxies as requests takes them; `None` for the environment's, `{}` for none. Loopback is never proxied.",
        None,
        text=texts.proxies,
        secret=True,
    )
    headers: Mapping[str, str] | None = _row(
        checks.headers, "more HTTP headers for each request.", None, text=None, secret=True
    )
    adapter: Any = _row(
        checks.as_given,
        "a custom adapter: a requests adapter that never retries; for `AsyncClient` an httpx transport.",
        None,
        text=None,
    )
    pool_size: int = _row(checks.whole(1, 10_000), "connections that are kept.", 10, text=texts.whole_number)
    max_idle: float = _row(
        checks.seconds, "seconds after which an idle connection is not used again.", 5.0, text=texts.number
    )
    on_reply: Callable[[str, bytes], object] | None = _row(
        checks.hook,
        "called with the operation's name and the body's bytes of every poll, before they are parsed. An exception "
        "that it raises has the bytes as `raw`.",
        None,
        text=None,
    )
    on_call: Callable[[Any], object] | None = _row(
        checks.hook,
        "called with a `CallEvent` after every call: operation, interface, outcome, error, duration, counts, batch id; "
        "nothing secret.",
        None,
        text=None,
    )
    operations: Operations = field(default_factory=lambda: OPERATIONS)
    """The table of operations; a class attribute of a client, not an option."""

    def __repr__(self) -> str:
        return f"<Config {self.base_url} user={self.username} interface={self.interface}>"


def _rows() -> Iterator[tuple[str, Option]]:
    for one in fields(Config):
        if "option" in one.metadata:
            yield one.name, one.metadata["option"]


OPTIONS: Mapping[str, Option] = dict(_rows())
"""The table, by name, in the order of the documentation."""


def default_of(name: str) -> Any:
    """Return the default of an option; ``MISSING`` if it has none."""
    one: Field[Any] = Config.__dataclass_fields__[name]
    return one.default


def configure(given: Mapping[str, Any], operations: Operations = OPERATIONS) -> Config:
    """Check the options of a client; None stands for the default.

    Raises:
        ConfigurationError: naming the option, what is wrong with it, and what to do.
    """
    checked: dict[str, Any] = {}
    for name, value in given.items():
        if value is not None:
            try:
                checked[name] = OPTIONS[name].check(value)
            except ValueError as error:
                raise ConfigurationError(f"{name} {error}") from None
    for name in ("base_url", "username"):
        if name not in checked:
            raise ConfigurationError(f"{name} is missing")
    if "password" not in checked and "password_base64" not in checked:
        raise ConfigurationError("password is missing: give password or password_base64")
    if "password" in checked and "password_base64" in checked:
        raise ConfigurationError("password and password_base64 are both given: leave one of them out")
    config = Config(**checked, operations=operations)
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
