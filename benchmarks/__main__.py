"""``python -m benchmarks [--quick] [--rounds N] [--only WORD] [--output FILE]``: measures everyone.

A full run writes ``benchmarks/results.md`` and the plot of ``docs/performance.md``; any other only prints.

node-soap and PHP's SoapClient take part where they are: ``npm install --prefix benchmarks/peers``, and php with its
soap extension.

Every contender does every workload in a fresh process, against one server; the rounds are interleaved, so that what
else the machine does meets all of them alike. Read the ratios: they hold, times do not.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks.contenders import ASYNCHRONOUS, SYNCHRONOUS, WSDL
from benchmarks.plot import plot

HERE = Path(__file__).parent
Work = Callable[[], dict[str, float]]
"""Does something, and tells what it cost."""
Rounds = list[dict[str, float]]
"""What each round cost."""
NEEDS = {
    "suds": "suds",
    "aiohttp + lxml": "aiohttp",
    "httpx + lxml": "httpx",
    "httpx async + lxml": "httpx",
    "jzysoap async": "httptools",
    "jzysoap async servlet": "httptools",
    "zeep async": "httpx",
}
VERSIONS = (
    "jzysoap",
    "zeep",
    "suds-community",
    "requests",
    "urllib3",
    "httpx",
    "httpcore",
    "httptools",
    "aiohttp",
    "lxml",
)
FOREIGN_VERSIONS = {
    "Node.js": ("node", "-p", "process.versions.node"),
    "node-soap": ("node", "-p", "require('soap/package.json').version"),
    "PHP": ("php", "-r", "echo PHP_VERSION;"),
}
EVERYONE = (*SYNCHRONOUS, *ASYNCHRONOUS)
# The others hold two gigabytes, as zeep does.
LONGEST = ("jzysoap", "jzysoap servlet", "jzysoap async", "zeep")
THREADS = ("jzysoap", "jzysoap servlet", "zeep", "requests + lxml", "httpx + lxml", "urllib3 + lxml")
# httpx, which zeep uses, would take as long as all others together: it goes through all its connections at each call.
TASKS = ("jzysoap async", "jzysoap async servlet", "aiohttp + lxml", "asyncio streams + lxml")


@dataclass(frozen=True)
class Workload:
    """What is done: ``count`` times ``task`` through ``width`` threads or tasks, a poll giving ``records``."""

    name: str
    task: str
    count: int
    contenders: tuple[str, ...]
    width: int = 1
    records: int = 0


WORKLOADS = (
    Workload("one verification code", "send", 1000, EVERYONE),
    Workload("a send to 20,000 numbers", "send many", 20, EVERYONE),
    Workload("a balance query", "balance", 500, EVERYONE),
    Workload("a poll, 0 reports", "reports", 500, EVERYONE, records=0),
    Workload("a poll, 100 reports", "reports", 300, EVERYONE, records=100),
    Workload("a poll, 10,000 reports", "reports", 5, EVERYONE, records=10_000),
    Workload("a poll, 200,000 reports", "reports", 1, EVERYONE, records=200_000),
    Workload("a poll, 1,000,000 reports", "reports", 1, LONGEST, records=1_000_000),
    Workload("a poll, 100,000 replies", "replies", 1, EVERYONE, records=100_000),
    Workload("10,000 sends, 1 thread", "send", 10_000, THREADS),
    Workload("10,000 sends, 8 threads", "send", 10_000, THREADS, 8),
    Workload("10,000 sends, 32 threads", "send", 10_000, THREADS, 32),
    Workload("10,000 sends, 8 tasks", "send", 10_000, TASKS, 8),
    Workload("10,000 sends, 50 tasks", "send", 10_000, TASKS, 50),
    Workload("10,000 sends, 200 tasks", "send", 10_000, TASKS, 200),
)
QUICK = {"one verification code": 200, "a poll, 10,000 reports": 1, "a balance query": 100}

_CLIENT = "from jzysoap import Client; Client({url!r}, 'account', 'password', cache_dir={cache!r})"
_ZEEP = (
    "from zeep import Client; client = Client({wsdl!r}); "
    "service = client.create_service(next(iter(client.wsdl.bindings)), {url!r} + '/services/userApi'); "
    "service.getRestMoney('account', 'cGFzc3dvcmQ=')"
)
STARTS = {
    "import": {
        "jzysoap": "from jzysoap import Client",
        "requests, lxml.etree": "import requests, lxml.etree",
        "zeep": "import zeep",
    },
    "import, client and first call": {"jzysoap, saved bindings": _CLIENT + ".balance()", "zeep": _ZEEP},
}


@dataclass(frozen=True)
class Target:
    """A ratio that is not to be exceeded, of this library's cost to another's or to its own with other work."""

    what: str
    most: float
    ours: tuple[str, str]
    theirs: tuple[str, str]
    keys: tuple[str, ...] = ("user",)


_SEND = "one verification code"
_SIZES = "1,000 of all reports in a poll"
_FIRST = "import, client and first call"
TARGETS = (
    Target("a SOAP send: requests + lxml", 0.60, (_SEND, "jzysoap"), (_SEND, "requests + lxml")),
    Target("a SOAP send: zeep", 0.40, (_SEND, "jzysoap"), (_SEND, "zeep")),
    Target("a SOAP send: urllib3 + lxml", 1.5, (_SEND, "jzysoap"), (_SEND, "urllib3 + lxml")),
    *(
        Target(
            f"an asynchronous SOAP send, {tasks} at once{', wall' if key == 'wall' else ''}: aiohttp + lxml",
            most,
            (work, "jzysoap async"),
            (work, "aiohttp + lxml"),
            (key,),
        )
        for tasks, work in ((1, _SEND), *((tasks, f"10,000 sends, {tasks} tasks") for tasks in (8, 50, 200)))
        for key, most in (("user", 0.85), ("wall", 1.0))
    ),
    Target(
        "200,000 reports, asynchronous: aiohttp + lxml",
        0.60,
        ("a poll, 200,000 reports", "jzysoap async"),
        ("a poll, 200,000 reports", "aiohttp + lxml"),
    ),
    Target("a servlet send: requests", 0.60, (_SEND, "jzysoap servlet"), (_SEND, "requests servlet")),
    Target(
        "a poll of 100 reports: zeep + lxml", 0.55, ("a poll, 100 reports", "jzysoap"), ("a poll, 100 reports", "zeep")
    ),
    Target(
        "200,000 reports: zeep + lxml",
        0.70,
        ("a poll, 200,000 reports", "jzysoap"),
        ("a poll, 200,000 reports", "zeep"),
        ("user", "system"),
    ),
    Target(
        "200,000 reports, peak memory: zeep + lxml",
        0.30,
        ("a poll, 200,000 reports", "jzysoap"),
        ("a poll, 200,000 reports", "zeep"),
        ("memory",),
    ),
    Target(
        "1,000,000 reports, peak memory: of 200,000",
        5.2,
        ("a poll, 1,000,000 reports", "jzysoap"),
        ("a poll, 200,000 reports", "jzysoap"),
        ("memory",),
    ),
    Target("import: requests, lxml.etree", 1.25, ("import", "jzysoap"), ("import", "requests, lxml.etree")),
    Target("first call: zeep", 0.80, (_FIRST, "jzysoap, saved bindings"), (_FIRST, "zeep")),
)


def run(command: list[str]) -> tuple[dict[str, float], str]:
    """Runs a process to its end: what it cost, and what it printed.

    Raises:
        RuntimeError: it failed; the end of its complaint.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as complaint:
        began = datetime.now(UTC)
        # With byte code kept, as pip leaves it.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        process = subprocess.Popen(  # noqa: S603  # our own
            command, stdout=out, stderr=complaint, cwd=HERE.parent, env=environment
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = (datetime.now(UTC) - began).total_seconds()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        complaint.seek(0)
        if process.returncode:
            lines = complaint.read().decode("utf-8", "replace").strip().splitlines() or ["no word"]
            # Python's error is in the last line, Node.js's before its stack.
            told = [line.strip() for line in lines if re.match(r"\S*Error\b", line)] or lines
            raise RuntimeError(told[-1][:200])
        cost = {"user": used.ru_utime, "system": used.ru_stime, "wall": wall, "memory": used.ru_maxrss * 1024.0}
        return cost, out.read().decode()


