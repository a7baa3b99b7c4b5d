"""``python -m benchmarks [--quick] [--rounds N] [--only WORD] [--output FILE]``: measures everyone, writes a table.

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
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.contenders import ASYNCHRONOUS, SYNCHRONOUS, WSDL

HERE = Path(__file__).parent
NEEDS = {
    "suds": "suds",
    "aiohttp + lxml": "aiohttp",
    "httpx + lxml": "httpx",
    "httpx async + lxml": "httpx",
    "jzysoap async": "httpx",
    "jzysoap async servlet": "httpx",
    "zeep async": "httpx",
}
VERSIONS = ("jzysoap", "zeep", "suds-community", "requests", "urllib3", "httpx", "httpcore", "aiohttp", "lxml")
POLLERS = ("jzysoap", "jzysoap servlet", "zeep", "requests + lxml", "urllib3 + lxml")
SENDERS = (*SYNCHRONOUS, *ASYNCHRONOUS)


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
    Workload("one verification code", "send", 1000, SENDERS),
    Workload("a send to 20,000 numbers", "send many", 20, POLLERS),
    Workload("a balance query", "balance", 500, SENDERS),
    Workload("a poll, 0 reports", "reports", 500, POLLERS, records=0),
    Workload("a poll, 100 reports", "reports", 300, POLLERS, records=100),
    Workload("a poll, 10,000 reports", "reports", 5, POLLERS, records=10_000),
    Workload("a poll, 200,000 reports", "reports", 1, POLLERS, records=200_000),
    Workload("a poll, 1,000,000 reports", "reports", 1, ("jzysoap", "jzysoap servlet"), records=1_000_000),
    Workload("a poll, 100,000 replies", "replies", 1, POLLERS, records=100_000),
    Workload("10,000 sends, 1 thread", "send", 10_000, ("jzysoap", "zeep", "requests + lxml")),
    Workload("10,000 sends, 8 threads", "send", 10_000, ("jzysoap", "zeep", "requests + lxml"), 8),
    Workload("10,000 sends, 32 threads", "send", 10_000, ("jzysoap", "zeep", "requests + lxml"), 32),
    Workload("10,000 sends, 200 tasks", "send", 10_000, tuple(ASYNCHRONOUS), 200),
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


def run(command: list[str]) -> tuple[dict[str, float], str]:
    """Runs a process to its end: what it cost, and what it printed.

    Raises:
        RuntimeError: it failed; the end of its complaint.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as complaint:
        began = datetime.now(timezone.utc)
        process = subprocess.Popen(command, stdout=out, stderr=complaint, cwd=HERE.parent)  # noqa: S603  # our own
        _, status, used = os.wait4(process.pid, 0)
        wall = (datetime.now(timezone.utc) - began).total_seconds()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        complaint.seek(0)
        if process.returncode:
            lines = complaint.read().decode("utf-8", "replace").strip().splitlines() or ["no word"]
            raise RuntimeError(lines[-1][:200])
        cost = {"user": used.ru_utime, "system": used.ru_stime, "wall": wall, "memory": used.ru_maxrss * 1024.0}
        return cost, out.read().decode()


def interleaved(
    rounds: int, works: Mapping[str, Callable[[], dict[str, float]]]
) -> tuple[dict[str, Any], dict[str, str]]:
    """What each round of each work cost, and why some were left out."""
    came: dict[str, list[dict[str, float]]] = {name: [] for name in works}
    skipped: dict[str, str] = {}
    for _ in range(rounds):
        for name, work in works.items():
            if name not in skipped:
                try:
                    came[name].append(work())
                except RuntimeError as error:
                    skipped[name] = str(error)
    return {name: costs for name, costs in came.items() if name not in skipped}, skipped


def works_of(workload: Workload, url: str, count: int) -> dict[str, Callable[[], dict[str, float]]]:
    def work(name: str) -> Callable[[], dict[str, float]]:
        arguments = [name, workload.task, f"{url}/{workload.records}", str(count), str(workload.width)]

        def measured() -> dict[str, float]:
            if name in NEEDS and importlib.util.find_spec(NEEDS[name]) is None:
                raise RuntimeError(f"{NEEDS[name]} is not installed")
            cost: dict[str, float] = json.loads(run([sys.executable, "-m", "benchmarks.worker", *arguments])[1])
            return {key: value if key == "memory" else value / count for key, value in cost.items()}

        return measured

    works = {name: work(name) for name in workload.contenders}
    if workload.name == "one verification code":
        works |= {name: foreign(name, f"{url}/0", count) for name in ("node-soap", "PHP SoapClient")}
    return works


def foreign(name: str, url: str, count: int) -> Callable[[], dict[str, float]]:
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


def ratio(ours: list[dict[str, float]], theirs: list[dict[str, float]], *keys: str) -> list[float]:
    """Round by round, ours against theirs."""
    pairs = (
        (sum(one[key] for key in keys), sum(other[key] for key in keys))
        for one, other in zip(ours, theirs, strict=False)
    )
    return [one / other for one, other in pairs if other > 0]


def table(costs: dict[str, list[dict[str, float]]], base: str) -> list[str]:
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
        f"- {datetime.now(timezone.utc):%Y-%m-%d}, {rounds} rounds",
        f"- {platform.system()} {platform.machine()}, {os.cpu_count()} × {model}",
        f"- {platform.python_implementation()} {platform.python_version()}; {', '.join(versions)}",
        "",
    ]


def start(code: str) -> dict[str, float]:
    return run([sys.executable, "-c", code])[0]


def starts(url: str, rounds: int, cache: str) -> list[str]:
    lines = []
    # The first one saves the definition and its bindings for the others.
    run(
        [
            sys.executable,
            "-c",
            STARTS["import, client and first call"]["jzysoap, saved bindings"].format(url=f"{url}/0", cache=cache),
        ]
    )
    for title, codes in STARTS.items():
        texts = {name: code.format(url=f"{url}/0", cache=cache, wsdl=WSDL) for name, code in codes.items()}
        works = {name: partial(start, code) for name, code in texts.items()}
        costs, _ = interleaved(rounds, works)
        lines += [f"## Fresh process: {title}", "", *table(costs, next(iter(codes)))]
    return lines


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few workloads, one round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="workloads whose name has this in it")
    parser.add_argument("--output", type=Path, default=HERE / "results.md")
    chosen = parser.parse_args()
    rounds = 1 if chosen.quick else chosen.rounds
    lines = about(rounds)
    command = [sys.executable, "-m", "benchmarks.server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=HERE.parent) as server:  # noqa: S603  # our own
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        for workload in WORKLOADS:
            if chosen.only not in workload.name or (chosen.quick and workload.name not in QUICK):
                continue
            count = QUICK[workload.name] if chosen.quick else workload.count
            costs, skipped = interleaved(rounds, works_of(workload, url, count))
            base = workload.contenders[0]
            part = [f"## {workload.name[0].upper()}{workload.name[1:]}", "", *table(costs, base)]
            part += [f"Left out: {name}: {reason}." for name, reason in skipped.items()] + [""] * bool(skipped)
            print("\n".join(part), flush=True)
            lines += part
        if not chosen.only:
            with tempfile.TemporaryDirectory() as cache:
                part = starts(url, 3 if chosen.quick else rounds * 2, cache)
            print("\n".join(part), flush=True)
            lines += part
        server.communicate(b"")
    chosen.output.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
