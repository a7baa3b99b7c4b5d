"""What a client does between being asked and answering, without a wire."""

from __future__ import annotations

from typing import Literal, NoReturn

import pytest

from jzysoap.calls import Answer, Call
from jzysoap.config import configure
from jzysoap.errors import OutcomeUnknownError
from jzysoap.session import Session
from jzysoap.wire import Reply, Request


@pytest.mark.parametrize("problem", [ImportError, OSError, MemoryError, EOFError, RecursionError])
@pytest.mark.parametrize(("kind", "raw", "retry"), [("send", b"a ***", "never"), ("poll", b"a pw123", "later")])
def test_an_answer_that_there_is_no_reading_is_not_lost(
    problem: type[Exception], kind: Literal["send", "poll"], raw: bytes, retry: str
) -> None:
    def read(_answer: Answer) -> NoReturn:
        raise problem("no more of it")

    arguments = {"base_url": "http://localhost", "username": "u", "password": "pw123", "interface": "servlet"}
    session = Session(configure(arguments))
    session.credentials.encoded()
    steps = session.call(Call("sendSms", kind, read))
    next(steps)
    with pytest.raises(OutcomeUnknownError, match=f"could not be read here: {problem.__name__}$") as caught:
        steps.send(Reply(200, {}, b"a pw123"))
    assert (caught.value.raw, caught.value.retry, caught.value.may_have_been_sent) == (raw, retry, True)
    assert isinstance(caught.value.__cause__, problem)
    assert caught.value.__cause__.__traceback__ is None


def test_where_no_thread_is_to_be_had_it_is_done_here() -> None:
    arguments = {"base_url": "http://localhost", "username": "u", "password": lambda: "pw123", "interface": "servlet"}
    session = Session(configure(arguments))
    body = b"<smsreport>" + b"<psreport><mobile>13800000001</mobile></psreport>" * 10_000 + b"</smsreport>"
    steps = session.reports()
    none = RuntimeError("can't start new thread")
    # The password's callable first, then the reading of a long answer.
    assert callable(next(steps))
    assert isinstance(steps.throw(none), Request)
    assert callable(steps.send(Reply(200, {}, body)))
    with pytest.raises(StopIteration) as caught:
        steps.throw(none)
    assert len(caught.value.value) == 10_000
