"""What ``Client`` and ``AsyncClient`` share: their arguments, the environment, and what they refuse.

No I/O here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import copy
from functools import partial
from typing import Any, Literal, NoReturn, TypeVar

from jzysoap.calls import operations as calls
from jzysoap.calls.operations import Plan
from jzysoap.client.session import Session
from jzysoap.model.errors import ConfigurationError
from jzysoap.model.http import Timeout
from jzysoap.model.masking import hidden
from jzysoap.model.sent import JzySoapError
from jzysoap.model.steps import Steps
from jzysoap.model.values import Channel
from jzysoap.settings.config import CALL_TIMEOUT, POLL_TIMEOUT, Config, configure, from_environment

T = TypeVar("T")
C = TypeVar("C", bound="BaseClient")


# The arguments that a traceback may show. An address may have a password in it, which is refused.
_SHOWN = frozenset(Config.__dataclass_fields__) - {
    *("password", "password_base64", "proxies", "headers", "base_url", "poll_url", "wsdl")
}


class BaseClient:
    """One account at one gateway.

    Args:
        base_url: the gateway's address, such as ``http://smsapi.jzyyun.com:9003``, with a context path where it has
            one, without ``/services/…``.
        username: the account's name.
        password: as text, or a callable without arguments that returns it and is asked again once the gateway refuses
            what it returned.
        password_base64: instead of ``password``: the BASE64 of its bytes, as old code holds it.
        interface: ``"soap"``, or ``"servlet"`` for the gateway's HTTP interface.
        channel: the channel of a send that names none.
        signature: put in front of every text as ``【…】``, once.
        extension: the extension number of a send that names none: digits as text.
        wsdl: where the service definition is: None for the gateway's own, a path, an address, or ``"bundled"``.
        wsdl_max_age: seconds for which a saved definition is used without asking the gateway; 0 to ask each new client.
        wsdl_sha256: the only definition to accept, by the SHA-256 of its bytes.
        wsdl_accept_changes: whether a definition that would change what is sent takes the place of the saved one;
            otherwise the saved one is used on, with a warning.
        cache_dir: where definitions are saved: None for the user's cache directory, False for nowhere.
        arguments: the documented names of the arguments of ``sendSms`` in the definition's order, where they cannot be
            matched by themselves.
        timeout: ``Timeout(connect, read, total)`` of a call, in seconds. Name resolution is outside it.
        poll_timeout: the same of a poll.
        max_reply_bytes: how large an answer may be, decompressed.
        max_poll_bytes: the same of a poll.
        verify: True to verify certificates, a path to a CA bundle, or False.
        cert: a client certificate: a path, or a pair of paths, certificate and key.
        proxies: as requests takes them; None for the environment's, ``{}`` for none. Loopback is never proxied.
        headers: more HTTP headers for each request.
        adapter: what moves the bytes, in place of the client's own: a requests adapter that never retries.
        pool_size: connections that are kept.
        max_idle: seconds after which an idle connection is not used again.
        poll_url: the base address for polls, where a deployment has another.
        utf8_servlet: whether the servlet is the UTF-8 one of some resellers.
        batch_size: recipients in one call, at most 20,000.
        international: how other countries' numbers are spelled, ``"00"``, ``"plus"`` or ``"bare"``; None refuses them.
        allow_recipients: the only numbers that may be sent to (staging).
        password_encoding: the charset of the password's bytes.
        reply_encoding: the charset of the text in replies.
        empty_texts: texts after ``failure;`` that only mean that there is nothing to hand over.
        on_reply: called with the operation's name and the body's bytes of every poll, before anyone parses them.
        on_call: called with a ``CallEvent`` after every call.

    Raises:
        ConfigurationError: naming the argument.

    Every argument can come from the environment instead: see ``from_env``.
    """

    _config: Config
    _session: Session

    def __init__(
        self,
        base_url: str,
        username: str,
        password: str | Callable[[], str] | None = None,
        *,
        password_base64: str | None = None,
        interface: Literal["soap", "servlet"] = "soap",
        channel: Channel = Channel.GATEWAY,
        signature: str = "",
        extension: str = "",
        wsdl: str | os.PathLike[str] | None = None,
        wsdl_max_age: float = 86400.0,
        wsdl_sha256: str | None = None,
        wsdl_accept_changes: bool = False,
        cache_dir: str | os.PathLike[str] | Literal[False] | None = None,
        arguments: Sequence[str] | None = None,
        timeout: Timeout = CALL_TIMEOUT,
        poll_timeout: Timeout = POLL_TIMEOUT,
        max_reply_bytes: int = 16 * 1024 * 1024,
        max_poll_bytes: int = 512 * 1024 * 1024,
        verify: bool | str | os.PathLike[str] = True,
        cert: str | tuple[str, str] | None = None,
        proxies: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        adapter: Any = None,
        pool_size: int = 10,
        max_idle: float = 5.0,
        poll_url: str | None = None,
        utf8_servlet: bool = False,
        batch_size: int = 1000,
        international: Literal["00", "plus", "bare"] | None = None,
        allow_recipients: Collection[str] | None = None,
        password_encoding: str = "utf-8",  # noqa: S107  # the name of a charset
        reply_encoding: str = "gb18030",
        empty_texts: Collection[str] = (),
        on_reply: Callable[[str, bytes], object] | None = None,
        on_call: Callable[[Any], object] | None = None,
    ) -> None:
        # A copy: under a debugger, locals() changes while it is gone through.
        given = dict(locals())
        del given["self"]
        try:
            self._config = _bare(partial(configure, given))
        finally:
            # A traceback shows the locals of every frame: what may be secret, in its place or another, must not be
            # among them.
            del given, base_url, username, password, password_base64, wsdl, proxies, headers, poll_url
        self._session = Session(self._config)
        self._open()

    def _open(self) -> None:
        """Makes what the client works with; still no I/O."""
        raise NotImplementedError  # each client has its own

    @classmethod
    def from_env(cls: type[C], prefix: str = "JZYSOAP_", **overrides: Any) -> C:
        """A client whose arguments the environment holds, each as ``<prefix><ARGUMENT>``.

        ``JZYSOAP_BASE_URL``, ``JZYSOAP_USERNAME`` and ``JZYSOAP_PASSWORD`` are needed; instead of the last, also
        ``JZYSOAP_PASSWORD_FILE`` (the path of a file that holds it) or ``JZYSOAP_PASSWORD_BASE64``. Timeouts are three
        numbers (``5,30,60``), lists have commas, switches are ``true`` or ``false``.

        Args:
            prefix: another one for each of several accounts.
            overrides: arguments that win over the environment's.

        Raises:
            ConfigurationError: naming the variable.
        """
        # A misspelt name may be that of a password.
        overrides = {name: value if name in _SHOWN else hidden(value) for name, value in overrides.items()}
        unknown = sorted(set(overrides) - set(Config.__dataclass_fields__))
        if unknown:
            raise ConfigurationError(f"{unknown[0]} is no argument of {cls.__name__}")
        return cls(**from_environment(lambda name: os.environ.get(name, ""), prefix, overrides))

    def _plan(self, mobile: object, text: object, options: Mapping[str, Any]) -> Plan:
        try:
            if isinstance(mobile, Iterable) and not isinstance(mobile, (str, bytes, Mapping)):
                # A generator may raise, here where nothing else is seen.
                mobile = hidden(tuple(mobile))
            return _bare(partial(calls.send, self._config, mobile, text, **options))
        finally:
            del mobile, text, options

    def _change(self, new: str, base64: bool) -> Steps[None]:
        try:
            return self._session.change_password(new, _bare(partial(calls.change_password, new, base64=base64)))
        finally:
            del new

    def __reduce__(self) -> NoReturn:
        raise ConfigurationError(
            f"a {type(self).__name__} cannot be pickled, since it holds a password and connections: "
            "make one in each process, such as with from_env()"
        )

    def __repr__(self) -> str:
        if not hasattr(self, "_config"):  # as a traceback shows it whose arguments were refused
            return f"<{type(self).__name__}>"
        return f"<{type(self).__name__} {self._config.base_url} user={self._config.username}>"


def _bare(check: Callable[[], T]) -> T:
    """What a check gives; its error without the frames below, where recipients, text and password can be seen."""
    try:
        return check()
    except JzySoapError as error:
        failure = error.with_traceback(None)
        failure.__context__ = None
    finally:
        del check
    raise failure from None


def for_another(error: JzySoapError) -> JzySoapError:
    """The same error for another caller that it concerns: each tells of its own call."""
    other = copy(error)
    other.__cause__ = error.__cause__
    return other
