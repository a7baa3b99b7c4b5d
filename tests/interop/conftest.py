"""Servers of other stacks, one at a time, and what is found out about each."""

from __future__ import annotations

import functools
from collections.abc import Generator, Iterator, Sequence

import pytest

from tests.interop import stacks
from tests.interop.ledger import LEDGER

SERVICES = [
    pytest.param((stack, path), id=f"{stack.name}/{path}") for stack in stacks.STACKS for path in stack.services
]


@pytest.fixture(scope="session")
def complaints() -> functools.partial[str]:
    """Builds what is in Java, at the first call."""
    return functools.partial(functools.lru_cache(stacks.build))


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, complaints: functools.partial[str]) -> Iterator[stacks.Running]:
    folder = tmp_path_factory.mktemp("interop")
    running = stacks.Running(folder.joinpath, complaints)
    yield running
    running.close()


@pytest.fixture(scope="session", params=SERVICES)
def service(request: pytest.FixtureRequest, running: stacks.Running) -> stacks.Service:
    """Each service of each stack."""
    stack, path = request.param
    return stacks.Service(running.get(stack), path)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    if any(item.get_closest_marker("interop") for item in items):
        LEDGER.complete = False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" or not report.passed:
        LEDGER.note(item, report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if LEDGER.facts:
        terminalreporter.section("stacks")
    for name, facts in LEDGER.facts.items():
        terminalreporter.line(f"{name}: {facts.title} {facts.version}")
