"""The command ``jzysoap doctor``: print what works between an account and its gateway, and what to do otherwise."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from jzysoap.cli.arguments import Parser, add_account_options, columns
from jzysoap.cli.examine import examine
from jzysoap.cli.findings import STEPS, Finding, Status
from jzysoap.cli.output import paint, print_line, quiet
from jzysoap.cli.texts import translate

_COLOURS: dict[Status, int] = {"ok": 32, "warning": 33, "failed": 31, "skipped": 90}


def add_arguments(parser: Parser) -> None:
    """Add the arguments of ``jzysoap doctor``."""
    add_account_options(parser)
    parser.add_argument("--json", action="store_true", help=translate("doctor.json"))
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    findings = []
    # What the client would warn of is among the findings.
    with quiet():
        for finding in examine(options):
            findings.append(finding)
            if not options.json:
                _print(finding)
    failed = sum(finding.status == "failed" for finding in findings)
    if options.json:
        print_line(json.dumps({"ok": not failed, "steps": [asdict(finding) for finding in findings]}))
    else:
        print_line()
        print_line(translate("doctor.failures", count=failed) if failed else translate("doctor.fine"))
    return 1 if failed else 0


def _print(finding: Finding) -> None:
    status = translate(f"doctor.status-{finding.status}")
    step = translate(f"doctor.step-{finding.step}")
    first = max(columns(translate(f"doctor.status-{one}")) for one in _COLOURS) + 2
    second = max(columns(translate(f"doctor.step-{one}")) for one in STEPS) + 2
    gap = " " * (first - columns(status))
    print_line(
        f"{gap}{step}{' ' * (second - columns(step))}{finding.found}", start=paint(status, _COLOURS[finding.status])
    )
    if finding.advice:
        print_line(f"{' ' * (first + second)}-> {finding.advice}")