def interleaved(rounds: int, works: Mapping[str, Work]) -> tuple[dict[str, Rounds], dict[str, str]]:
    """What each round of each work cost, and why some were left out."""
    came: dict[str, Rounds] = {name: [] for name in works}
    skipped: dict[str, str] = {}
    for _ in range(rounds):
        for name, work in works.items():
            if name not in skipped:
                try:
                    came[name].append(work())
                except RuntimeError as error:
                    skipped[name] = str(error)
    return {name: costs for name, costs in came.items() if name not in skipped}, skipped


def works_of(workload: Workload, url: str, count: int) -> dict[str, Work]:
    works: dict[str, Work] = {
        name: partial(measured, name, workload.task, f"{url}/{workload.records}", count, workload.width, count)
        for name in workload.contenders
    }
    if workload.name == "one verification code":
        works |= {name: foreign(name, f"{url}/0", count) for name in ("node-soap", "PHP SoapClient")}
    return works


def measured(name: str, task: str, url: str, count: int, width: int, share: float) -> dict[str, float]:
    """What a contender's work cost, in a fresh process: time of one part of so many, memory of all.

    Raises:
        RuntimeError: it failed, or what it needs is not installed.
    """
    if name in NEEDS and importlib.util.find_spec(NEEDS[name]) is None:
        raise RuntimeError(f"{NEEDS[name]} is not installed")
    command = [sys.executable, "-m", "benchmarks.worker", name, task, url, str(count), str(width)]
    cost: dict[str, float] = json.loads(run(command)[1])
    return {key: value if key == "memory" else value / share for key, value in cost.items()}


