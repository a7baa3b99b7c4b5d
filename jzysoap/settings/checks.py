"""Checks of single arguments: each returns the final value, or raises a ValueError that says what the value must be.

The caller puts the argument's name in front of that text.
"""

from __future__ import annotations

import base64
import codecs
import inspect
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from jzysoap.model.http import Timeout, origin
from jzysoap.model.masking import Secret
from jzysoap.model.values import Channel

MAX_BATCH = 20_000
"""Numbers in one call at most (docs/protocol.md#arguments, ``mobile``)."""

# Headers that the client sets itself: a user's value would break the request.
_OWN_HEADERS = {"content-length", "content-type", "content-encoding", "transfer-encoding", "soapaction", "connection"}
_PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SCHEME = re.compile(r"[a-z][a-z0-9]*(?:://[A-Za-z0-9.:-]*)?")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be text, not {type(value).__name__}")
    return value


def texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, Collection) or isinstance(value, (str, bytes, bytearray, Mapping)):
        raise ValueError("must be a collection of texts")
    return tuple(text(one).strip() for one in value)


def whole(least: int, most: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least:,} to {most:,}")
        return value

    return check


batch_size = whole(1, MAX_BATCH)


def seconds(value: Any) -> float:
    # NaN compares false, so it is refused too.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1e9:
        raise ValueError("must be a number of seconds, zero or more")
    return float(value)


def one_of(options: Sequence[str]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in options:
            raise ValueError(f"must be one of {', '.join(repr(option) for option in options)}")
        return cast("str", value)

    return check


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be True or False")
    return value


def any_hook(value: Any) -> Callable[..., object]:
    if not callable(value):
        raise ValueError("must be callable")
    return cast("Callable[..., object]", value)


def hook(value: Any) -> Callable[..., object]:
    any_hook(value)
    # The __call__ of an object may be a coroutine function too.
    called = getattr(value, "__call__", None)  # noqa: B004  # not to find out if it can be called
    if inspect.iscoroutinefunction(value) or inspect.iscoroutinefunction(called):
        raise ValueError(
            "must be a plain function: nothing would wait for an asynchronous one, which only AsyncClient takes"
        )
    return cast("Callable[..., object]", value)


def as_given(value: Any) -> Any:
    return value


def transport(value: Any) -> Any:
    if not callable(getattr(value, "exchange", None)):
        raise ValueError("must have a method exchange(request) that returns an HttpReply")
    return value


def username(value: Any) -> str:
    if not text(value).strip() or not value.isprintable():
        raise ValueError("must be printable text, not empty")
    return text(value)


def password(value: Any) -> str | Callable[[], str]:
    """Check a password given as text; a callable that returns one is checked when it is called."""
    if callable(value):
        return cast("Callable[[], str]", value)
    return password_text(value)


def password_text(value: Any) -> Secret:
    if not isinstance(value, str) or not value:
        raise ValueError("must be text, not empty, or a callable that returns it")
    return Secret(value)


def password_base64(value: Any) -> Secret:
    # The padding is not checked: BASE64 without padding is in use (docs/protocol.md#what-deployments-do).
    try:
        bare = text(value).rstrip("=")
        if not base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True):
            raise ValueError("empty")
    except ValueError:
        raise ValueError("must be the BASE64 of the password's bytes, on one line") from None
    return Secret(value)


def encode_password(plain: str, encoding: str) -> Secret:
    """Return the BASE64 of a password's bytes, on one line (docs/protocol.md#arguments)."""
    try:
        data = plain.encode(encoding)
    except UnicodeError:
        # Not chained: the codec's error has the password.
        raise ValueError(f"cannot be encoded in {encoding}: set password_encoding") from None
    return Secret(base64.b64encode(data).decode("ascii"))


def channel(value: Any) -> Channel:
    if isinstance(value, bool) or not isinstance(value, int) or value not in set(Channel):
        raise ValueError("must be a Channel: Channel.CARD (0), Channel.GATEWAY (1) or Channel.MEMBER (2)")
    return Channel(value)


