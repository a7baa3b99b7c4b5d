"""Faults on demand: what goes wrong with the next requests, and how."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Fault:
    """What happens to a request instead of, or beside, its answer. Arguments as in ``Sandbox.fail_next``."""

    operation: str | None = None
    result: str | None = None
    status: int = 200
    headers: Sequence[tuple[str, str]] = ()
    body: bytes | None = field(default=None, repr=False)
    delay: float = 0.0
    drop: bool = False
    acted: bool = False
    times: int = 1


class Faults:
    """The faults to come, in the order they were asked for. Safe in threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._coming: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let a fault happen to the next request that it is for."""
        with self._lock:
            self._coming.append(fault)

    def clear(self) -> None:
        """Forget the faults that have not happened yet."""
        with self._lock:
            self._coming.clear()

    def take(self, operation: str | None) -> Fault | None:
        """The fault of a request, used up by one.

        Args:
            operation: what the request asks for; None when that cannot be read.
        """
        with self._lock:
            for fault in self._coming:
                if fault.operation in (None, operation):
                    fault.times -= 1
                    if fault.times == 0:
                        self._coming.remove(fault)
                    return fault
        return None