def sizes_of(url: str) -> dict[str, Work]:
    """The same poll with more and more reports, side by side: nothing else tells whether one costs as much in each."""
    return {
        f"{name}, {records:,}": partial(measured, name, "reports", f"{url}/{records}", count, 1, records * count / 1000)
        for name in ("jzysoap", "zeep")
        for records, count in ((1_000_000, 1), (200_000, 2), (10_000, 40))
    }


def foreign(name: str, url: str, count: int) -> Work:
    """Another language's client as a whole process, less the same process that sends nothing."""
    program, script = {"node-soap": ("node", "send.js"), "PHP SoapClient": ("php", "send.php")}[name]

    def measured() -> dict[str, float]:
        if shutil.which(program) is None:
            raise RuntimeError(f"there is no {program}")
        command = [program, str(HERE / "peers" / script), WSDL, url]
        idle, busy = (run([*command, str(times)])[0] for times in (0, count))
        return {key: (busy[key] - idle[key]) / (1 if key == "memory" else count) for key in busy}

    return measured


def spread(values: list[float], scale: float, digits: int) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle * scale:,.{digits}f} ({low * scale:,.{digits}f} to {high * scale:,.{digits}f})"


def ratio(ours: Rounds, theirs: Rounds, *keys: str) -> list[float]:
    """Round by round, ours against theirs."""
    pairs = (
        (sum(one[key] for key in keys), sum(other[key] for key in keys))
        for one, other in zip(ours, theirs, strict=False)
    )
    return [one / other for one, other in pairs if other > 0]


def targets(measured: Mapping[str, dict[str, Rounds]]) -> list[str]:
    """What was aimed at, and what came of it."""
    lines = ["## Targets", "", "| cost, against | at most | ratio | met |", "|---|---|---|---|"]
    for target in TARGETS:
        (work, name), (other_work, other) = target.ours, target.theirs
        ours, theirs = measured.get(work, {}).get(name), measured.get(other_work, {}).get(other)
        if not ours or not theirs:
            lines.append(f"| {target.what} | {target.most:g} | not measured | |")
            continue
        ratios = ratio(ours, theirs, *target.keys)
        met = "yes" if statistics.median(ratios) <= target.most else "no"
        if met == "no" and min(ratios) <= target.most:
            met = "within the spread"
        lines.append(f"| {target.what} | {target.most:g} | {spread(ratios, 1, 2)} | {met} |")
    return [*lines, ""]


