"""The command ``jzysoap balance``: the messages left on each channel."""

from __future__ import annotations

import argparse

from jzysoap.cli.account import find_account
from jzysoap.cli.arguments import Parser, add_account_options, add_output_option
from jzysoap.cli.output import print_records
from jzysoap.cli.texts import translate
from jzysoap.client.sync import Client

CHANNELS = ("member", "gateway", "card")
"""The channels, as attributes of a ``Balance``."""


def add_arguments(parser: Parser) -> None:
    """Add the arguments of ``jzysoap balance``."""
    add_account_options(parser)
    add_output_option(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    arguments, _ = find_account(options).authenticate()
    with Client(**arguments) as client:
        balance = client.balance()
    rows = [(channel, getattr(balance, channel)) for channel in CHANNELS]
    table = [(translate("account.channel"), translate("account.messages"))]
    table += [
        (translate(f"account.{channel}"), translate("general.unknown") if left is None else str(left))
        for channel, left in rows
    ]
    print_records(("channel", "messages"), rows, options.output, table)
    return 0
