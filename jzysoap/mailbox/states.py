"""The states of a batch, and what may follow what. Pure: nothing here knows a database or a client.

::

    queued ──claim──▶ sending ──▶ accepted | rejected | not sent
        ▲                │  └───▶ unknown ──▶ accepted (evidence) | superseded (resend)
        └─ proven not sent, attempts left: later
    expired · cancelled

One arrow leads back to ``queued``, and it begins at ``sending``. A message that may be out is never sent again by
itself. A mailbox on hold claims nothing; its batches stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import NamedTuple

from jzysoap.model.errors import AccountRefusedError, AuthenticationError, InsufficientBalanceError
from jzysoap.model.sent import JzySoapError, Outcome


class State(StrEnum):
    """The states of a batch. A message has the first of them, in this order, that any of its batches has."""

    __module__ = "jzysoap.mailbox"

    SENDING = "sending"
    QUEUED = "queued"
    UNKNOWN = "unknown"
    REJECTED = "rejected"
    NOT_SENT = "not sent"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    ACCEPTED = "accepted"
    SUPERSEDED = "superseded"


_FOLLOWS: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.SENDING, State.EXPIRED, State.CANCELLED}),
    State.SENDING: frozenset({State.ACCEPTED, State.REJECTED, State.NOT_SENT, State.UNKNOWN, State.QUEUED}),
    # Evidence, a late answer, or a person.
    State.UNKNOWN: frozenset({State.ACCEPTED, State.REJECTED, State.NOT_SENT, State.SUPERSEDED}),
    State.ACCEPTED: frozenset({State.UNKNOWN, State.NOT_SENT}),
    State.REJECTED: frozenset({State.SUPERSEDED, State.ACCEPTED}),
    State.NOT_SENT: frozenset({State.SUPERSEDED, State.ACCEPTED}),
    State.EXPIRED: frozenset({State.SUPERSEDED}),
    State.CANCELLED: frozenset({State.SUPERSEDED}),
    State.SUPERSEDED: frozenset(),
}

OPEN = (State.SENDING, State.QUEUED)
"""The states of a batch that has not ended."""

UNDECIDED = (*OPEN, State.UNKNOWN)
"""The states in which the key of a message is kept, however old it is."""

_OUTCOMES = {
    State.ACCEPTED: Outcome.ACCEPTED,
    State.REJECTED: Outcome.REJECTED,
    State.NOT_SENT: Outcome.NOT_SENT,
    State.EXPIRED: Outcome.NOT_SENT,
    State.CANCELLED: Outcome.NOT_SENT,
    State.UNKNOWN: Outcome.UNKNOWN,
}
_WORST_FIRST = (Outcome.UNKNOWN, Outcome.REJECTED, Outcome.NOT_SENT, Outcome.ACCEPTED)

FIRST_PAUSE = 2.0
LONGEST_PAUSE = 300.0
"""Seconds before a batch that was proven not sent is tried again: twice the last pause, up to this one."""


def may_follow(before: State, after: State) -> bool:
    """Return True if a batch may go from one state to another."""
    return after in _FOLLOWS[before]


def outcome_of(states: Collection[State]) -> Outcome | None:
    """Return the worst outcome of a message's batches; None while one has not ended.

    A batch that was superseded does not count: the batch that was sent in its place does.
    """
    if any(state in OPEN for state in states):
        return None
    ended = {_OUTCOMES[state] for state in states if state is not State.SUPERSEDED}
    return next((outcome for outcome in _WORST_FIRST if outcome in ended), None)


def state_of(states: Iterable[State]) -> State:
    """Return the state of a message with batches in these states."""
    found = set(states)
    return next(state for state in State if state in found)


class Next(NamedTuple):
    """The consequence of a call for its batch.

    Attributes:
        state: the state that the batch gets.
        pause: seconds until it is due, if it is queued again.
        counts: True if the attempt counts against the limit.
    """

    state: State
    pause: float = 0.0
    counts: bool = True


ACCOUNT_ERRORS = (AuthenticationError, AccountRefusedError, InsufficientBalanceError)
"""The refusals of an account."""


def concerns_account(error: JzySoapError | None) -> bool:
    """Return True if the gateway refused the account, not the message: the next batch would be refused too."""
    return isinstance(error, ACCOUNT_ERRORS)


def after_call(outcome: Outcome, error: JzySoapError | None, attempt: int, attempts: int) -> Next:
    """Return the consequence of a call.

    Args:
        outcome: the outcome of the call.
        error: the error of the call, or None.
        attempt: the calls for this batch so far, this one included.
        attempts: the calls for a batch at most.
    """
    if outcome is Outcome.ACCEPTED:
        return Next(State.ACCEPTED)
    if outcome is Outcome.UNKNOWN:
        return Next(State.UNKNOWN)
    pause = min(FIRST_PAUSE * 2.0 ** min(attempt - 1, 20), LONGEST_PAUSE)
    if concerns_account(error):
        # Proven not sent. A person pays or sets the password before the message expires.
        return Next(State.QUEUED, LONGEST_PAUSE, counts=False)
    again = error is not None and (error.retry == "later" or (outcome is Outcome.NOT_SENT and error.retry == "safe"))
    if again and attempt < attempts:
        return Next(State.QUEUED, pause)
    return Next(State.REJECTED if outcome is Outcome.REJECTED else State.NOT_SENT)


def after_answer(after: Next, before: State) -> Next | None:
    """Return the consequence of an answer for a batch in a state; None if the answer changes nothing.

    Args:
        after: its consequence for a batch that is still being sent.
        before: the state: sending; or, if the answer came after the lease had ended, unknown, or accepted by a match.
    """
    if before is State.SENDING:
        return after
    if after.state is State.QUEUED:
        # Proven not sent. But a person may have seen it unknown, and what was unknown is never queued again.
        return Next(State.NOT_SENT)
    if before is State.UNKNOWN or after.state in (State.ACCEPTED, State.NOT_SENT):
        return after
    # Reports have the last word over no answer, and over a refusal.
    return None
