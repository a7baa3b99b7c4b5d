"""The steps of an operation: what a generator of ``client.session`` yields and its client carries out."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple, TypeVar

from jzysoap.model.http import HttpRequest

T = TypeVar("T")


class Work(NamedTuple):
    """A function that may block.

    Attributes:
        do: the function.
        exclusive: run one at a time: other callers would only block a thread each, waiting for the same password.
    """

    do: Callable[[], object]
    exclusive: bool = False


Steps = Generator[HttpRequest | Work, Any, T]
"""An operation under way. A request yielded is answered with its ``HttpReply``, work with its result; a failure of
either is thrown in."""
