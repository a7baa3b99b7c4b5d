"""The input of ``jzysoap send``: numbers from the arguments, a file or stdin; a text from an argument or a file."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from jzysoap.cli.inputerror import InputError
from jzysoap.cli.inputs import Row, Rows, read_rows
from jzysoap.cli.texts import translate

STDIN = "-"
"""The name of a file that stands for stdin."""

# A text of a message is far shorter.
_MAX_TEXT = 1 << 20


class Numbers:
    """Numbers from the arguments, as the rows of a file without a header.

    Attributes:
        digest: the SHA-256 of the numbers, in hexadecimal.
        header, place, sheet: as of ``Rows``.
    """

    header: tuple[str, ...] = ()
    place = 0
    sheet = None

    def __init__(self, numbers: Sequence[str]) -> None:
        self._numbers = numbers
        self.digest = hashlib.sha256("\n".join(numbers).encode(errors="surrogateescape")).hexdigest()

    def __iter__(self) -> Iterator[Row]:
        for place, number in enumerate(self._numbers, 1):
            yield Row(place, number, "", (number,), {})


@contextlib.contextmanager
def open_file(name: str, *, column: str | None, sheet: str | None) -> Iterator[Rows]:
    """Yield the rows of a file, or those of stdin for ``-``.

    Raises:
        InputError: it cannot be used.
    """
    if name != STDIN:
        yield read_rows(name, column=column, sheet=sheet)
        return
    if sys.stdin is None:
        raise InputError(translate("inputs.unreadable", path="stdin", error="stdin"))
    # The input is read more than once, and a pipe cannot be. The directory is for this user alone.
    with tempfile.TemporaryDirectory(prefix="jzysoap-") as directory:
        copy = Path(directory, "stdin")
        with copy.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield read_rows(copy, column=column, sheet=sheet)


def read_text(name: str) -> str:
    """Return the text of a file without the line breaks at its end: UTF-8, or GB18030, which has all of GBK.

    Raises:
        InputError: it cannot be read, or is no text.
    """
    try:
        with open(name, "rb") as file:
            content = file.read(_MAX_TEXT + 1)
    except OSError as error:
        raise InputError(translate("inputs.unreadable", path=name, error=error.strerror)) from error
    if len(content) > _MAX_TEXT:
        raise InputError(translate("send.no-text", path=name))
    for charset in ("utf-8-sig", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            return content.decode(charset).rstrip("\r\n")
    raise InputError(translate("inputs.undecodable", path=name))
