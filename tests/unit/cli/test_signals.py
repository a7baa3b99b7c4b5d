"""Signals that ask to end, as exceptions."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from jzysoap.cli.signals import Stopped, raising


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_is_raised_as_ctrl_c_is(number: signal.Signals, status: int) -> None:
    before = signal.getsignal(number)

    def wait() -> None:
        with raising():
            os.kill(os.getpid(), number)
            signal.pause()

    with pytest.raises(KeyboardInterrupt) as caught:
        wait()
    assert isinstance(caught.value, Stopped)
    assert caught.value.status == status
    assert signal.getsignal(number) == before


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with raising():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_leaves_signals_alone() -> None:
    ended = []

    def work() -> None:
        with raising():
            ended.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ended == [signal.SIG_DFL]
