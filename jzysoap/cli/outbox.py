"""The command ``jzysoap outbox``: what a mailbox knows, and what a person decides. It needs no account."""

from __future__ import annotations

import argparse
import getpass
from datetime import datetime
from typing import Any

from jzysoap.cli.arguments import Parser, add_command, add_output_option
from jzysoap.cli.extras import need_mailbox
from jzysoap.cli.output import print_line, print_records
from jzysoap.cli.texts import translate
from jzysoap.model.errors import ConfigurationError
from jzysoap.model.masking import mask_number
from jzysoap.model.sent import Outcome

_OUTCOMES = {"accepted": Outcome.ACCEPTED, "not-sent": Outcome.NOT_SENT}
_LIMIT = 100_000


def add_arguments(parser: Parser) -> None:
    """Add the arguments of ``jzysoap outbox``."""
    actions = parser.add_actions("action", translate("general.actions"))
    add_output_option(_add(actions, "counts", _counts))
    show = _add(actions, "show", _show)
    show.add_argument("message", metavar="MESSAGE", help=translate("outbox.message-id"))
    add_output_option(show)
    add_output_option(_add(actions, "unknown", _unknown))
    export = _add(actions, "export", _export)
    export.add_argument("--show-numbers", action="store_true", help=translate("outbox.show-numbers"))
    add_output_option(export)
    resolve = _add(actions, "resolve", _resolve)
    resolve.add_argument("batch", type=int, metavar="BATCH", help=translate("outbox.batch-id"))
    resolve.add_argument("outcome", choices=list(_OUTCOMES), help=translate("outbox.outcome"))
    resolve.add_argument("--reason", required=True, metavar="TEXT", help=translate("outbox.reason"))
    resend = _add(actions, "resend", _resend)
    resend.add_argument("batch", type=int, metavar="BATCH", help=translate("outbox.batch-id"))
    resend.add_argument("--force", action="store_true", help=translate("outbox.force"))
    cancel = _add(actions, "cancel", _cancel)
    cancel.add_argument("message", metavar="MESSAGE", help=translate("outbox.message-id"))
    _add(actions, "hold", _hold)
    _add(actions, "release", _release)
    for one in (resolve, resend, cancel):
        one.add_argument("--by", metavar="NAME", help=translate("outbox.by"))


def _add(actions: Any, name: str, run: Any) -> Parser:
    parser = add_command(actions, name, translate(f"outbox.{name}"))
    parser.add_argument("--mailbox", metavar="URL", help=translate("outbox.mailbox"))
    parser.set_defaults(run=run)
    return parser


def _open(options: argparse.Namespace) -> Any:
    return need_mailbox().Mailbox(None, options.mailbox)


def _counts(options: argparse.Namespace) -> int:
    with _open(options) as box:
        rows = [(state, count.number, round(count.oldest)) for state, count in sorted(box.counts().items())]
    _print(("state", "number", "oldest"), rows, options.output)
    return 0


def _show(options: argparse.Namespace) -> int:
    with _open(options) as box:
        message = _find(box, options.message)
        history = box.history(message.id)
    rows = [
        (batch.id, str(batch.state), len(batch.mobiles), _time(batch.started_at), batch.error)
        for batch in message.batches
    ]
    _print(("batch", "state", "numbers", "started", "error"), rows, options.output)
    if options.output == "table" and history:
        print_line()
        changes = [
            (_time(one.at), one.batch_id, str(one.before), str(one.after), one.by, one.reason) for one in history
        ]
        _print(("at", "batch", "before", "after", "who", "why"), changes, "table")
    return 0


def _unknown(options: argparse.Namespace) -> int:
    with _open(options) as box:
        batches = box.unknown(_LIMIT)
    rows = [(batch.id, batch.message_id, len(batch.mobiles), _time(batch.started_at), batch.error) for batch in batches]
    _print(("batch", "message", "numbers", "started", "error"), rows, options.output)
    return 0


def _export(options: argparse.Namespace) -> int:
    show = str if options.show_numbers else mask_number
    with _open(options) as box:
        batches = box.unknown(_LIMIT)
    rows = [(batch.id, show(mobile), _time(batch.started_at)) for batch in batches for mobile in batch.mobiles]
    _print(("batch", "number", "started"), rows, options.output)
    return 0


def _resolve(options: argparse.Namespace) -> int:
    with _open(options) as box:
        batch = box.resolve(options.batch, _OUTCOMES[options.outcome], by=_who(options), reason=options.reason)
    print_line(translate("outbox.done", batch=batch.id, state=batch.state))
    return 0


def _resend(options: argparse.Namespace) -> int:
    with _open(options) as box:
        batch = box.resend(options.batch, by=_who(options), force=options.force)
    print_line(translate("outbox.done", batch=batch.id, state=batch.state))
    return 0


def _cancel(options: argparse.Namespace) -> int:
    with _open(options) as box:
        message = box.cancel(_find(box, options.message).id, by=_who(options))
    print_line(translate("outbox.canceled", message=message.id, state=message.state))
    return 0


def _hold(options: argparse.Namespace) -> int:
    with _open(options) as box:
        box.hold()
    print_line(translate("outbox.held"))
    return 0


def _release(options: argparse.Namespace) -> int:
    with _open(options) as box:
        box.release()
    print_line(translate("outbox.released"))
    return 0


def _find(box: Any, name: str) -> Any:
    """Return the message with a number or a key."""
    found = box.find(name)
    if found is not None:
        return found
    if not name.isdigit():
        raise ConfigurationError(translate("outbox.no-message", name=name))
    return box.message(int(name))


def _who(options: argparse.Namespace) -> str:
    return options.by or getpass.getuser()


def _time(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


def _print(fields: tuple[str, ...], rows: list[Any], form: str) -> None:
    heads = tuple(translate(f"outbox.{name}") for name in fields)
    table = [heads, *(tuple("" if value is None else str(value) for value in row) for row in rows)]
    print_records(fields, rows, form, table)
