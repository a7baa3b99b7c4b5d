"""The common part of ``Client`` and ``AsyncClient``: constructor, environment, ``repr``. No I/O here."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import copy
from typing import Any, ClassVar, Literal, NoReturn, Self

from jzysoap.calls import operations as calls
from jzysoap.client.session import Session
from jzysoap.model.door import public
from jzysoap.model.errors import ConfigurationError
from jzysoap.model.events import CallEvent, CallStarted, RawReply
from jzysoap.model.http import Timeout
from jzysoap.model.operations import OPERATIONS, InterfaceName, Operations
from jzysoap.model.sent import JzySoapError
from jzysoap.model.values import Channel, Estimate
from jzysoap.settings.environment import from_environment, from_mapping
from jzysoap.settings.options import (
    CALL_TIMEOUT,
    OPTIONS,
    POLL_TIMEOUT,
    Config,
    International,
    configure,
)


class BaseClient:
    """One account at one gateway.

    Args:
        base_url: The gateway's address, such as ``http://smsapi.example.com:9003``, with its context path if it has
            one, without ``/services/…`` and without user and password.
        username: The account's name.
        password: The password as text, or a callable that returns it and is called again when the gateway refuses
            that password. Give either this or ``password_base64``.
        password_base64: The BASE64 of the password's bytes, as old code holds it.
        password_encoding: The charset of the password's bytes.
        channel: The default channel: card, gateway or member.
        signature: The signature, put in front of every text as ``【…】`` unless the text begins with it.
        extension: The default extension number: digits as text, since leading zeros count.
        batch_size: Recipients in one call, at most 20,000.
        max_segments: Segments of one text at most: ``send`` refuses a longer one, such as a template filled with a
            whole page.
        max_recipients: Recipients of one ``send`` at most, repeated ones not counted; ``None`` for any number.
        international: The spelling of numbers outside mainland China: ``"00"``, ``"plus"`` or ``"bare"``; ``None``
            refuses them.
        allow_recipients: The only numbers that may be sent to (for staging); an empty collection, or an empty
            variable, means nobody.
        interface: ``"soap"``, or ``"servlet"`` for the HTTP interface.
        utf8_servlet: True for the UTF-8 servlet of some resellers, which takes the password in the clear.
        wsdl: The service definition: ``None`` for the gateway's own; a path, also of a directory that ``jzysoap wsdl
            fetch`` recorded; an address; ``"bundled"``, or ``"bundled:<name>"`` for another bundled one.
        wsdl_max_age: Seconds for which a saved definition is used without asking the gateway; 0 asks for each new
            client.
        wsdl_sha256: The only definition to accept, by the SHA-256 of its bytes (with imports: of all documents, one
            after the other). The error for another definition names its hash.
        wsdl_accept_changes: True if a gateway's definition that would change what is sent may replace the saved one.
            Otherwise the saved one stays in use, with a warning that says what would change; ``jzysoap wsdl fetch
            <base_url> --accept`` accepts the new one.
        cache_dir: The directory for saved definitions: ``None`` for the user's cache directory; a path; ``False`` to
            save none.
        arguments: The documented names of the arguments of ``sendSms`` in the definition's order, if they cannot be
            matched.
        poll_url: The base address for polls, if the deployment has another one.
        reply_encoding: The charset of the text in replies.
        empty_texts: Texts after ``failure;`` that mean that there are no records.
        timeout: ``Timeout(connect, read, total)`` of a call: seconds to connect, between two arrivals of bytes, and
            in total. The first call's total includes the loading of the definition.
        poll_timeout: The same for a poll.
        max_reply_bytes: The largest answer, decompressed.
        max_poll_bytes: The same for a poll.
        verify: True to verify certificates, a path to a CA bundle, or False.
        cert: A client certificate: a path, or a pair of paths, certificate and key.
        proxies: Proxies as requests takes them; ``None`` for the environment's, ``{}`` for none. Loopback is never
            proxied.
        headers: More HTTP headers for each request.
        adapter: For ``Client`` alone: a requests adapter that never retries, in place of the client's connections.
        transport: A custom transport in place of the client's connections: an object whose ``exchange(request)``
            takes an ``HttpRequest`` and returns an ``HttpReply``; asynchronous for ``AsyncClient``.
        pool_size: Connections that are kept.
        max_idle: Seconds after which an idle connection is not used again.
        on_reply: Called with the ``RawReply`` of every poll that brought at least one byte, before it is parsed. An
            exception that it raises has the bytes as ``raw``.
        on_call_started: Called with a ``CallStarted`` before every call: id, operation, interface, account, address,
            counts; nothing secret.
        on_call: Called with a ``CallEvent`` after every call: the same, and outcome, error, duration, batch id;
            nothing secret.

    Raises:
        ConfigurationError: naming the argument.

    Every argument but hooks, headers, adapter and transport has an environment variable: see ``from_env``.
    """

    operations: ClassVar[Operations] = OPERATIONS
    """The table of operations; a subclass may bring another one."""

    _asynchronous: ClassVar[bool] = False
    _config: Config
    _session: Session

    @public
    def __init__(
        self,
        base_url: str,
        username: str,
        password: str | Callable[[], str] | None = None,
        *,
        password_base64: str | None = None,
        password_encoding: str = "utf-8",  # noqa: S107  # the name of a charset
        channel: Channel = Channel.GATEWAY,
        signature: str = "",
        extension: str = "",
        batch_size: int = 1000,
        max_segments: int = 10,
        max_recipients: int | None = None,
        international: International | None = None,
        allow_recipients: Collection[str] | None = None,
        interface: InterfaceName = "soap",
        utf8_servlet: bool = False,
        wsdl: str | os.PathLike[str] | None = None,
        wsdl_max_age: float = 86400.0,
        wsdl_sha256: str | None = None,
        wsdl_accept_changes: bool = False,
        cache_dir: str | os.PathLike[str] | Literal[False] | None = None,
        arguments: Sequence[str] | None = None,
        poll_url: str | None = None,
        reply_encoding: str = "gb18030",
        empty_texts: Collection[str] = (),
        timeout: Timeout = CALL_TIMEOUT,
        poll_timeout: Timeout = POLL_TIMEOUT,
        max_reply_bytes: int = 16 * 1024 * 1024,
        max_poll_bytes: int = 64 * 1024 * 1024,
        verify: bool | str | os.PathLike[str] = True,
        cert: str | tuple[str, str] | None = None,
        proxies: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        adapter: Any = None,
        transport: Any = None,
        pool_size: int = 10,
        max_idle: float = 5.0,
        on_reply: Callable[[RawReply], object] | None = None,
        on_call_started: Callable[[CallStarted], object] | None = None,
        on_call: Callable[[CallEvent], object] | None = None,
    ) -> None:
        # A copy: under a debugger, locals() changes while it is iterated.
        given = dict(locals())
        del given["self"]
        self._config = configure(given, self.operations, asynchronous=self._asynchronous)
        self._session = Session(self._config)
        self._open()

    def _open(self) -> None:
        """Make the transport; still no I/O."""
        raise NotImplementedError  # each client has its own

    @classmethod
    @public
    def from_env(cls, prefix: str = "JZYSOAP_", **overrides: Any) -> Self:
        """Return a client whose options the environment holds, each as ``<prefix><OPTION>``.

        ``JZYSOAP_BASE_URL``, ``JZYSOAP_USERNAME`` and ``JZYSOAP_PASSWORD`` are needed. Instead of the last one,
        ``JZYSOAP_PASSWORD_FILE`` (the path of a file that holds it) or ``JZYSOAP_PASSWORD_BASE64`` may be set. Timeouts
        are three numbers (``5,30,60``), lists are separated by commas, switches are ``true`` or ``false``.

        Args:
            prefix: another prefix for each of several accounts.
            overrides: options that take precedence over the environment's.

        Raises:
            ConfigurationError: naming the variable.
        """
        cls._check_names(overrides)
        return cls(**from_environment(os.environ, prefix, overrides))

    @classmethod
    @public
    def from_mapping(cls, settings: Mapping[str, Any], **overrides: Any) -> Self:
        """Return a client whose options a mapping holds, such as a part of Django's settings or of a TOML file.

        Args:
            settings: the arguments by name, in lower or upper case. A value is what the constructor takes, or text as
                in a variable of ``from_env``. None and an empty text count as not set, but for ``allow_recipients``.
                ``password_file`` may name a file with the password.
            overrides: options that take precedence over the mapping's.

        Raises:
            ConfigurationError: naming the key.
        """
        cls._check_names(overrides)
        return cls(**from_mapping(settings, overrides))

    @classmethod
    def _check_names(cls, overrides: Mapping[str, Any]) -> None:
        unknown = sorted(set(overrides) - set(OPTIONS))
        if unknown:
            raise ConfigurationError(f"{unknown[0]} is not an argument of {cls.__name__}")

    @public
    def estimate(
        self,
        mobile: str | Iterable[str],
        text: str,
        *,
        channel: Channel | None = None,
        extension: str | None = None,
        signature: str | None = None,
        long: bool | None = None,
    ) -> Estimate:
        """Return what ``send`` with the same arguments would cost; nothing is sent, and nothing asked.

        It is a plain method in ``AsyncClient`` too, since it does no I/O. Unusable numbers do not make it raise, nor do
        ``max_segments`` and ``max_recipients``. Over SOAP, an argument that the gateway's definition lacks is refused
        only once the definition is loaded (``prepare``).

        Args:
            mobile, text, channel, extension, signature, long: as in ``send``.

        Raises:
            InvalidMessageError: an argument, by name.
        """
        message = calls.compose(
            self._config, text, channel=channel, extension=extension, signature=signature, long=long
        )
        self._session.check(message)
        return calls.estimate(self._config, mobile, message)

    def __reduce__(self) -> NoReturn:
        raise ConfigurationError(
            f"a {type(self).__name__} cannot be pickled, since it holds a password and connections: "
            "make one in each process, such as with from_env()"
        )

    def __repr__(self) -> str:
        if not hasattr(self, "_config"):  # as a traceback shows a client whose arguments were refused
            return f"<{type(self).__name__}>"
        return f"<{type(self).__name__} {self._config.base_url} user={self._config.username}>"


def copy_error(error: JzySoapError) -> JzySoapError:
    """Return a copy of an error for another caller that waited for the same thing."""
    other = copy(error)
    other.__cause__ = error.__cause__
    return other