def table(costs: dict[str, Rounds], base: str) -> list[str]:
    slow = statistics.median(one["user"] for one in costs[base]) > 0.05
    unit, scale = ("ms", 1e3) if slow else ("µs", 1e6)
    lines = [
        f"| | user, {unit} | system, {unit} | wall, {unit} | peak, MB | {base}: user | user + system | peak |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, rounds in costs.items():
        cells = [spread([one[key] for one in rounds], scale, 0) for key in ("user", "system", "wall")]
        cells.append(spread([one["memory"] for one in rounds], 1e-6, 1))
        for keys in (("user",), ("user", "system"), ("memory",)):
            ratios = ratio(costs[base], rounds, *keys) if name != base else []
            cells.append(spread(ratios, 1, 2) if ratios else "")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return [*lines, ""]


def about(rounds: int) -> list[str]:
    versions = []
    for name in VERSIONS:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions.append(f"{name} {importlib.metadata.version(name)}")
    for name, command in FOREIGN_VERSIONS.items():
        with suppress(OSError, subprocess.CalledProcessError):
            told = subprocess.run(command, cwd=HERE / "peers", check=True, capture_output=True, text=True)  # noqa: S603  # our own
            versions.append(f"{name} {told.stdout.strip()}")
    model = "unknown"
    with suppress(OSError, StopIteration):
        info = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in info if line.startswith("model name"))
    return [
        "# Results",
        "",
        "Made by `python -m benchmarks`; do not edit. Median, lowest and highest of the rounds; the ratios are of this",
        "library's cost to the other's, round by round. Peak memory is above what the process had before the work.",
        "",
        f"- command: `python -m benchmarks {' '.join(sys.argv[1:])}`".rstrip(" `") + "`",
        f"- {datetime.now(UTC):%Y-%m-%d}, {rounds} rounds",
        f"- {platform.system()} {platform.machine()}, {os.cpu_count()} × {model}",
        f"- {platform.python_implementation()} {platform.python_version()}; {', '.join(versions)}",
        "",
    ]


def start(code: str) -> dict[str, float]:
    return run([sys.executable, "-c", code])[0]


def starts(url: str, rounds: int, cache: str) -> dict[str, dict[str, Rounds]]:
    """What beginning costs; what is saved for later is saved before."""
    measured = {}
    for title, codes in STARTS.items():
        texts = {name: code.format(url=f"{url}/0", cache=cache, wsdl=WSDL) for name, code in codes.items()}
        works = {name: partial(start, code) for name, code in texts.items()}
        interleaved(1, works)
        measured[title], _ = interleaved(rounds, works)
    return measured


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few workloads, one round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="workloads whose name has this in it")
    parser.add_argument("--output", type=Path, help="in place of benchmarks/results.md")
    chosen = parser.parse_args()
    rounds = 1 if chosen.quick else chosen.rounds
    whole = not (chosen.quick or chosen.only)
    lines = about(rounds)
    came: dict[str, dict[str, Rounds]] = {}

    def say(part: list[str]) -> None:
        print("\n".join(part), flush=True)
        lines.extend(part)

    def show(name: str, skipped: Mapping[str, str]) -> None:
        costs = came[name]
        say([f"## {name[0].upper()}{name[1:]}", "", *(table(costs, next(iter(costs))) if costs else [])])
        say([*(f"Left out: {name}: {reason}." for name, reason in skipped.items()), *[""] * bool(skipped)])

    command = [sys.executable, "-m", "benchmarks.server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=HERE.parent) as server:  # noqa: S603  # our own
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        for workload in WORKLOADS:
            if chosen.only not in workload.name or (chosen.quick and workload.name not in QUICK):
                continue
            count = QUICK[workload.name] if chosen.quick else workload.count
            came[workload.name], skipped = interleaved(rounds, works_of(workload, url, count))
            show(workload.name, skipped)
        if whole:
            came[_SIZES], skipped = interleaved(rounds, sizes_of(url))
            show(_SIZES, skipped)
        if not chosen.only:
            with tempfile.TemporaryDirectory() as cache:
                begun = starts(url, 3 if chosen.quick else rounds * 4, cache)
            for title in begun:
                came[title] = begun[title]
                show(title, {})
        say(targets(came))
        server.communicate(b"")
    output = chosen.output or (HERE / "results.md" if whole else None)
    if output is not None:
        output.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    if whole:
        users = {name: statistics.median(one["user"] for one in costs) for name, costs in came[_SEND].items()}
        plot(users, HERE.parent / "docs" / "performance.svg")


if __name__ == "__main__":
    main()
