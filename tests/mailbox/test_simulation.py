"""Days of a simulated account: nothing is matched wrongly, and most of what can be known is settled."""

from __future__ import annotations

import random

import pytest

from tests.mailbox.simulation import HEAD, main, run, simulate


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(("share", "least"), [(0.0, 0.9), (0.02, 0.3), (0.2, 0.3)])
def test_nothing_is_matched_wrongly(share: float, least: float, told: bool) -> None:
    found = run(5, 7, share, told=told)
    assert found.wrong == 0
    assert found.settled >= least * found.reported > 0


def test_a_guess_by_number_and_time_would_be_wrong() -> None:
    # The simulation is hard enough to tell a guess from a proof.
    day, wrong = simulate(random.Random(7), 0.2), 0  # no secret
    owners = {name: ident for ident, name in day.truth.items()}
    for record in day.records:
        number = record.mobile.removeprefix("86")
        near = [
            (abs(batch.started - (record.sent_at or 0)), batch.id)
            for batch in day.batches
            if batch.batch_id is None and number in batch.mobiles
        ]
        if near and min(near)[0] < 900_000:
            wrong += owners.get(str(record.batch_id)) != min(near)[1]
    assert wrong > 0


def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--days", "1"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == HEAD
