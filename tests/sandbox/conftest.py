"""A running sandbox for a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jzysoap.sandbox import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox without options, but for its account."""
    with Sandbox(username="test", password="secret1") as sandbox:
        yield sandbox
