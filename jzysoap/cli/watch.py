"""The commands ``jzysoap reports`` and ``jzysoap replies``: poll, and show what came.

A poll takes records away from everybody else, so both go through a mailbox: a record is stored before it is shown, and
is shown again if it could not be printed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from jzysoap.cli.account import find_account
from jzysoap.cli.arguments import Parser, add_account_options, add_output_option, check_interval
from jzysoap.cli.extras import need_mailbox
from jzysoap.cli.output import Value, print_message, print_records
from jzysoap.cli.places import state_directory
from jzysoap.cli.questions import confirm
from jzysoap.cli.texts import translate
from jzysoap.client.sync import Client
from jzysoap.model.errors import RateLimitedError
from jzysoap.model.masking import mask_number

_LONGEST_PAUSE = 600.0


def add_arguments(parser: Parser) -> None:
    """Add the arguments of ``jzysoap reports`` or ``jzysoap replies``."""
    add_account_options(parser)
    add_output_option(parser)
    parser.add_argument("--mailbox", metavar="URL", help=translate("watch.mailbox"))
    parser.add_argument("--follow", action="store_true", help=translate("watch.follow"))
    parser.add_argument("--interval", type=float, default=10.0, metavar="SECONDS", help=translate("watch.interval"))
    parser.add_argument("--show-numbers", action="store_true", help=translate("watch.show-numbers"))
    parser.add_argument("--yes", action="store_true", help=translate("watch.yes"))
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    check_interval(options.interval)
    mailbox = need_mailbox()
    arguments, _ = find_account(options).authenticate()
    url = options.mailbox or os.environ.get("JZYSOAP_MAILBOX") or _own_mailbox(arguments)
    with Client(**arguments) as client, mailbox.Mailbox(client, url) as box:
        if not box.has_polled and not options.yes:
            print_message(translate("watch.consumes"))
            confirm(translate("watch.continue"), translate("watch.not-polled"))
        _watch(box, options)
    return 0


def _watch(box: Any, options: argparse.Namespace) -> None:
    """Poll and print, once or until interrupted."""
    pause, shown = options.interval, False
    while True:
        try:
            box.collect()
            pause = options.interval
        except RateLimitedError:
            if not options.follow:
                raise
            # The gateway wants to be asked less often.
            pause = min(pause * 2, _LONGEST_PAUSE)
        reports = options.command == "reports"
        with box.reports() if reports else box.replies() as records:
            found = list(records)
            if found or not (shown or options.follow):
                # Printed before they are acknowledged: what nobody could read comes again.
                (_print_reports if reports else _print_replies)(found, options, heading=not shown)
                shown = True
        if not options.follow:
            return
        time.sleep(pause)


def _print_reports(records: Sequence[Any], options: argparse.Namespace, *, heading: bool) -> None:
    rows: list[Sequence[Value]] = [
        (
            _time(one.report.sent_at),
            one.report.mobile if options.show_numbers else mask_number(one.report.mobile),
            one.report.status.name.lower(),
            one.report.batch_id,
            one.key,
        )
        for one in records
    ]
    _print(("time", "number", "status", "batch", "key"), rows, options.output, heading=heading)


def _print_replies(records: Sequence[Any], options: argparse.Namespace, *, heading: bool) -> None:
    rows: list[Sequence[Value]] = [
        (
            _time(one.reply.received_at),
            one.reply.mobile if options.show_numbers else mask_number(one.reply.mobile),
            one.reply.text,
        )
        for one in records
    ]
    _print(("time", "number", "text"), rows, options.output, heading=heading)


def _print(fields: tuple[str, ...], rows: list[Sequence[Value]], form: str, *, heading: bool) -> None:
    table = [tuple(translate(f"watch.{name}") for name in fields)] if heading else []
    table += [tuple("" if value is None else str(value) for value in row) for row in rows]
    print_records(fields, rows, form, table, heading=heading)


def _time(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


def _own_mailbox(arguments: dict[str, Any]) -> str:
    """Return the mailbox of an account that has none: a file in the user's state directory."""
    account = f"{arguments['base_url']} {arguments['username']}"
    return f"sqlite:///{state_directory() / hashlib.sha256(account.encode()).hexdigest()[:16]}.db"
