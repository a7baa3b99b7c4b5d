"""A directory of the user's own in which definitions and compiled bindings are kept, as JSON.

Whoever can write there could redirect every message, so nothing is read that another user could have put there, no link
is followed, and what is written is readable by the user alone. Nothing here ever fails: a cache that cannot be used is
a cache that has nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

logger = logging.getLogger("jzysoap")

_MAX_BYTES = 64 * 1024 * 1024


def default_directory() -> Path | None:
    """Where the platform wants a user's caches, or None where the user has no home. Never a shared folder."""
    try:
        if sys.platform == "win32":
            base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        return None
    return base / "jzysoap" if base.is_absolute() else None


class Cache:
    """Named JSON values in a guarded directory.

    Args:
        directory: the directory, made on first use; None for the platform's; False for no cache at all.
    """

    def __init__(self, directory: str | Literal[False] | None) -> None:
        self._directory: Path | None = None
        if directory is None:
            self._directory = default_directory()
        elif directory:
            with self._never_failing("found"):
                self._directory = Path(directory).expanduser().absolute()

    def read(self, name: str) -> Any:
        """The value of that name, or None where there is none that can be trusted and read."""
        with self._never_failing("read"):
            directory = self._guarded()
            if directory is not None:
                path = directory / _file(name)
                with contextlib.suppress(FileNotFoundError), open(path, "rb", opener=_open) as file:
                    status = os.fstat(file.fileno())
                    if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES or not _own(status):
                        raise OSError("not a plain file of the user's own")
                    return json.loads(file.read())
        return None

    def write(self, name: str, value: Any) -> None:
        """Keeps a value, at once or not at all: no reader ever sees half of it."""
        with self._never_failing("written"):
            directory = self._guarded()
            if directory is not None:
                descriptor, temporary = tempfile.mkstemp(dir=directory, prefix=".new-")
                try:
                    with open(descriptor, "w", encoding="utf-8") as file:
                        json.dump(value, file)
                    os.replace(temporary, directory / _file(name))
                except BaseException:  # an interrupt must leave no half of a file either
                    with contextlib.suppress(OSError):
                        os.unlink(temporary)
                    raise

    def _guarded(self) -> Path | None:
        if self._directory is None:
            return None
        with contextlib.suppress(FileExistsError):
            self._directory.parent.mkdir(parents=True, exist_ok=True)
            self._directory.mkdir(mode=0o700)
        status = os.lstat(self._directory)
        if not stat.S_ISDIR(status.st_mode) or not _own(status):
            raise OSError("the directory is not the user's own, or others can write to it, or it is a link")
        return self._directory

    @contextlib.contextmanager
    def _never_failing(self, what: str) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, RuntimeError) as error:  # the last: too deep, or no home directory
            logger.info(
                "the cache in %s cannot be %s: %s: %s",
                _shown(self._directory),
                what,
                type(error).__name__,
                _shown(error),
            )


def _shown(value: object) -> str:
    # A path may hold half of a surrogate pair, which no log file in UTF-8 can hold.
    return str(value).encode("utf-8", "backslashreplace").decode()


def _open(path: str, flags: int) -> int:
    # Nor does a pipe in its place hold anyone up.
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _own(status: os.stat_result) -> bool:
    if not hasattr(os, "geteuid"):  # pragma: no cover  # Windows guards by its own access lists
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _file(name: str) -> str:
    # Hashed: a name holds addresses, which no file system takes as they are.
    return hashlib.sha256(name.encode()).hexdigest()[:40] + ".json"
