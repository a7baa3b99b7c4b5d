"""What may follow what, and what a call means for its batch."""

from __future__ import annotations

import itertools

import pytest

from jzysoap import (
    AuthenticationError,
    ContentRejectedError,
    InsufficientBalanceError,
    JzySoapError,
    NotSentError,
    Outcome,
    OutcomeUnknownError,
    RateLimitedError,
)
from jzysoap.mailbox.states import (
    LONGEST_PAUSE,
    OPEN,
    Next,
    State,
    after_answer,
    after_call,
    may_follow,
    outcome_of,
    state_of,
)


def test_only_one_arrow_leads_back_to_the_queue() -> None:
    assert [before for before in State if may_follow(before, State.QUEUED)] == [State.SENDING]


def test_what_may_be_out_never_gets_sent_by_itself() -> None:
    reached = {State.UNKNOWN}
    while True:
        more = {after for before, after in itertools.product(reached, State) if may_follow(before, after)}
        if more <= reached:
            break
        reached |= more
    assert not reached & set(OPEN)


@pytest.mark.parametrize(
    ("states", "outcome", "state"),
    [
        ([State.ACCEPTED], Outcome.ACCEPTED, State.ACCEPTED),
        ([State.ACCEPTED, State.QUEUED], None, State.QUEUED),
        ([State.ACCEPTED, State.UNKNOWN, State.REJECTED], Outcome.UNKNOWN, State.UNKNOWN),
        ([State.ACCEPTED, State.EXPIRED], Outcome.NOT_SENT, State.EXPIRED),
        ([State.REJECTED, State.NOT_SENT], Outcome.REJECTED, State.REJECTED),
        ([State.SUPERSEDED, State.ACCEPTED], Outcome.ACCEPTED, State.ACCEPTED),
        ([State.SUPERSEDED], None, State.SUPERSEDED),
    ],
)
def test_the_worst_batch_speaks_for_the_message(states: list[State], outcome: Outcome | None, state: State) -> None:
    assert outcome_of(states) is outcome
    assert state_of(states) is state


@pytest.mark.parametrize(
    ("outcome", "error", "attempt", "state"),
    [
        (Outcome.ACCEPTED, None, 1, State.ACCEPTED),
        (Outcome.UNKNOWN, OutcomeUnknownError("lost"), 1, State.UNKNOWN),
        (Outcome.NOT_SENT, NotSentError("refused"), 1, State.QUEUED),
        (Outcome.NOT_SENT, NotSentError("refused"), 3, State.NOT_SENT),
        (Outcome.NOT_SENT, JzySoapError("no definition"), 1, State.NOT_SENT),
        (Outcome.REJECTED, RateLimitedError("操作过于频繁"), 1, State.QUEUED),
        (Outcome.REJECTED, RateLimitedError("操作过于频繁"), 3, State.REJECTED),
        (Outcome.REJECTED, ContentRejectedError("内容有误"), 1, State.REJECTED),
        (Outcome.REJECTED, AuthenticationError("用户名或密码错误"), 3, State.QUEUED),
        (Outcome.REJECTED, InsufficientBalanceError("余额不足"), 3, State.QUEUED),
    ],
)
def test_what_a_call_means(outcome: Outcome, error: JzySoapError | None, attempt: int, state: State) -> None:
    after = after_call(outcome, error, attempt, 3)
    assert after.state is state
    assert may_follow(State.SENDING, after.state)
    assert (after.pause > 0) == (state is State.QUEUED)
    # What concerns the account uses up no attempt of the message.
    assert after.counts == (not isinstance(error, (AuthenticationError, InsufficientBalanceError)))


def test_pauses_grow_to_a_limit() -> None:
    pauses = [after_call(Outcome.NOT_SENT, NotSentError(""), attempt, 99).pause for attempt in range(1, 99)]
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[1] < LONGEST_PAUSE == pauses[-1]


@pytest.mark.parametrize("after", [State.ACCEPTED, State.REJECTED, State.NOT_SENT, State.UNKNOWN, State.QUEUED])
@pytest.mark.parametrize("before", [State.SENDING, State.UNKNOWN, State.ACCEPTED])
def test_no_answer_takes_an_arrow_that_is_not_there(before: State, after: State) -> None:
    result = after_answer(Next(after), before)
    assert result is None or result.state is before or may_follow(before, result.state)


def test_a_late_answer_queues_nothing_and_does_not_overrule_reports() -> None:
    later = Next(State.QUEUED, pause=2.0)
    assert after_answer(later, State.SENDING) == later
    assert after_answer(later, State.UNKNOWN) == after_answer(later, State.ACCEPTED) == Next(State.NOT_SENT)
    for weaker in (State.UNKNOWN, State.REJECTED):
        assert after_answer(Next(weaker), State.ACCEPTED) is None
