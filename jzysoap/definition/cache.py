"""The user's cache directory: definitions and compiled bindings, as JSON files.

A person who can write to the directory could redirect every message. So nothing is read that another user could have
written, no link is followed, and new files are readable by the user alone. Each file begins with the checksum of
its value: what a disk or a program damaged is never used. A cache never fails: if the directory cannot be used, the
cache is empty.
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
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

logger = logging.getLogger("jzysoap")

_MAX_BYTES = 64 * 1024 * 1024
_TEMPORARY = ".new-"
# Seconds after which a temporary file belongs to a process that was killed while it wrote.
_ORPHANED = 3600.0


def default_directory() -> Path | None:
    """Return the platform's place for a user's caches, never a shared folder; None if the user has no home."""
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
    """Named JSON values in a directory.

    Args:
        directory: the directory, made on first use; None for the platform's; False for no cache.
    """

    def __init__(self, directory: str | Literal[False] | None) -> None:
        self._directory: Path | None = None
        if directory is None:
            self._directory = default_directory()
        elif directory:
            with self._log_errors("found"):
                self._directory = Path(directory).expanduser().absolute()

    def read(self, name: str) -> Any:
        """Return the value of that name; None if there is none, or if its file cannot be trusted or read."""
        with self._log_errors("read"):
            directory = self._checked_directory()
            if directory is not None:
                path = directory / _file_name(name)
                with contextlib.suppress(FileNotFoundError), open(path, "rb", opener=_open) as file:
                    status = os.fstat(file.fileno())
                    if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES or not _is_own(status):
                        raise OSError("not a plain file of the user's own")
                    checksum, _, value = file.read().partition(b"\n")
                    if checksum != _checksum(value):
                        raise OSError("its checksum is wrong")
                    return json.loads(value)
        return None

    def write(self, name: str, value: Any) -> None:
        """Save a value completely or not at all: no reader ever sees a part of it."""
        with self._log_errors("written"):
            directory = self._checked_directory()
            if directory is not None:
                text = json.dumps(value).encode()
                _remove_orphans(directory)
                descriptor, temporary = tempfile.mkstemp(dir=directory, prefix=_TEMPORARY)
                try:
                    with open(descriptor, "wb") as file:
                        file.write(_checksum(text) + b"\n" + text)
                    os.replace(temporary, directory / _file_name(name))
                except BaseException:  # KeyboardInterrupt included: no incomplete file may stay
                    with contextlib.suppress(OSError):
                        os.unlink(temporary)
                    raise

    def _checked_directory(self) -> Path | None:
        if self._directory is None:
            return None
        with contextlib.suppress(FileExistsError):
            self._directory.parent.mkdir(parents=True, exist_ok=True)
            self._directory.mkdir(mode=0o700)
        status = os.lstat(self._directory)
        if not stat.S_ISDIR(status.st_mode) or not _is_own(status):
            raise OSError("the directory is not the user's own, or others can write to it, or it is a link")
        return self._directory

    @contextlib.contextmanager
    def _log_errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: JSON nested too deep, or no home
            logger.info(
                "the cache in %s cannot be %s: %s: %s",
                _printable(self._directory),
                what,
                type(error).__name__,
                _printable(error),
            )


def _printable(value: object) -> str:
    # A path may have a lone surrogate, which a log file in UTF-8 cannot have.
    return str(value).encode("utf-8", "backslashreplace").decode()


def _open(path: str, flags: int) -> int:
    # No link is followed, and opening a named pipe does not block.
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _is_own(status: os.stat_result) -> bool:
    if not hasattr(os, "geteuid"):  # pragma: no cover  # Windows has access lists instead
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _remove_orphans(directory: Path) -> None:
    """Remove the files of writers that were killed, of which nobody will ever read a byte."""
    before = time.time() - _ORPHANED
    for path in directory.glob(f"{_TEMPORARY}*"):
        # Another process may be removing it too.
        with contextlib.suppress(OSError):
            if os.lstat(path).st_mtime < before:
                os.unlink(path)


def _checksum(value: bytes) -> bytes:
    return hashlib.sha256(value).hexdigest().encode()


def _file_name(name: str) -> str:
    # Hashed, since a name contains an address, whose characters a file system may not accept.
    return hashlib.sha256(name.encode()).hexdigest()[:40] + ".json"
