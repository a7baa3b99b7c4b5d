"""Fixtures for the tests of definitions."""

from __future__ import annotations

from pathlib import Path

import pytest

from jzysoap.settings.options import Config
from tests.unit.definition.gateway import Clock, Gateway, configured


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return configured(tmp_path)
