"""A process under a pseudo-terminal, as a person at a terminal has it."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jzysoap

CLONE = Path(jzysoap.__file__).parent.parent

# Makes the pseudo-terminal the one that the process is controlled by, then becomes the program.
_LAUNCH = (
    "import fcntl, os, sys, termios; fcntl.ioctl(1, termios.TIOCSCTTY, 0); os.execv(sys.executable, "
    "[sys.executable, *sys.argv[1:]])"
)
_PATIENCE = 30.0


class Terminal:
    """A pseudo-terminal and the process in it.

    Attributes:
        shown: all that the process has printed so far, as bytes.
        process: the process.
        master: the file descriptor of this end.
    """

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self.shown = b""
        self.master = master

    def wait_for(self, words: str | bytes) -> None:
        """Read until some words are shown."""
        wanted = words.encode() if isinstance(words, str) else words
        deadline = time.monotonic() + _PATIENCE
        while wanted not in self.shown:
            assert self._read(deadline - time.monotonic()), f"not shown: {words!r}; but: {self.shown!r}"

    def type(self, words: str, *, end: str = "\n") -> None:
        """Type some words, and return."""
        os.write(self.master, f"{words}{end}".encode())

    def check_running(self) -> None:
        """Fail if the process has ended; else let it run for a moment."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self.process.wait(0.02)
            self.end()
            raise AssertionError(f"ended with {status}: {self.shown!r}")

    def end(self) -> int:
        """Read until the process ends, and return its exit status."""
        deadline = time.monotonic() + _PATIENCE
        while self._read(deadline - time.monotonic()):
            pass
        return self.process.wait(_PATIENCE)

    def close(self) -> None:
        """Close this end, as closing a window does."""
        os.close(self.master)
        self.master = -1

    def _read(self, seconds: float) -> bool:
        assert seconds > 0, f"nothing new for {_PATIENCE} s: {self.shown!r}"
        if select.select([self.master], [], [], seconds)[0]:
            try:
                piece = os.read(self.master, 65536)
            except OSError:
                # Linux reports an error once nobody has the other end open.
                return False
            self.shown += piece
            return bool(piece)
        return True


@contextlib.contextmanager
def terminal(
    arguments: Sequence[str], environment: Mapping[str, str] | None = None, **options: Any
) -> Iterator[Terminal]:
    """Run ``jzysoap`` under a pseudo-terminal.

    Args:
        arguments: the arguments of the program.
        environment: more variables.
        options: more of those of ``subprocess.Popen``.
    """
    master, slave = pty.openpty()
    process = subprocess.Popen(  # noqa: S603  # our own program
        [sys.executable, "-c", _LAUNCH, "-m", "jzysoap", *arguments],
        **{"stdin": slave, "stdout": slave, "stderr": slave, **options},
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(CLONE), **(environment or {})},
    )
    os.close(slave)
    shell = Terminal(process, master)
    try:
        yield shell
    finally:
        process.kill()
        process.wait()
        if shell.master >= 0:
            shell.close()


def run(
    arguments: Sequence[str], environment: Mapping[str, str] | None = None, typed: bytes = b"", **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run ``jzysoap`` without a terminal, and return what it printed.

    Args:
        arguments: the arguments of the program.
        environment: more variables.
        typed: what its stdin has.
        options: more of those of ``subprocess.run``.
    """
    done: subprocess.CompletedProcess[bytes] = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-m", "jzysoap", *arguments],
        input=typed,
        capture_output=True,
        # A new session has no terminal to ask at.
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(CLONE), **(environment or {})},
        timeout=60,
        check=False,
        **options,
    )
    return done
