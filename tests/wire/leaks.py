"""Everything through which an error, or the log of a call, could show a secret."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Iterator


def spellings(password: str, text: str, number: str) -> tuple[str, ...]:
    """How the secrets of a call would look in a log."""
    return (
        password,
        base64.b64encode(password.encode()).decode(),
        text,
        repr(text.encode("utf-8"))[2:-1],
        repr(text.encode("gbk"))[2:-1],
        number,
    )


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error and those that a traceback shows with it."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def shown(error: BaseException | None, records: list[logging.LogRecord]) -> Iterator[str]:
    """Every text that a log, a console or an error tracker would show."""
    for record in records:
        yield record.getMessage()
        yield repr(record.args)
        yield logging.Formatter().format(record)
    if error is None:
        return
    yield "".join(traceback.format_exception(error))
    for one in chain(error):
        yield str(one)
        yield repr(one)
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if "jzysoap" in frame.f_globals.get("__name__", ""):
                for name, value in frame.f_locals.items():
                    yield f"{frame.f_code.co_name}: {name} = {value!r}"
