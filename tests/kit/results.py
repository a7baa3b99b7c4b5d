"""The parsers of result strings, called with a text in place of an answer."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from jzysoap.results import parse
from jzysoap.results.parse import Answer

T = TypeVar("T")


def _of_text(parser: Callable[..., T]) -> Callable[..., T]:
    def call(
        text: str | None,
        *,
        raw: bytes = b"",
        secrets: Collection[str] = (),
        complete: bool = True,
        **options: Any,
    ) -> T:
        return parser(Answer(text, raw, tuple(secrets), complete), **options)

    return call


parse_send = _of_text(parse.parse_send)
parse_balance = _of_text(parse.parse_balance)
parse_password_change = _of_text(parse.parse_password_change)
parse_reports = _of_text(parse.parse_reports)
parse_replies = _of_text(parse.parse_replies)
