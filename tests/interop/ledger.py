"""The findings of a run, kept for the table."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import pytest


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts about a service or a foreign client.

    Attributes:
        title: the stack, as its makers call it.
        version: as it runs.
        soap: the versions of SOAP.
        style: such as ``document/literal``.
        arguments: the names of those of ``sendSms``.
        documents: how many the definition has.
    """

    title: str
    version: str
    soap: tuple[str, ...] = ()
    style: str = ""
    arguments: tuple[str, ...] = ()
    documents: int = 1


@dataclass
class Ledger:
    """Outcomes of a run, by what was tested (``axis2-1.6/six``) and by the test's name."""

    facts: dict[str, Facts] = field(default_factory=dict)
    outcomes: dict[str, dict[str, set[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))
    complete: bool = True

    def note(self, item: pytest.Item, report: pytest.TestReport) -> None:
        """Notes the outcome of a test."""
        awaited = hasattr(report, "wasxfail")
        if report.skipped and not awaited:
            self.complete = False
        values = getattr(item, "funcargs", {})
        subject = values.get("service") or values.get("foreign")
        if subject is not None and isinstance(item, pytest.Function):
            self.outcomes[subject.name][item.originalname].add("awaited" if awaited else report.outcome)


LEDGER = Ledger()
