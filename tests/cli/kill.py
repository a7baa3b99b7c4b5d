"""``jzysoap send`` is killed again and again, and resumed; then every number of the file is looked for.

    python -m tests.cli.kill --numbers 100000 --kills 50 --seed 1

A gateway in this process counts whom it texted. It loses some answers and refuses some batches. The exit status is 1 if
a number was texted twice, or has no fate or a wrong one, or if fewer than a third of the kills came while something was
being sent.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from jzysoap.mailbox.outbox import MARGIN
from jzysoap.sandbox import Gateway, Sandbox
from tests.kit.samples import PASSWORD, TEXT, USERNAME
from tests.kit.terminals import CLONE

TOTAL = 1.5
"""Seconds of a call, so that a dead process's lease ends soon."""

# The program, with another margin of leases.
_LAUNCH = """
import sys
from jzysoap.cli.main import main
from jzysoap.mailbox import outbox
outbox.MARGIN = float(sys.argv.pop(1))
sys.exit(main())
"""

# Of the batches: so many are refused, so many are accepted without an answer.
_REFUSED, _LOST = 3, 3
_PATIENCE = 600
_ENDS = 3
# Seconds from the first batch of a process until its death, at most.
_LONGEST_LIFE = 0.5


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--numbers", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--margin", type=float, default=MARGIN, help="seconds that the last run waits for longer")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    gateway = Gateway(max_messages=10**9)
    gateway.add_account(USERNAME, PASSWORD, 10**9)
    with tempfile.TemporaryDirectory() as directory, Sandbox(gateway=gateway) as sandbox:
        file = Path(directory, "numbers.csv")
        rows = _write(file, options.numbers, chance)
        _plan_faults(sandbox, rows, options.numbers, options.kills, chance)
        killed, sending, ended, resume = 0, 0, 0, False
        arguments = _arguments(sandbox, file, options.margin)
        while killed < options.kills:
            before = len(gateway.sent)
            with _start(arguments, resume=resume) as process:
                landed = _kill(process, gateway, before, chance)
            if landed is None:
                # Killed before its first batch was stored, or after: nothing to resume, or something.
                resume, ended = not resume, ended + 1
                assert ended < _ENDS, "it ends before it is killed: give it more numbers"
            else:
                killed, sending, ended = killed + 1, sending + landed, 0
        done = _start(arguments, resume=True)
        output, _ = done.communicate(timeout=_PATIENCE)
        texted = Counter(number for message in gateway.sent for number in message.mobiles)
        return _judge(rows, Path(directory, "results.csv"), texted, done.returncode, output, (killed, sending))


