"""The garbage collector, paused and on again."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator

import pytest

from jzysoap.collector import _go_on, _pauses, without_collector


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    gc.enable()


def test_it_is_off_for_the_work_and_on_again_whatever_comes_of_it() -> None:
    def fail() -> None:
        assert not gc.isenabled()
        raise KeyboardInterrupt

    assert without_collector(gc.isenabled) is False
    assert gc.isenabled()
    with pytest.raises(KeyboardInterrupt):
        without_collector(fail)
    assert gc.isenabled()
    # One within another ends with the outer.
    assert without_collector(lambda: (without_collector(gc.isenabled), gc.isenabled())) == (False, False)
    assert gc.isenabled()


def test_where_it_is_off_it_stays_off() -> None:
    gc.disable()
    assert without_collector(gc.isenabled) is False
    assert not gc.isenabled()


@pytest.mark.parametrize("first_ends_first", [True, False])
def test_it_is_on_again_after_two_threads_in_any_order(first_ends_first: bool) -> None:
    def paused(begun: threading.Event, end: threading.Event) -> threading.Thread:
        def work() -> None:
            begun.set()
            end.wait(10)

        thread = threading.Thread(target=without_collector, args=(work,))
        thread.start()
        assert begun.wait(10)
        return thread

    ends = threading.Event(), threading.Event()
    threads = [paused(threading.Event(), end) for end in ends]
    assert not gc.isenabled()
    for number in (0, 1) if first_ends_first else (1, 0):
        ends[number].set()
        threads[number].join(10)
    assert gc.isenabled()


def test_what_a_forked_process_does_first() -> None:
    gc.disable()
    _go_on()
    assert not gc.isenabled()
    # As a thread of the parent left it.
    _pauses.add("a pause")
    _go_on()
    assert gc.isenabled()
    assert not _pauses


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("paused", [True, False])
def test_a_forked_process_goes_on_without_the_pauses_of_other_threads(paused: bool) -> None:
    begun, end = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        end.wait(10)

    thread = threading.Thread(target=without_collector if paused else work, args=(work,) if paused else ())
    thread.start()
    assert begun.wait(10)
    if not paused:
        # It is off because somebody wants it so.
        gc.disable()
    child = os.fork()
    if not child:
        os._exit(gc.isenabled())
    end.set()
    thread.join(10)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == paused
