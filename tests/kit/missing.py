"""What a test says that needs a program, and the program is not there."""

import os
from typing import NoReturn

import pytest


def lacking(reason: str) -> NoReturn:
    """Fail the test where all must run, which the environment variable CI says; else skip it.

    Args:
        reason: the program or library that is missing.
    """
    if os.environ.get("CI"):
        pytest.fail(f"cannot run here: {reason}", pytrace=False)
    pytest.skip(reason)
