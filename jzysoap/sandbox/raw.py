"""Exchanges as text, with passwords masked: what the page shows of a request and the reply to it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote_plus

from jzysoap.model.operations import InterfaceName
from jzysoap.sandbox import soap
from jzysoap.sandbox.protocol import Exchange, Headers

MASK = "***"

MAX_SHOWN = 200_000
"""Characters of a body at most that are shown."""

# An element whose local name speaks of a password, with all that it holds. A CDATA section may hold anything.
_PASSWORD = re.compile(
    r"(<((?:[\w.-]+:)?[\w.-]*password[\w.-]*)(?=[\s>])[^>]*>)(?:<!\[CDATA\[.*?\]\]>|.)*?(</\2\s*>)",
    re.IGNORECASE | re.DOTALL,
)
_SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization")
_SHOWN_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.-]+)", re.IGNORECASE)


def show_request(exchange: Exchange, via: InterfaceName) -> str:
    """Return a request as text.

    Args:
        exchange: the exchange.
        via: the interface that the request came through.
    """
    line, _, query = exchange.request_line.partition("?")
    target, space, version = query.rpartition(" ")
    start = f"{line}?{_mask_form(target)}{space}{version}" if query else line
    content_type = _content_type(exchange.request_headers)
    body = exchange.request_body
    if via == "soap":
        try:
            text = soap.read_text(body, content_type.partition(";")[2]).decode()
        except (UnicodeError, LookupError):
            # Nothing can be masked in it for certain.
            text = f"({len(body):,} bytes that are not in their charset)"
        shown = _PASSWORD.sub(rf"\1{MASK}\3", text)
    else:
        shown = _mask_form(_decode(body, "gb18030"))
    return _join(start, exchange.request_headers, shown)


def show_reply(exchange: Exchange) -> str:
    """Return a reply as text."""
    if exchange.status is None:
        return "(the connection was closed without a reply)"
    charset = _SHOWN_CHARSET.search(_content_type(exchange.reply_headers))
    body = _decode(exchange.reply_body, charset[1] if charset else "utf-8")
    return _join(f"HTTP {exchange.status}", exchange.reply_headers, body)


def _join(start: str, headers: Headers, body: str) -> str:
    return "\n".join((start, *_header_lines(headers), "", body[:MAX_SHOWN]))


def _header_lines(headers: Headers) -> Iterable[str]:
    for name, value in headers:
        yield f"{name}: {MASK if name.lower() in _SECRET_HEADERS else value}"


def _mask_form(form: str) -> str:
    parts = []
    for part in form.split("&"):
        name, separator, _ = part.partition("=")
        parts.append(f"{name}={MASK}" if separator and "password" in unquote_plus(name).lower() else part)
    return "&".join(parts)


def _content_type(headers: Headers) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "")


def _decode(body: bytes, charset: str) -> str:
    try:
        return body.decode("gb18030" if charset.lower() in ("gbk", "gb2312") else charset, "replace")
    except LookupError:
        return body.decode("latin-1")
