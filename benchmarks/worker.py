"""One contender, one workload, in a fresh process: ``python -m benchmarks.worker NAME WORKLOAD URL COUNT WIDTH``.

Prints one line of JSON. What is measured begins after a first call, so that loading and connecting are not in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.contenders import ASYNCHRONOUS, MOBILE, SYNCHRONOUS, Contender

_MANY = ",".join(f"138{number:08}" for number in range(20_000))


def memory(field: str) -> int:
    """Bytes of this process's memory, by the name that Linux has for it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    return 0


def task(contender: Contender, workload: str) -> Callable[[], Any]:
    """The workload as a function without arguments."""
    if workload == "send":
        return lambda: contender.send(MOBILE)
    if workload == "send many":
        return lambda: contender.send(_MANY)
    tasks: dict[str, Callable[[], Any]] = {
        "balance": contender.balance,
        "reports": contender.reports,
        "replies": contender.replies,
    }
    return tasks[workload]


def measure(work: Callable[[], int]) -> dict[str, float]:
    """What a piece of work costs, and the memory that it took at its highest."""
    with contextlib.suppress(OSError):
        # Linux: the high-water mark begins anew.
        Path("/proc/self/clear_refs").write_text("5")
    start = memory("VmRSS")
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    records = work()
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    return {
        "user": after.ru_utime - before.ru_utime,
        "system": after.ru_stime - before.ru_stime,
        "wall": wall,
        "memory": memory("VmHWM") - start,
        "records": records,
    }


def _size(result: Any) -> int:
    return len(result) if hasattr(result, "__len__") and not isinstance(result, str) else 1


def synchronous(contender: Contender, workload: str, count: int, width: int) -> dict[str, float]:
    once = task(contender, workload)

    def work() -> int:
        if width == 1:
            for _ in range(count - 1):
                once()
            return _size(once())
        with ThreadPoolExecutor(width) as pool:
            for future in [pool.submit(once) for _ in range(count)]:
                future.result()
        return count

    warm_up(contender, workload)
    try:
        return measure(work)
    finally:
        contender.close()


def warm_up(contender: Contender, workload: str) -> Any:
    # A poll of everything would raise the memory that it is to be measured against.
    once = contender.balance if workload in ("reports", "replies") else task(contender, workload)
    return [once() for _ in range(3)]


async def asynchronous(contender: Contender, workload: str, count: int, width: int) -> dict[str, float]:
    once: Callable[[], Awaitable[Any]] = task(contender, workload)
    await asyncio.gather(*warm_up(contender, workload))
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    start = memory("VmRSS")
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    left = iter(range(count))
    last: list[Any] = []

    async def some() -> None:
        for _ in left:
            last[:] = [await once()]

    await asyncio.gather(*(some() for _ in range(width)))
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    try:
        return {
            "user": after.ru_utime - before.ru_utime,
            "system": after.ru_stime - before.ru_stime,
            "wall": wall,
            "memory": memory("VmHWM") - start,
            "records": _size(last[0]),
        }
    finally:
        closing = contender.close()
        if inspect.isawaitable(closing):
            await closing


def main(name: str, workload: str, url: str, count: int, width: int) -> None:
    """Measures, and prints."""
    if name in ASYNCHRONOUS:

        async def run() -> dict[str, float]:
            return await asynchronous(ASYNCHRONOUS[name](url), workload, count, width)

        result = asyncio.run(run())
    else:
        result = synchronous(SYNCHRONOUS[name](url), workload, count, width)
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
