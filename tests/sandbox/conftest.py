"""A sandbox that runs, and one to make."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jzysoap.sandbox import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """As it is without any option, but for the account."""
    with Sandbox(username="test", password="secret1") as sandbox:
        yield sandbox
