"""The command ``jzysoap sandbox``: the gateway and its inbox in the foreground, for programs and a browser to share."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from jzysoap.cli.output import print_line
from jzysoap.model.errors import ConfigurationError
from jzysoap.model.sent import count_of
from jzysoap.sandbox import Delivery, Event, FaultHappened, Gateway, Message, Refusal, Sandbox

TOKEN = "JZYSOAP_SANDBOX_TOKEN"  # noqa: S105  # the name of a variable
PASSWORD = "JZYSOAP_SANDBOX_PASSWORD"  # noqa: S105  # the name of a variable
DEFAULT_PASSWORD = "secret1"  # noqa: S105  # no secret: it is in the documentation

# Seconds of one wait for the next line of the log.
_WAIT = 3600.0


def serve(options: Namespace) -> NoReturn:
    """Run the sandbox until a signal ends it.

    Args:
        options: the arguments of the command.

    Raises:
        SystemExit: SIGTERM or SIGHUP ended it; the status is 128 and the number of the signal.
        KeyboardInterrupt: Ctrl-C ended it.
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
        with _end_on_signals(), sandbox:
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


@contextmanager
def _end_on_signals() -> Iterator[None]:
    """Have SIGTERM and SIGHUP end the block, as Ctrl-C does."""

    def end(number: int, _: object) -> None:
        sys.exit(128 + number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
