"""Faults on demand: the next requests that shall go wrong, and how.

Nothing here knows HTTP; ``protocol`` carries the faults out.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Fault:
    """A fault that replaces or delays an answer. Its attributes are the arguments of ``Sandbox.fail_next``."""

    operation: str | None = None
    result: str | None = None
    status: int = 200
    headers: Sequence[tuple[str, str]] = ()
    body: bytes | None = field(default=None, repr=False)
    delay: float = 0.0
    drop: bool = False
    acted: bool = False
    times: int = 1
    after: int = 0
    to: str | None = None
    text: str | None = None

    def describe(self) -> str:
        """Return what happens instead of the usual answer, in a few words."""
        if self.drop:
            return "accepted, answer lost" if self.acted else "connection closed"
        if self.body is not None:
            return f"HTTP {self.status} with a body of its own"
        if self.result is not None:
            return self.result
        return f"answered {self.delay:g} s late"


class Faults:
    """A queue of faults. Safe in threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Queue a fault."""
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Discard the faults that have not happened yet."""
        with self._lock:
            self._waiting.clear()

    def take(self, operation: str | None, mobiles: Sequence[str] = (), text: str = "") -> Fault | None:
        """Return the first fault that is for a request, and count it as happened; None if there is no such fault.

        Args:
            operation: the operation that the request asks for; None if it cannot be read.
            mobiles: the recipients of a send.
            text: the text of a send.
        """
        with self._lock:
            for fault in self._waiting:
                if fault.operation not in (None, operation):
                    continue
                if (fault.to is not None and fault.to not in mobiles) or (fault.text or "") not in text:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                else:
                    fault.times -= 1
                    if fault.times == 0:
                        self._waiting.remove(fault)
                    return fault
        return None
