"""Short runs of the kill test (``python -m tests.mailbox.kill``), and the proof that it can fail."""

from __future__ import annotations

import pytest

from tests.mailbox.kill import Run, main

# In the environment of the servers: it starts a process for each kill.
pytestmark = pytest.mark.database


def test_nobody_is_texted_twice_and_nothing_is_lost(database_url: str) -> None:
    kills = 24 if database_url.startswith("sqlite") else 16
    found = Run(database_url, kills, 7, workers=1 if database_url.startswith("sqlite") else 2).carry_out()
    assert found.wrong == []
    assert found.kills >= kills
    assert found.inside >= kills / 3
    assert found.accepted > 0
    assert found.records > 0


def test_the_usual_fault_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--kills", "16", "--seed", "2", "--requeue"]) == 1
    assert "was texted 2 times" in capsys.readouterr().out
