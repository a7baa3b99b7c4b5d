"""What ``Client`` and ``AsyncClient`` share: their constructor, the environment, their ``repr``. No I/O here."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from typing import Any, ClassVar, Literal, NoReturn, TypeVar

from jzysoap.client.session import Session
from jzysoap.model.door import public
from jzysoap.model.errors import ConfigurationError
from jzysoap.model.http import Timeout
from jzysoap.model.operations import OPERATIONS, InterfaceName, Operations
from jzysoap.model.sent import JzySoapError
from jzysoap.model.values import Channel
from jzysoap.settings.environment import from_environment
from jzysoap.settings.options import CALL_TIMEOUT, OPTIONS, POLL_TIMEOUT, Config, International, configure

C = TypeVar("C", bound="BaseClient")


class BaseClient:
    operations: ClassVar[Operations] = OPERATIONS
    """The table of operations; a subclass may bring another one."""

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
        max_poll_bytes: int = 512 * 1024 * 1024,
        verify: bool | str | os.PathLike[str] = True,
        cert: str | tuple[str, str] | None = None,
        proxies: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        adapter: Any = None,
        pool_size: int = 10,
        max_idle: float = 5.0,
        on_reply: Callable[[str, bytes], object] | None = None,
        on_call: Callable[[Any], object] | None = None,
    ) -> None:
        # A copy: under a debugger, locals() changes while it is iterated.
        given = dict(locals())
        del given["self"]
        self._config = configure(given, self.operations)
        self._session = Session(self._config)
        self._open()

    def _open(self) -> None:
        """Make the transport; still no I/O."""
        raise NotImplementedError  # each client has its own

    @classmethod
    @public
    def from_env(cls: type[C], prefix: str = "JZYSOAP_", **overrides: Any) -> C:
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
        unknown = sorted(set(overrides) - set(OPTIONS))
        if unknown:
            raise ConfigurationError(f"{unknown[0]} is not an argument of {cls.__name__}")
        return cls(**from_environment(lambda name: os.environ.get(name, ""), prefix, overrides))

    def __reduce__(self) -> NoReturn:
        raise ConfigurationError(
            f"a {type(self).__name__} cannot be pickled, since it holds a password and connections: "
            "make one in each process, such as with from_env()"
        )

    def __repr__(self) -> str:
        if not hasattr(self, "_config"):  # as a traceback shows a client whose arguments were refused
            return f"<{type(self).__name__}>"
        return f"<{type(self).__name__} {self._config.base_url} user={self._config.username}>"


def _document_options() -> str:
    lines = ["One account at one gateway.", "", "Args:"]
    for name, option in OPTIONS.items():
        text = f"{name}: {option.doc}".replace("`", "``")
        lines += textwrap.wrap(text, 116, initial_indent="    ", subsequent_indent="        ")
    lines += ["", "Raises:", "    ConfigurationError: naming the argument."]
    return "\n".join(
        [*lines, "", "Every argument but hooks, headers and adapter has an environment variable: see ``from_env``."]
    )


BaseClient.__doc__ = _document_options()


def copy_error(error: JzySoapError) -> JzySoapError:
    """Return a copy of an error for another caller that waited for the same thing."""
    other = copy(error)
    other.__cause__ = error.__cause__
    return other