def extension(value: Any) -> str:
    """Check an extension number, which is text since leading zeros matter (docs/protocol.md#what-deployments-do)."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{0,20}", value):
        raise ValueError("must be text of at most 20 ASCII digits, such as '0001'")
    return value


def signature(value: Any) -> str:
    """Return a signature without its brackets; empty for none."""
    bare = text(value)
    if bare.startswith("【") and bare.endswith("】"):
        bare = bare[1:-1]
        if not bare:
            raise ValueError("must have a name between its 【】")
    if bare and (not bare.strip() or any(sign in bare for sign in "【】") or not bare.isprintable()):
        raise ValueError("must be one printable name, with or without its 【】")
    return bare


def base_url(value: Any) -> str:
    address = text(value)
    try:
        parts = urlsplit(address)
        scheme, _, _ = origin(address)
    except ValueError:
        scheme = ""
    if scheme not in ("http", "https") or not address.isprintable() or " " in address:
        raise ValueError("must be an address such as http://smsapi.example.com:9003, with its scheme and host")
    if "@" in parts.netloc:
        raise ValueError("must not contain a user or a password: give them as username and password")
    path = f"{parts.path}/"
    if "?" in address or "#" in address or "/services/" in path or "/servlet/" in path:
        raise ValueError("must be the gateway's base address only, without /services/…, /servlet/… or a query")
    return address.rstrip("/")


def wsdl(value: Any) -> str:
    location = _check_path(value, "must be a path, an http(s) address or 'bundled'")
    if "://" in location:
        try:
            usable = origin(location)[0] in ("http", "https") and "@" not in urlsplit(location).netloc
        except ValueError:
            usable = False
        if not usable:
            raise ValueError("must be an http(s) address without user and password, a path, or 'bundled'")
    return location


def sha256(value: Any) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text(value)):
        raise ValueError("must be 64 hexadecimal digits")
    return text(value).lower()


def cache_dir(value: Any) -> str | Literal[False]:
    if value is False:
        return False
    return _check_path(value, "must be a path, or False for none")


def names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise ValueError("must be a list of names")
    return tuple(text(one) for one in value)


def timeout(value: Any) -> Timeout:
    try:
        parts = [seconds(part) for part in value] if isinstance(value, tuple) else []
    except ValueError:
        parts = []
    if len(parts) != 3 or not all(parts):
        raise ValueError("must be a Timeout(connect, read, total), each a number of seconds above zero")
    return Timeout(*parts)


def verify(value: Any) -> bool | str:
    if isinstance(value, bool):
        return value
    return _check_existing(value, "must be True, False, or the path of a CA bundle that exists")


def cert(value: Any) -> str | tuple[str, str]:
    what = "must be the path of a certificate that exists, or a pair: certificate and key"
    if isinstance(value, tuple) and len(value) == 2:
        return _check_existing(value[0], what), _check_existing(value[1], what)
    return _check_existing(value, what)


def _check_existing(value: Any, what: str) -> str:
    path = _check_path(value, what)
    if not os.path.exists(path):
        raise ValueError(what)
    return path


def _check_path(value: Any, what: str) -> str:
    path: Any = os.path.expanduser(value) if isinstance(value, (str, os.PathLike)) else None
    if not isinstance(path, str) or not path or "\0" in path:
        raise ValueError(what)
    if path.startswith("~"):
        raise ValueError("begins with ~, but there is no such home directory")
    return path


def proxies(value: Any) -> dict[str, str]:
    example = "such as {'http': 'http://proxy:3128'}; {} for none"
    if not isinstance(value, Mapping) or not all(isinstance(part, str) for item in value.items() for part in item):
        raise ValueError(f"must map schemes to proxy addresses, {example}")
    found: dict[str, str] = {}
    for key, address in value.items():
        # A mapping of requests may also have exceptions (no_proxy) and other schemes, which are not used here.
        used = bool(address) and key.partition("://")[0] in ("http", "https", "all")
        try:
            found[key] = proxy(address) if used else Secret(address)
        except ValueError as error:
            # The key may be an address with a password that was put in the wrong place.
            shown = repr(key) if "@" not in key and _SCHEME.fullmatch(key) else "one of its keys"
            raise ValueError(f"has an address for {shown} that {error}, {example}") from None
    return found


def proxy(value: str) -> Secret:
    """Return the address of a proxy, with its scheme; it may contain a user and a password."""
    # Without its scheme, an address with a user would have the user's name mistaken for a scheme.
    address = Secret(value if "://" in value else f"http://{value.removeprefix('//')}")
    try:
        scheme, host, _ = origin(address)
    except ValueError:
        scheme = host = ""
    if scheme not in _PROXY_SCHEMES or not host.isprintable() or " " in host:
        raise ValueError(
            f"is not a proxy's: it needs a scheme ({', '.join(_PROXY_SCHEMES)}) and a host, with user and password "
            "percent-encoded"
        )
    return address


def headers(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError("must map header names to values")
    for key, line in value.items():
        if not isinstance(key, str) or not _TOKEN.fullmatch(key):
            # The "name" may be a whole header line with a secret in it: show only what could be a name.
            head = key.partition(":")[0] if isinstance(key, str) else ""
            shown = repr(head) if _TOKEN.fullmatch(head) else "a name that is none"
            raise ValueError(f"cannot have {shown}: a header's name is made of letters, digits and hyphens")
        if key.lower() in _OWN_HEADERS:
            raise ValueError(f"cannot have {key!r}: the client sets it itself")
        if not isinstance(line, str) or not _HEADER_VALUE.fullmatch(line):
            raise ValueError(f"has a value for {key} that HTTP cannot carry")
    return {key: Secret(line) for key, line in value.items()}


def encoding(value: Any) -> str:
    try:
        name = codecs.lookup(text(value)).name
        "1".encode(name)
        # An encoding that cannot replace invalid bytes would cost a whole poll for one such byte.
        b"\xb0\xff".decode(name, "replace")
    except (LookupError, ValueError):
        raise ValueError("must name a text encoding, such as 'utf-8' or 'gbk'") from None
    return text(value)
