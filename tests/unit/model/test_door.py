"""The public door: exceptions leave it without the frames that hold secrets. All secrets are made up."""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from jzysoap.model.door import cut_frames, public
from jzysoap.model.errors import ConfigurationError, NotSentError
from tests.kit.leaks import library_frames

SECRET = "geheim"


def frames(error: BaseException) -> list[str]:
    return [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]


def library(source: str, **names: Any) -> Any:
    """A function ``inner`` that is at home in the library."""
    scope = {"__name__": "jzysoap.inner", **names}
    exec(compile(source, "inner.py", "exec"), scope)  # noqa: S102  # our own source
    return scope["inner"]


@public
def refuse(password: str) -> None:
    library("def inner(password): raise NotSentError('nothing was sent')", NotSentError=NotSentError)(password)


@public
async def refuse_later(password: str) -> None:
    await asyncio.sleep(0)
    library("def inner(password): raise NotSentError('nothing was sent')", NotSentError=NotSentError)(password)


@pytest.mark.parametrize("call", [refuse, lambda password: asyncio.run(refuse_later(password))])
def test_an_error_has_no_inner_frames(call: Callable[[str], None]) -> None:
    with pytest.raises(NotSentError) as caught:
        call(SECRET)
    assert library_frames(caught.value) == []
    story = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    foreign = [frame for frame in story.stack if frame.filename != __file__]
    assert not any(SECRET in value for frame in foreign for value in (frame.locals or {}).values())


def test_the_frames_of_a_hook_stay() -> None:
    def broken_hook() -> None:
        raise ZeroDivisionError

    call = public(library("def inner(hook): hook()"))
    with pytest.raises(ZeroDivisionError) as caught:
        call(broken_hook)
    assert frames(caught.value)[-1] == "broken_hook"
    assert library_frames(caught.value) == []


def test_causes_and_contexts_are_cut_too() -> None:
    source = """
def inner(secret):
    try:
        raise ValueError(secret)
    except ValueError:
        try:
            raise OSError("the system's")
        except OSError as error:
            raise Error("ours") from error
"""
    with pytest.raises(ConfigurationError) as caught:
        public(library(source, Error=ConfigurationError))(SECRET)
    assert caught.value.__context__ is None or caught.value.__context__ is caught.value.__cause__
    assert isinstance(caught.value.__cause__, OSError)
    assert library_frames(caught.value) == []


def test_a_cycle_of_causes_ends() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    cut_frames(one)
    assert one.__cause__ is other


def test_a_public_function_looks_like_itself() -> None:
    assert refuse.__name__ == "refuse"
    assert list(inspect.signature(refuse).parameters) == ["password"]
    assert inspect.iscoroutinefunction(refuse_later)
    assert not inspect.iscoroutinefunction(refuse)
    assert public(len)("abc") == 3
