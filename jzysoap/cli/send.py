"""The command ``jzysoap send``: one text, or one for each row of a file, to any number of recipients.

A send is a job of a mailbox (``jobs``): killed and resumed, it repeats nothing that was or may have been sent. All
input is read and checked before the first batch, and read again while it is sent.
"""

from __future__ import annotations

import argparse
import contextlib
import glob
import hashlib
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jzysoap.calls.operations import compose
from jzysoap.cli.account import Account, find_account
from jzysoap.cli.arguments import Parser, add_account_options, add_output_option
from jzysoap.cli.extras import need_mailbox
from jzysoap.cli.inputerror import InputError
from jzysoap.cli.output import Value, discard, print_line, print_message, print_records, quiet
from jzysoap.cli.places import state_directory
from jzysoap.cli.progress import show_progress
from jzysoap.cli.questions import confirm
from jzysoap.cli.results import Results
from jzysoap.cli.signals import noting
from jzysoap.cli.sources import STDIN, Numbers, open_file, read_text
from jzysoap.cli.survey import Campaign, Survey, survey
from jzysoap.cli.templates import parse_template
from jzysoap.cli.texts import translate
from jzysoap.client.preview import preview
from jzysoap.client.sync import Client
from jzysoap.model.errors import ConfigurationError
from jzysoap.model.masking import mask_number
from jzysoap.model.sent import JzySoapError
from jzysoap.model.values import Channel

if TYPE_CHECKING:
    from jzysoap.cli.inputs import Rows
    from jzysoap.cli.jobs import Job, Piece

ASK_ABOVE = 100
"""Recipients above which a person is asked before anything is sent."""

STATES = ("accepted", "rejected", "not sent", "unknown", "invalid", "repeated")
"""The states that a number of the input may end in. Each number has exactly one of them."""

_ERROR, _INCOMPLETE, _UNKNOWN, _NOTHING = 1, 3, 4, 5
_CHANNELS = {channel.name.lower(): channel for channel in Channel}


def add_arguments(parser: Parser) -> None:
    """Add the arguments of ``jzysoap send``."""
    add_account_options(parser)
    add_output_option(parser)
    parser.add_argument("numbers", nargs="*", metavar="NUMBER", help=translate("send.numbers"))
    parser.add_argument("--from", dest="file", metavar="FILE", help=translate("send.from"))
    parser.add_argument("--column", metavar="NAME", help=translate("send.column"))
    parser.add_argument("--sheet", metavar="NAME", help=translate("send.sheet"))
    text = parser.add_mutually_exclusive_group(required=True)
    text.add_argument("--text", metavar="TEXT", help=translate("send.text"))
    text.add_argument("--text-file", metavar="FILE", help=translate("send.text-file"))
    parser.add_argument("--template", action="store_true", help=translate("send.template"))
    parser.add_argument("--allow-values", action="store_true", help=translate("send.allow-values"))
    parser.add_argument("--channel", choices=list(_CHANNELS), help=translate("send.channel"))
    parser.add_argument("--extension", metavar="DIGITS", help=translate("send.extension"))
    parser.add_argument("--signature", metavar="NAME", help=translate("send.signature"))
    parser.add_argument("--long", action=argparse.BooleanOptionalAction, help=translate("send.long"))
    parser.add_argument("--max-segments", type=int, metavar="N", help=translate("send.max-segments"))
    parser.add_argument("--dry-run", action="store_true", help=translate("send.dry-run"))
    parser.add_argument("--yes", action="store_true", help=translate("send.yes", number=ASK_ABOVE))
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help=translate("send.resume"))
    again.add_argument("--new", action="store_true", help=translate("send.new"))
    parser.add_argument("--mailbox", metavar="URL", help=translate("send.mailbox"))
    parser.add_argument("--results", metavar="FILE", help=translate("send.results"))
    parser.add_argument("--show-numbers", action="store_true", help=translate("send.show-numbers"))
    parser.set_defaults(run=partial(_run, parser))


def _run(parser: Parser, options: argparse.Namespace) -> int:
    _check_usage(parser, options)
    text = read_text(options.text_file) if options.text_file else options.text
    account = find_account(options)
    with contextlib.ExitStack() as opened:
        opened.enter_context(quiet())
        rows: Rows | Numbers = Numbers(options.numbers)
        if options.file:
            rows = opened.enter_context(open_file(options.file, column=options.column, sheet=options.sheet))
        send = _Send(options, account, rows, text)
        found = survey(send.campaign)
        invalid = "send.invalid-row" if options.file else "send.invalid-number"
        for row, reason in found.problems:
            print_message(translate(invalid, row=row, reason=reason))
        if found.invalid > len(found.problems):
            print_message(translate("send.more-invalid", number=found.invalid - len(found.problems)))
        if options.dry_run:
            return send.preview(found)
        return send.carry_out(found)


