"""Values that each process has for itself."""

from __future__ import annotations

import os
import threading
import time

import pytest

from jzysoap.model.processes import PerProcess


def test_a_process_has_one_value() -> None:
    own = PerProcess(list[int])
    assert own.get() is own.get()
    assert own.get() == []


def test_a_child_makes_its_own_and_keeps_its_parents(monkeypatch: pytest.MonkeyPatch) -> None:
    class Inherited:
        def __del__(self) -> None:
            gone.append(1)

    gone: list[int] = []
    own = PerProcess(Inherited)
    parents = id(own.get())
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert id(own.get()) == id(own.get()) != parents
    assert gone == []


def test_threads_of_a_child_wait_for_the_one_that_makes_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []

    def make() -> object:
        time.sleep(0.05)
        made.append(object())
        return made[-1]

    own = PerProcess(make)
    own.get()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    got: list[object] = []
    threads = [threading.Thread(target=lambda: got.append(own.get())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 2
    assert got == [made[1]] * 8


def test_a_lock_that_the_parent_holds_does_not_block_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    own = PerProcess(threading.Lock)
    with own.get():
        monkeypatch.setattr(os, "getpid", lambda: -1)
        assert own.get().acquire(blocking=False)
