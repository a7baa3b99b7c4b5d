"""The steps of an operation, without a wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NoReturn

import pytest

from jzysoap.calls.operations import Call
from jzysoap.client.session import Session
from jzysoap.model.errors import OutcomeUnknownError
from jzysoap.model.http import HttpReply
from jzysoap.model.operations import OPERATIONS
from jzysoap.model.steps import Hook, Prepare
from jzysoap.results.parse import Answer
from jzysoap.settings.options import configure

SECRET = "pw123"


def session_of(**arguments: Any) -> Session:
    given = {"base_url": "http://localhost", "username": "u", "password": SECRET, "interface": "servlet"}
    session = Session(configure({**given, **arguments}))
    session.credentials.encoded()
    return session


def undecodable() -> NoReturn:
    SECRET.encode().decode("utf-16-le")
    raise AssertionError("that was decoded")


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (ImportError("no such library"), "ImportError: no such library"),
        (OSError(24, "Too many open files"), r"OSError: \[Errno 24\] Too many open files"),
        (MemoryError(), "MemoryError"),
        (EOFError(), r"EOFError$"),
        (ValueError(f"not a number: {SECRET}"), r"ValueError$"),
        (undecodable, r"UnicodeDecodeError$"),
    ],
)
@pytest.mark.parametrize(("kind", "raw", "retry"), [("send", b"a ***", "never"), ("poll", b"a pw123", "later")])
def test_an_answer_that_there_is_no_reading_is_not_lost(
    problem: Exception | Callable[[], NoReturn], told: str, kind: Literal["send", "poll"], raw: bytes, retry: str
) -> None:
    def read(_answer: Answer) -> NoReturn:
        try:
            raise KeyError(SECRET)
        except KeyError:
            if callable(problem):
                problem()
            raise problem  # noqa: B904  # with its context

    steps = session_of().call(Call(OPERATIONS["sendSms" if kind == "send" else "getSmsReport"], read))
    assert next(steps) == Prepare(definition=False)
    steps.send(None)
    with pytest.raises(OutcomeUnknownError, match=f"could not be read here: {told}$") as caught:
        steps.send(HttpReply(200, {}, b"a pw123"))
    assert (caught.value.raw, caught.value.retry, caught.value.may_have_been_sent) == (raw, retry, True)
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize(("on_reply", "told"), [(None, True), (lambda *_: None, False)])
def test_a_poll_that_is_interrupted_while_it_is_read_says_what_is_lost(
    on_reply: Callable[..., None] | None, told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def read(_answer: Answer) -> NoReturn:
        raise KeyboardInterrupt

    steps = session_of(on_reply=on_reply).call(Call(OPERATIONS["getSmsReport"], read))
    assert next(steps) == Prepare(definition=False)
    steps.send(None)
    reply = HttpReply(200, {}, b"<smsreport/>")
    if on_reply is not None:
        step = steps.send(reply)
        assert isinstance(step, Hook)
        reply = step.call()  # type: ignore[assignment]  # what the hook returned
    with pytest.raises(KeyboardInterrupt):
        steps.send(reply)
    assert ("an interrupted poll received 12 bytes that no on_reply keeps" in caplog.text) is told


def test_steps_that_nobody_carries_out_any_more_report_nothing() -> None:
    events: list[object] = []
    hooks: list[dict[str, Any]] = [{"on_call": events.append}, {"on_call": events.append, "on_reply": events.append}]
    for options in hooks:
        steps = session_of(**options).call(Call(OPERATIONS["getSmsReport"], lambda _: None))
        assert next(steps) == Prepare(definition=False)
        steps.send(None)
        if "on_reply" in options:
            assert isinstance(steps.send(HttpReply(200, {}, b"<smsreport/>")), Hook)
        steps.close()
    assert events == []
