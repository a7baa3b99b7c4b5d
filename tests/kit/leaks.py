"""Everything through which an error, or the log of a call, could show a secret."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Iterator
from urllib.parse import quote_plus


def spellings(password: str, text: str, number: str) -> tuple[str, ...]:
    """How the secrets of a call would look in a log."""
    encoded = base64.b64encode(password.encode()).decode()
    return (
        password,
        quote_plus(password),
        encoded.rstrip("="),
        quote_plus(encoded),
        text,
        repr(text.encode("utf-8"))[2:-1],
        repr(text.encode("gbk"))[2:-1],
        number,
    )


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error and all that hangs on it, whether a traceback shows it or not."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is not None and id(current) not in seen:
            seen.add(id(current))
            yield current
            waiting += [current.__cause__, current.__context__]


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
            # The callers' own, which have the secrets in hand.
            if not frame.f_globals.get("__name__", "").startswith("tests."):
                for name, value in frame.f_locals.items():
                    yield f"{frame.f_code.co_name}: {name} = {value!r}"


def library_frames(error: BaseException) -> list[str]:
    """The functions of the library, and of the libraries below it, whose locals a traceback would show."""
    return [
        f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}"
        for one in chain(error)
        for frame, _ in traceback.walk_tb(one.__traceback__)
        if frame.f_globals.get("__name__", "").partition(".")[0] in ("jzysoap", "requests", "urllib3", "http", "ssl")
    ]