def _write(file: Path, numbers: int, chance: random.Random) -> list[tuple[str, str]]:
    """Write the input; return the number and the expected state of each row, empty for one to send to."""
    mobiles = [f"138{number:08d}" for number in chance.sample(range(10**8), numbers)]
    rows = [(mobile, "") for mobile in mobiles]
    for _ in range(numbers // 50):
        place = chance.randrange(1, len(rows))
        rows.insert(place, (rows[chance.randrange(place)][0], "repeated"))
        rows.insert(chance.randrange(len(rows)), (f"12{chance.randrange(10**6)}", "invalid"))
    seen: set[str] = set()
    expected = []
    for mobile, _ in rows:
        state = "invalid" if len(mobile) != 11 else "repeated" if mobile in seen else ""
        seen.add(mobile)
        expected.append((mobile, state))
    file.write_text("\n".join(["mobile", *(mobile for mobile, _ in expected)]) + "\n", "ascii")
    return expected


def _plan_faults(
    sandbox: Sandbox, rows: list[tuple[str, str]], numbers: int, kills: int, chance: random.Random
) -> None:
    valid = [mobile for mobile, state in rows if not state]
    chosen = chance.sample(valid, _REFUSED + _LOST)
    for mobile in chosen[:_REFUSED]:
        sandbox.fail_next("sendSms", result="failure;内容含敏感词", to=mobile, times=100)
    for mobile in chosen[_REFUSED:]:
        sandbox.fail_next("sendSms", drop=True, acted=True, to=mobile, times=100)
    # Slow enough that the last of them is killed before the last batch.
    slow = 2 * _LONGEST_LIFE * kills / (numbers / 200)
    sandbox.fail_next("sendSms", delay=slow, times=10**9)


def _arguments(sandbox: Sandbox, file: Path, margin: float) -> tuple[list[str], dict[str, str]]:
    arguments = [str(margin), "send", "--from", str(file), "--text", TEXT, "--yes", "--show-numbers"]
    arguments += ["--results", str(file.with_name("results.csv")), "--output", "csv"]
    variables = {
        "JZYSOAP_BASE_URL": sandbox.url,
        "JZYSOAP_USERNAME": USERNAME,
        "JZYSOAP_PASSWORD": PASSWORD,
        "JZYSOAP_TIMEOUT": f"{TOTAL},{TOTAL},{TOTAL}",
        "JZYSOAP_CACHE_DIR": "off",
    }
    return arguments, variables


def _start(command: tuple[list[str], dict[str, str]], *, resume: bool) -> subprocess.Popen[str]:
    arguments, variables = command
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", _LAUNCH, *arguments, *(["--resume"] if resume else [])],
        stdout=subprocess.PIPE,
        stderr=None,
        text=True,
        cwd=CLONE,
        env={**os.environ, **variables},
    )


def _kill(process: subprocess.Popen[str], gateway: Gateway, before: int, chance: random.Random) -> bool | None:
    """Kill a process at a random moment; return True if it was sending, None if it had ended."""
    if chance.random() < 0.2:
        # Any moment, the start of the interpreter included.
        time.sleep(chance.uniform(0.0, 1.5))
    else:
        until = time.monotonic() + _PATIENCE
        while len(gateway.sent) == before and process.poll() is None and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(chance.uniform(0.0, _LONGEST_LIFE))
    if process.poll() is not None:
        return None
    process.kill()
    process.wait()
    return len(gateway.sent) > before


def _judge(
    rows: list[tuple[str, str]],
    results: Path,
    texted: Counter[str],
    status: int,
    output: str,
    kills: tuple[int, int],
) -> int:
    """Print what was found, and return the exit status."""
    with results.open(encoding="utf-8-sig", newline="") as file:
        fates = {int(line["row"]): line["state"] for line in csv.DictReader(file)}
        file.seek(0)
        lines = sum(1 for _ in csv.reader(file)) - 1
    counts = Counter(fates.values())
    sums = dict(zip(*(line.split(",") for line in output.splitlines()[-2:]), strict=True))
    wrong = Counter[str]()
    for row, (mobile, expected) in enumerate(rows, 2):
        state = fates.get(row, "none")
        # A batch of a killed process is unknown: it was texted, or not.
        fits = {"accepted": texted[mobile] == 1, "rejected": texted[mobile] == 0, "unknown": not expected}
        wrong[state] += not (state == expected if expected else fits.get(state, False))
    twice = sum(count > 1 for count in texted.values())
    failures = {
        "numbers texted twice": twice,
        "rows with a wrong fate": wrong.total(),
        "rows without a fate, or with two": abs(len(rows) - lines) + len(rows) - len(fates),
        "sums that differ": sum(int(sums[name.replace(" ", "_")]) != counts[name] for name in (*counts, "not sent")),
        "kills missing while sending": max(0, kills[0] // 3 - kills[1]),
        "a wrong exit status": int(status != 4),
        "faults that were never met": int(not counts["rejected"] or not counts["unknown"]),
    }
    sys.stdout.write(f"{kills[0]} kills, {kills[1]} while sending; {dict(counts)}; exit status {status}\n\n")
    for name, number in failures.items():
        sys.stdout.write(f"{name}: {number} {'FAILED' if number else 'ok'}\n")
    return int(any(failures.values()))


if __name__ == "__main__":
    sys.exit(main())
