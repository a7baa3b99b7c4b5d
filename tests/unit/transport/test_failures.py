"""The pauses between attempts to connect. What a failure of an exchange becomes is tested over sockets."""

from __future__ import annotations

import pytest

from jzysoap.model.errors import NotSentError
from jzysoap.transport import failures
from jzysoap.transport.failures import ATTEMPTS, FIRST_PAUSE, choose_pause


def refused(cause: BaseException) -> NotSentError:
    error = NotSentError("made up")
    error.__cause__ = cause
    return error


def test_each_pause_is_about_twice_the_one_before() -> None:
    for _ in range(100):
        for attempt in range(1, ATTEMPTS):
            pause = choose_pause(attempt, refused(ConnectionRefusedError()))
            assert pause is not None
            longest = FIRST_PAUSE * 2 ** (attempt - 1)
            assert longest / 2 <= pause <= longest


def test_a_test_can_do_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "FIRST_PAUSE", 0.0)
    assert choose_pause(1, refused(ConnectionRefusedError())) == 0


def test_no_attempt_follows_the_last_one_or_a_lasting_failure() -> None:
    assert choose_pause(ATTEMPTS, refused(ConnectionRefusedError())) is None
    assert choose_pause(1, refused(PermissionError())) is None
