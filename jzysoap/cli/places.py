"""The directory for files that commands keep for themselves."""

from __future__ import annotations

import os
from pathlib import Path

from jzysoap.cli.texts import translate
from jzysoap.model.errors import ConfigurationError


def state_directory() -> Path:
    """Return the user's directory for this program's state; it is made if it is not there.

    Raises:
        ConfigurationError: there is no home directory.
        OSError: it cannot be made.
    """
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    if not os.path.isabs(home):
        # Where nobody knows the home directory, the "~" is still there.
        raise ConfigurationError(translate("general.no-home"))
    state = Path(home, "jzysoap")
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    return state
