"""The command ``jzysoap worker``: the mailbox's loop in the foreground, for systemd and containers."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from datetime import timedelta

from jzysoap.cli.account import find_account
from jzysoap.cli.arguments import Parser, add_account_options, check_interval
from jzysoap.cli.extras import need_mailbox
from jzysoap.cli.signals import noting
from jzysoap.cli.texts import translate
from jzysoap.client.sync import Client


def add_arguments(parser: Parser) -> None:
    """Add the arguments of ``jzysoap worker``."""
    add_account_options(parser)
    parser.add_argument("--mailbox", metavar="URL", help=translate("worker.mailbox"))
    parser.add_argument("--interval", type=float, default=10.0, metavar="SECONDS", help=translate("worker.interval"))
    parser.add_argument("--retention", type=int, metavar="DAYS", help=translate("worker.retention"))
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    check_interval(options.interval)
    mailbox = need_mailbox()
    arguments, _ = find_account(options).authenticate()
    retention = None if options.retention is None else timedelta(days=options.retention)
    _log_to_stderr()
    with Client(**arguments) as client, noting() as came:
        with mailbox.Mailbox(client, options.mailbox, retention=retention) as box:
            box.run(lambda: bool(came), interval=options.interval)
    # Told to end is how a service ends; another signal is reported as a shell does.
    return 0 if came[0] == signal.SIGTERM else 128 + came[0]


def _log_to_stderr() -> None:
    """Print one line an event. No event holds a number, a text or a password."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    logger = logging.getLogger("jzysoap.mailbox")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.info(translate("worker.begins"))
