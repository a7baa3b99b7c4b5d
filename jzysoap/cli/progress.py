"""A progress bar on a terminal; nothing anywhere else."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from jzysoap.cli.extras import need
from jzysoap.cli.output import print_message
from jzysoap.cli.texts import translate
from jzysoap.model.errors import ConfigurationError


@contextlib.contextmanager
def show_progress(total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr while the block runs, if that is a terminal.

    Args:
        total: what the bar ends at.

    Yields:
        A function to call with how much is done in all.
    """
    if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda _: None
        return
    try:
        progress = _make()
    except ConfigurationError as error:
        # A bar is no reason not to send.
        print_message(str(error))
        yield lambda _: None
        return
    task = progress.add_task("", total=total)
    # A terminal that was closed raises, and is no reason either: SIGHUP has the job end in order.
    with contextlib.suppress(OSError):
        progress.start()
    try:
        yield lambda done: progress.update(task, completed=done)
    finally:
        with contextlib.suppress(OSError):
            progress.stop()


def _make() -> Any:
    need("rich")
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else translate("send.rate", rate=round(task.speed)))

    return Progress(
        BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn(compact=True), console=Console(stderr=True)
    )
