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


class Prepare(NamedTuple):
    """The wish for an open client, with a loaded service definition.

    Attributes:
        definition: True if the definition is needed; a client loads it once for all operations that wait for it.
    """

    definition: bool


class Hook(NamedTuple):
    """A user's hook with its arguments. If it returns an awaitable, ``AsyncClient`` waits for that.

    Attributes:
        call: the hook.
        shielded: True if the cancellation of the call must not reach it.
    """

    call: Callable[[], object]
    shielded: bool = False


Steps = Generator[HttpRequest | Work | Prepare | Hook, Any, T]
"""An operation under way. A request is answered with its ``HttpReply``, work with its result; the failure of a step is
thrown in."""
