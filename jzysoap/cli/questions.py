"""Questions before something that cannot be taken back."""

from __future__ import annotations

import sys

from jzysoap.cli.texts import translate
from jzysoap.model.errors import ConfigurationError


def confirm(question: str, undone: str) -> None:
    """Ask at the terminal whether to go on.

    Args:
        question: the question.
        undone: what was not done if the answer is no, in the language to use.

    Raises:
        ConfigurationError: the answer is no, or nobody can be asked.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        raise ConfigurationError(translate("general.give-yes", undone=undone))
    print(question, end=" ", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes", "是"):
        raise ConfigurationError(undone)
