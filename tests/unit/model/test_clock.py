"""The clock by which a right to send ends."""

from __future__ import annotations

import time

import pytest

from jzysoap.model import clock


def test_the_clock_goes_on() -> None:
    before = clock.elapsed()
    time.sleep(0.01)
    assert 0.01 <= clock.elapsed() - before < 10


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system has no clock that counts suspended time")
def test_the_clock_counts_suspended_time() -> None:
    assert abs(clock.elapsed() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 1


def test_elsewhere_it_is_the_monotonic_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_CLOCK", None)
    assert abs(clock.elapsed() - time.monotonic()) < 1