def _check_usage(parser: Parser, options: argparse.Namespace) -> None:
    """Refuse arguments that do not go together; exits with 2."""
    if bool(options.numbers) == bool(options.file):
        parser.error(translate("send.which-numbers"))
    for name in ("column", "sheet", "template"):
        if getattr(options, name) and not options.file:
            parser.error(translate("send.needs-file", name=f"--{name}"))
    if options.max_segments is not None and options.max_segments < 1:
        parser.error(translate("send.whole", name="--max-segments"))
    if options.file == STDIN and options.password_fd == 0:
        parser.error(translate("send.stdin-twice"))
    if options.file and options.results and os.path.realpath(options.file) == os.path.realpath(options.results):
        parser.error(translate("send.same-file"))


class _Send:
    """One run of the command.

    Args:
        options: the arguments of the command.
        account: the account.
        rows: the recipients.
        text: the text or the template.
    """

    def __init__(self, options: argparse.Namespace, account: Account, rows: Rows | Numbers, text: str) -> None:
        config = account.config
        self._options = options
        self._account = account
        self._most = options.max_segments or config.max_segments
        self._message = {
            "channel": None if options.channel is None else _CHANNELS[options.channel],
            "extension": options.extension,
            "signature": options.signature,
            "long": options.long,
        }
        template = parse_template(text) if options.template else None
        if template is not None:
            template.check_columns(rows.header)
        elif any(f"{{{name}}}" in text for name in rows.header if name):
            # A thousand people would read "{name}".
            raise InputError(translate("send.looks-like-template"))
        self.campaign = Campaign(
            config,
            rows,
            text if template is None else template,
            self._message,
            max_segments=self._most,
            allow_values=options.allow_values,
        )
        # The arguments of the call, with the defaults of the account; the text is only a stand-in.
        call = compose(config, "-", **self._message).arguments
        self._channel = Channel(int(call["smstype"]))
        same = [rows.digest, rows.place, rows.sheet, text, options.template, config.base_url, config.username, call]
        self._name = hashlib.sha256(json.dumps(same).encode()).hexdigest()

    def preview(self, found: Survey) -> int:
        """Print what would be sent, and what it would cost; return the exit status."""
        options, status = self._options, _INCOMPLETE if found.invalid else 0
        request, balance = None, None
        if options.results:
            with Results(options.results, show_numbers=options.show_numbers) as results:
                for piece in self._pieces(results):
                    for recipient in piece.recipients:
                        results.add(recipient, recipient.state, None)
        try:
            with Client(**self._arguments()) as client:
                if found.valid:
                    request = self._first_request(client, found)
                balance = client.balance()[self._channel]
        except JzySoapError as error:
            print_message(str(error))
            status = _ERROR
        if balance is not None and balance < found.cost:
            print_message(translate("send.too-little", balance=balance, cost=found.cost))
            status = _ERROR
        segments = f"{found.fewest}-{found.most}" if found.fewest < found.most else str(found.most)
        fields = ("valid", "repeated", "invalid", "segments", "cost", "balance")
        row: list[Value] = [found.valid, found.repeated, found.invalid, segments, found.cost, balance]
        heads = ("valid", "repeated", "invalid", "segments-each", "cost", "balance")
        table = [
            (translate(f"send.{head}"), translate("general.unknown") if value is None else str(value))
            for head, value in zip(heads, row, strict=True)
        ]
        print_records((*fields, "request"), [(*row, request)], options.output, table)
        if options.output == "table" and request is not None:
            print_line()
            for line in request.split("\n"):
                print_line(line)
        return status

    def carry_out(self, found: Survey) -> int:
        """Send, and print what became of the numbers; return the exit status."""
        options = self._options
        if not found.valid:
            self._print_sums(Counter(), found)
            return _NOTHING
        most = self._account.config.max_recipients
        if most is not None and found.valid > most:
            raise ConfigurationError(translate("send.max-recipients", number=found.valid, most=most))
        mailbox = need_mailbox()
        from jzysoap.cli.jobs import ATTEMPTS, BATCH_SIZE, Job

        # Until the first batch, an error means that nothing was sent.
        options.failure = _NOTHING
        url, own = self._find_mailbox()
        with contextlib.ExitStack() as opened:
            client = opened.enter_context(Client(**self._arguments()))
            client.prepare()
            box = opened.enter_context(mailbox.Mailbox(client, url, batch_size=BATCH_SIZE, attempts=ATTEMPTS))
            job = Job(box, self._name[:32], self._message)
            # Looking into a mailbox makes its file.
            begun = own is None or own.exists()
            self._choose_run(job, begun)
            if own is not None and not begun:
                self._tell_others(own)
            if found.valid > ASK_ABOVE and not options.yes and not options.resume:
                self._confirm(found)
            if own is not None:
                print_message(translate("send.job", path=own))
            results = opened.enter_context(Results(options.results, show_numbers=options.show_numbers))
            advance = opened.enter_context(show_progress(found.valid))
            came = opened.enter_context(noting())
            options.failure = _ERROR
            try:
                counts = self._send(job, results, came, advance)
            except InputError as error:
                # "Start again" would be wrong now: another file is another job, and would be sent to all.
                raise InputError(translate("send.input-lost", error=error)) from error
        return self._finish(job, counts, found, came)

    def _send(self, job: Job, results: Results, came: list[int], advance: Callable[[int], None]) -> Counter[str]:
        counts: Counter[str] = Counter()
        for fate in job.carry_out(self._pieces(results), lambda: bool(came)):
            counts[fate.state] += len(fate.piece.recipients)
            for recipient in fate.piece.recipients:
                results.add(recipient, fate.state, fate.reason)
            advance(counts.total())
        return counts

    def _pieces(self, results: Results) -> Iterator[Piece]:
        """Read the input again, and yield the batches."""
        from jzysoap.cli.jobs import BATCH_SIZE, Piece

        campaign, piece = self.campaign, None
        for recipient in campaign.recipients():
            if recipient.state != "valid":
                reason = recipient.reason or translate("send.repeats", row=recipient.first)
                results.add(recipient, recipient.state, reason)
                continue
            if piece is None:
                piece = Piece(campaign.text_of(recipient.row))
            piece.recipients.append(recipient)
            if campaign.is_personal or len(piece.recipients) == BATCH_SIZE:
                yield piece
                piece = None
        if piece is not None:
            yield piece

    def _choose_run(self, job: Job, may_exist: bool) -> None:
        """Choose the run of the job that the arguments want.

        Raises:
            ConfigurationError: there is none, or one that the arguments do not speak of.
        """
        options = self._options
        if may_exist:
            job.choose_last()
        exists = may_exist and job.exists
        if options.resume and not exists:
            raise ConfigurationError(translate("send.nothing-to-resume"))
        if exists and options.new:
            job.run += 1
        elif exists and not options.resume:
            raise ConfigurationError(translate("send.exists"))

    @staticmethod
    def _tell_others(own: Path) -> None:
        """Say that there are jobs of another text, or of the same file before it was changed."""
        pattern = f"{glob.escape(own.name.rsplit('.', 2)[0])}.*.job"
        others = [path.name for path in sorted(own.parent.glob(pattern))]
        if others:
            print_message(translate("send.others", names=", ".join(others)))

    def _find_mailbox(self) -> tuple[Any, Path | None]:
        """Return the database of the job, and its file if it is the job's own."""
        url = self._options.mailbox or os.environ.get("JZYSOAP_MAILBOX")
        if url:
            return url, None
        from sqlalchemy import URL

        if self._options.file in (None, STDIN):
            path = state_directory() / f"send-{self._name[:16]}.job"
        else:
            path = Path(f"{self._options.file}.{self._name[:8]}.job")
        # A path may have characters that mean something in the text of a URL.
        return URL.create("sqlite", database=str(path)), path

    def _confirm(self, found: Survey) -> None:
        number, text = found.first
        print_message(translate("send.first", number=mask_number(number), text=text))
        where = self._account.config
        question = translate(
            "send.question", numbers=found.valid, cost=found.cost, username=where.username, address=where.base_url
        )
        confirm(question, translate("send.not-sent-now"))

    def _finish(self, job: Job, counts: Counter[str], found: Survey, came: list[int]) -> int:
        try:
            if job.problem is not None:
                print_message(translate("send.ended", problem=job.problem))
            self._print_sums(counts, found)
            if counts["not sent"]:
                print_message(translate("send.to-resume"))
        except OSError:
            # After SIGHUP there may be no terminal any more.
            if getattr(signal, "SIGHUP", None) not in came:
                raise
            discard(sys.stdout)
            discard(sys.stderr)
        if came:
            return 128 + came[0]
        if counts["unknown"]:
            return _UNKNOWN
        if not counts["accepted"] and not counts["rejected"]:
            return _NOTHING
        if counts["not sent"]:
            return _ERROR
        return _INCOMPLETE if counts["rejected"] or found.invalid else 0

    def _print_sums(self, counts: Counter[str], found: Survey) -> None:
        values = {**counts, "invalid": found.invalid, "repeated": found.repeated}
        rows = [values.get(state, 0) for state in STATES]
        fields = tuple(state.replace(" ", "_") for state in STATES)
        heads = (translate(f"send.{state.replace(' ', '-')}") for state in STATES)
        table = [(head, str(number)) for head, number in zip(heads, rows, strict=True)]
        print_records(fields, [rows], self._options.output, table)

    def _arguments(self) -> dict[str, Any]:
        arguments, _ = self._account.authenticate()
        return {**arguments, "max_segments": self._most}

    def _first_request(self, client: Client, found: Survey) -> str:
        """Return the request of the first batch."""
        first = next(self._pieces(Results(None)))
        return preview(client, [one.number for one in first.recipients], found.first[1], **self._message)
