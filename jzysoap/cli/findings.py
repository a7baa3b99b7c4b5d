"""The findings of ``jzysoap doctor``: one a step, with what to do if something is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from jzysoap.cli.texts import translate

Status = Literal["ok", "warning", "failed", "skipped"]
"""A warning is about something that works, and that should be changed nevertheless."""

STEPS = (
    *("account", "password", "encryption", "proxy", "name", "port", "tls"),
    *("definition", "clock", "credentials", "balance", "encoding"),
)
"""The steps, in their order."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The finding of a step.

    Attributes:
        step: one of ``STEPS``.
        status: how it went.
        found: what was found; nothing secret.
        advice: what to do; empty if there is nothing to do.
    """

    step: str
    status: Status
    found: str
    advice: str = ""


def find(step: str, status: Status, found: str, advice: str = "", **values: object) -> Finding:
    """Return a finding; ``advice`` names the text of its advice, with its values."""
    return Finding(step, status, found, translate(f"doctor.do-{advice}", **values) if advice else "")


def skip(steps: Iterable[str], why: str) -> Iterator[Finding]:
    """Yield a finding for each step that was not tried; ``why`` names the reason."""
    for step in steps:
        yield Finding(step, "skipped", translate(f"doctor.{why}"))
