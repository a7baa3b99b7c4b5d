"""The command ``jzysoap sandbox``: the gateway and its inbox in the foreground, for programs and a browser to share."""

from __future__ import annotations

import os
import shlex
from argparse import Namespace
from pathlib import Path
from typing import NoReturn

from jzysoap.cli.arguments import Parser
from jzysoap.cli.output import print_line
from jzysoap.cli.texts import translate
from jzysoap.model.errors import ConfigurationError
from jzysoap.model.sent import count_of
from jzysoap.sandbox import Delivery, Event, FaultHappened, Gateway, Message, Refusal, Sandbox

TOKEN = "JZYSOAP_SANDBOX_TOKEN"  # noqa: S105  # the name of a variable
PASSWORD = "JZYSOAP_SANDBOX_PASSWORD"  # noqa: S105  # the name of a variable
DEFAULT_PASSWORD = "secret1"  # noqa: S105  # no secret: it is in the documentation

# Seconds of one wait for the next line of the log.
_WAIT = 3600.0


def add_arguments(parser: Parser) -> None:
    """Add the arguments of ``jzysoap sandbox``."""
    parser.description = f"{parser.description} {translate('sandbox.variables')}"
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help=translate("sandbox.host"))
    parser.add_argument("--port", type=int, default=9003, metavar="N", help=translate("sandbox.port"))
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help=translate("sandbox.allow-host")
    )
    parser.add_argument("--token-file", metavar="FILE", help=translate("sandbox.token-file"))
    parser.add_argument("--account", action="append", metavar="NAME", help=translate("sandbox.account"))
    parser.add_argument("--balance", type=int, default=1000, metavar="N", help=translate("sandbox.balance"))
    parser.add_argument(
        "--report-delay", type=float, default=0.0, metavar="SECONDS", help=translate("sandbox.report-delay")
    )
    parser.add_argument("--soap-batch-ids", action="store_true", help=translate("sandbox.soap-batch-ids"))
    parser.add_argument("--max-messages", type=int, default=1000, metavar="N", help=translate("sandbox.max-messages"))
    parser.add_argument("--db", metavar="FILE", help=translate("sandbox.db"))
    parser.set_defaults(run=serve)


def serve(options: Namespace) -> NoReturn:
    """Run the sandbox until a signal ends it.

    Args:
        options: the arguments of the command.

    Raises:
        KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP ended it.
        JzySoapError: an argument cannot be used.
        OSError: the sandbox cannot listen, or stdout cannot be written to.
    """
    password = os.environ.get(PASSWORD) or DEFAULT_PASSWORD
    accounts = options.account or ["test"]
    gateway = Gateway(delivery=Delivery(delay=options.report_delay), max_messages=options.max_messages, path=options.db)
    try:
        for account in accounts:
            gateway.add_account(account, password, options.balance)
        sandbox = Sandbox(
            gateway=gateway,
            host=options.host,
            port=options.port,
            allow_hosts=options.allow_host,
            token=_read_token(options.token_file),
            soap_batch_ids=options.soap_batch_ids,
        )
        with sandbox:
            _print_settings(sandbox, accounts[0])
            _print_events(gateway)
    finally:
        gateway.close()


def _read_token(path: str | None) -> str | None:
    if path is None:
        return os.environ.get(TOKEN) or None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(f"--token-file: {path} cannot be read ({type(error).__name__})") from error


def _print_settings(sandbox: Sandbox, username: str) -> None:
    print_line(f"gateway  {sandbox.url}")
    print_line(f"inbox    {sandbox.inbox_url}")
    print_line()
    print_line("# for the application:")
    settings = {"BASE_URL": sandbox.url, "USERNAME": username, "CACHE_DIR": "off"}
    if not os.environ.get(PASSWORD):
        settings["PASSWORD"] = DEFAULT_PASSWORD
    for name, value in settings.items():
        print_line(f"export JZYSOAP_{name}={shlex.quote(value)}")
    if "PASSWORD" not in settings:
        print_line(f"# and JZYSOAP_PASSWORD, the value of {PASSWORD}")
    print_line()


def _print_events(gateway: Gateway) -> NoReturn:
    """Print a line for each message, refusal and fault, without numbers, texts and passwords."""
    seq = 0
    while True:
        gateway.events.wait(seq, lambda event: event, _WAIT)
        for event in gateway.events.since(seq):
            seq = event.seq
            line = _describe(event)
            if line is not None:
                print_line(f"{event.at:%H:%M:%S} {line}")


def _describe(event: Event) -> str | None:
    record = event.record
    if isinstance(record, Message):
        numbers, segments = count_of(len(record.mobiles), "number"), count_of(record.segments, "segment")
        return f"accepted {record.batch_id}: {record.username} over {record.via}, {numbers}, {segments}"
    if isinstance(record, Refusal):
        return f"refused  {record.operation}: {record.words}"
    if isinstance(record, FaultHappened):
        return f"fault    {record.operation or 'any request'}: {record.what}"
    return None
