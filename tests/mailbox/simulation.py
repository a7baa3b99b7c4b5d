"""A simulated account and gateway, to see how many unknown sends the rules of matching settle, and how many wrongly.

::

    python -m tests.mailbox.simulation --days 20 --seed 1

Campaigns overlap; answers are lost, or have no id; reports come late, twice and out of order; ids have leading zeros;
the gateway's clock is 90 seconds off; and others may use the account, also to text the same people. Nothing here
sleeps.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jzysoap import DeliveryStatus
from jzysoap.mailbox.matching import Record, SentBatch, match_records

DAY = 24 * 3_600_000
NOON = 1_700_000_000_000
CLOCK_OFF = 90_000
_PEOPLE = 4000
_SHARES = (0.0, 0.02, 0.2)


@dataclass(frozen=True)
class Day:
    """What happened on a day.

    Attributes:
        batches: those of the mailbox, as it knows them.
        records: all reports that a poll brought.
        truth: for each batch that the gateway accepted, its id there.
        unknown: the batches whose answer was lost, whether or not the gateway accepted them.
    """

    batches: tuple[SentBatch, ...]
    records: tuple[Record, ...]
    truth: dict[int, str]
    unknown: frozenset[int]


@dataclass
class Result:
    """What matching made of some days."""

    share: float
    told: bool
    batches: int = 0
    unknown: int = 0
    reported: int = 0
    settled: int = 0
    wrong: int = 0

    def row(self) -> str:
        shared = "told" if self.told else "learned"
        part = self.settled / self.reported if self.reported else 0.0
        return (
            f"{self.share:5.0%}  {shared:8} {self.batches:8} {self.unknown:8} {self.reported:9} {self.settled:8} "
            f"{part:6.0%} {self.wrong:6}"
        )


HEAD = "foreign shared   batches  unknown  reported  settled  share  wrong"


def simulate(chance: random.Random, share: float) -> Day:
    """Return a day of an account that others use for a share of its sends."""
    people = [f"138{number:08}" for number in chance.sample(range(10**8), _PEOPLE)]
    batches: list[SentBatch] = []
    records: list[Record] = []
    truth: dict[int, str] = {}
    unknown: set[int] = set()
    gateway_ids = iter(range(337_000_000, 400_000_000))
    for ident, (started, mobiles, foreign) in enumerate(_sends(chance, people, share), 1):
        lost, accepted = chance.random() < 0.05, chance.random() < 0.97
        if lost and not foreign:
            unknown.add(ident)
            # A lost request is accepted half of the time.
            accepted = chance.random() < 0.5
        name = str(next(gateway_ids)).zfill(12 if chance.random() < 0.5 else 0)
        known = None if lost or chance.random() < 0.8 else name.lstrip("0")
        if not foreign and (accepted or lost):
            batches.append(SentBatch(ident, mobiles, started, known))
        if accepted:
            if not foreign:
                truth[ident] = name
            records += _reports(chance, len(records), name, mobiles, started)
    chance.shuffle(records)
    return Day(tuple(batches), tuple(records), truth, frozenset(unknown))


def _sends(chance: random.Random, people: Sequence[str], share: float) -> Iterator[tuple[int, tuple[str, ...], bool]]:
    """Yield sends: when, to whom, and True for one of another user of the account."""
    for _ in range(chance.randint(3, 6)):
        # A campaign: batches one after the other, to people that other campaigns text too.
        begin, chosen = NOON + chance.randrange(DAY), chance.sample(people, 400)
        for place in range(0, 400, 50):
            yield begin + place * 40, tuple(chosen[place : place + 50]), chance.random() < share
    for _ in range(300):
        count = chance.choice((1, 1, 1, 1, 2, 3, 5))
        yield NOON + chance.randrange(DAY), tuple(chance.sample(people, count)), chance.random() < share


def _reports(chance: random.Random, first: int, name: str, mobiles: Sequence[str], started: int) -> Iterator[Record]:
    sent_at = (started + CLOCK_OFF + chance.randrange(60_000)) // 1000 * 1000
    number = first
    for mobile in mobiles:
        # Some reports never come, some come twice.
        for _ in range(chance.choices((0, 1, 2), (5, 90, 5))[0]):
            number += 1
            spelled = f"86{mobile}" if chance.random() < 0.1 else mobile
            status = chance.choice(list(DeliveryStatus))
            yield Record(number, spelled, name, sent_at + chance.randrange(3) * 1000, status)


def judge(day: Day, result: Result) -> None:
    """Match a day and add what came of it."""
    found = match_records(day.batches, day.records, shared=result.told and result.share > 0)
    reported = {record.batch_id for record in day.records}
    result.batches += len(day.batches)
    result.unknown += len(day.unknown)
    result.reported += sum(day.truth.get(ident) in reported for ident in day.unknown)
    result.settled += len(day.unknown & set(found.claimed))
    result.wrong += sum(day.truth.get(ident) != name for ident, name in found.claimed.items())
    owners = {name: ident for ident, name in day.truth.items()}
    by_id = {record.id: record for record in day.records}
    result.wrong += sum(owners.get(str(by_id[one.record].batch_id)) != one.batch for one in found.matches)


def run(days: int, seed: int, share: float, *, told: bool) -> Result:
    """Return what matching makes of some days."""
    result = Result(share, told)
    chance = random.Random(seed)  # no secret
    for _ in range(days):
        judge(simulate(chance, share), result)
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run as a command; see the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.mailbox.simulation")
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    print(HEAD)  # noqa: T201  # a command
    wrong = 0
    for share in _SHARES:
        for told in (True, False):
            result = run(options.days, options.seed, share, told=told)
            wrong += result.wrong if told or not share else 0
            print(result.row())  # noqa: T201  # a command
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
