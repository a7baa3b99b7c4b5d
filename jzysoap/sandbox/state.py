"""The state of the sandbox's gateway: accounts, balances, accepted messages, and the queues that polls consume.

Nothing here knows HTTP or SOAP. Tests may call the gateway too, from any thread.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from jzysoap.model.masking import Secret
from jzysoap.model.operations import InterfaceName
from jzysoap.model.values import Channel, DeliveryReport, DeliveryStatus, Reply
from jzysoap.sandbox.accounts import Accounts, Balances, all_channels
from jzysoap.sandbox.book import Book, vendor_time
from jzysoap.sandbox.delivery import Delivery
from jzysoap.sandbox.events import EventKind, EventLog
from jzysoap.sandbox.faults import Fault
from jzysoap.sandbox.fields import field_error
from jzysoap.sandbox.followup import Status, plan_replies, plan_reports, queue_reply
from jzysoap.sandbox.messages import Kept, Message, Messages, RefusedError, count_segments
from jzysoap.sandbox.queues import Queued
from jzysoap.sandbox.rules import Rules
from jzysoap.settings.checks import MAX_BATCH

FIRST_BATCH_ID = 337017332

MAX_MESSAGES = 1000
"""The number of messages that are kept unless told otherwise."""

_NUMBER = re.compile(r"\+?[0-9]{5,20}")


class Gateway:
    """The state of a gateway. All methods are safe in threads.

    Args:
        status: the status that the reports of a message will have: see ``Status``.
        delivery: how the reports of a message come back: late, twice, out of order, with another batch id. It may be
            replaced at any time, for the messages sent from then on.
        consuming: True if a poll removes the records that it returns.
        max_records: the largest number of records in one poll; None for all.
        balance_interval: seconds between two balance queries that are not refused; 0 for no limit.
        clock: returns the time; a naive time is interpreted as the vendor's local time.
        max_messages: the number of messages that are kept; older ones are forgotten. Of the records that these caused
            and that no poll returned, ten times as many go on waiting.
        path: a file that keeps messages, queues, balances and rules over a restart; None for none. Passwords are not
            kept. One gateway at a time can use it.

    Raises:
        ConfigurationError: the file cannot be used.
    """

    def __init__(
        self,
        *,
        status: Status = DeliveryStatus.DELIVERED,
        delivery: Delivery = Delivery(),  # noqa: B008  # frozen
        consuming: bool = True,
        max_records: int | None = None,
        balance_interval: float = 0.0,
        clock: Callable[[], datetime] | None = None,
        max_messages: int = MAX_MESSAGES,
        path: str | None = None,
    ) -> None:
        self.status = status
        self.delivery = delivery
        self.consuming = consuming
        self.max_records = max_records
        self.balance_interval = balance_interval
        self._book = Book(clock, max_messages, path)
        kept = self._book.messages
        self._next_batch_id = max((int(one.message.batch_id) + 1 for one in kept), default=FIRST_BATCH_ID)

    def __repr__(self) -> str:
        return f"<Gateway {len(self._book.accounts)} accounts, {len(self._book.messages)} messages>"

    @property
    def lock(self) -> AbstractContextManager[object]:
        """The lock of the gateway: held while several values are read that must belong together."""
        return self._book.lock

    @property
    def events(self) -> EventLog:
        """The last events, to wait for."""
        return self._book.events

    @property
    def rules(self) -> Rules:
        """The rules in force. After a change call ``rules_changed``."""
        return self._book.rules

    @property
    def messages(self) -> Messages:
        """The messages that are kept, with the records that each caused; look while holding ``lock``."""
        return self._book.messages

    @property
    def accounts(self) -> Accounts:
        """The accounts; look while holding ``lock``."""
        return self._book.accounts

    @property
    def sent(self) -> tuple[Message, ...]:
        """The accepted messages that are kept, in order."""
        with self.lock:
            return tuple(kept.message for kept in self._book.messages)

    def close(self) -> None:
        """Close the file that keeps the state, if there is one. The gateway must not be used afterwards."""
        with self.lock:
            self._book.close()

    def add_account(self, username: str, password: str, balance: int | Balances = 1000) -> None:
        """Open an account. One that is in the file has its messages left and its records from there.

        Args:
            username: the name of the account.
            password: its password, in the clear.
            balance: messages on each channel; or on the channels named, and 0 on the others.

        Raises:
            ConfigurationError: there is an account of that name already, or the name or the password is empty.
        """
        with self.lock:
            self._book.open_account(username, password, balance)

    def balances(self, username: str) -> dict[Channel, int]:
        """Return the messages left on each channel. A test needs no password, and may ask at any time.

        Raises:
            UnknownAccountError: there is no such account.
        """
        with self.lock:
            return dict(self._book.accounts.find(username).balance)

    def set_balance(self, username: str, balance: int | Balances) -> None:
        """Replace the messages left, as in ``add_account``.

        Raises:
            UnknownAccountError: there is no such account.
        """
        with self.lock:
            self._book.enter(self._book.accounts.find(username), balance=all_channels(balance))

    def send(
        self,
        username: str,
        password: bytes,
        *,
        channel: int,
        mobiles: Iterable[str],
        text: str,
        long: bool,
        extension: str,
        via: InterfaceName,
        exchange: int | None = None,
    ) -> Message:
        """Accept a message: charge it, keep it, queue its delivery reports and what rules reply to it.

        Args:
            username: the account.
            password: the bytes of the password, in UTF-8 or GB18030.
            channel: the channel, which is charged; a number that is not a ``Channel`` is refused.
            mobiles: the recipients.
            text: the text of the message.
            long: True if the message is marked as long; kept, without effect.
            extension: the extension number; kept, without effect.
            via: the interface that the send came through; kept, without effect.
            exchange: the number of the exchange that the send came in; kept, without effect.

        Returns:
            The accepted message.

        Raises:
            RefusedError: the message was refused; nothing was charged or queued.
        """
        numbers = tuple(mobiles)
        with self.lock:
            account = self._book.accounts.authenticate(username, password)
            if not numbers:
                raise RefusedError("手机号码不能为空")
            if len(numbers) > MAX_BATCH:
                raise RefusedError(f"手机号码超过{MAX_BATCH}个")
            if not all(map(_NUMBER.fullmatch, numbers)):
                raise RefusedError("手机号码格式错误")
            if not text:
                raise RefusedError("短信内容不能为空")
            try:
                route, segments = Channel(channel), count_segments(text)
            except ValueError:
                raise RefusedError("短信类型错误") from None
            left = account.balance[route] - segments * len(numbers)
            if left < 0:
                raise RefusedError("余额不足")
            now = self._book.now()
            message = Message(
                username,
                route,
                numbers,
                text,
                long,
                extension,
                str(self._next_batch_id),
                via,
                now,
                segments,
                self._book.events.last + 1,
                exchange,
            )
            kept = Kept(
                message,
                plan_reports(message, self.status, self.delivery, self._book.rules),
                plan_replies(message, self._book.rules),
            )
            # Entered last: everything above may fail, and a refused message changes nothing.
            balance = account.balance | {route: left}
            self._book.enter(account, sent=kept, balance=balance, reports=kept.reports, replies=kept.replies)
            self._next_batch_id += 1
            return message

    def check_password(self, username: str, password: bytes) -> None:
        """Refuse wrong credentials, and do nothing else.

        Raises:
            RefusedError: there is no such account, or it has another password.
        """
        with self.lock:
            self._book.accounts.authenticate(username, password)

    def ask_balance(self, username: str, password: bytes) -> dict[Channel, int]:
        """Answer a client's balance query: return the messages left on each channel.

        Raises:
            RefusedError: the credentials are wrong, or the query comes too soon after another one.
        """
        with self.lock:
            account = self._book.accounts.authenticate(username, password)
            now, before = self._book.now(), account.balance_asked_at
            if before is not None and (now - before).total_seconds() < self.balance_interval:
                raise RefusedError("查询过于频繁")
            account.balance_asked_at = now
            return dict(account.balance)

    def poll_reports(self, username: str, password: bytes) -> list[DeliveryReport]:
        """Answer a client's poll: return the delivery reports, the oldest first.

        Raises:
            RefusedError: the credentials are wrong.
        """
        with self.lock:
            account = self._book.accounts.authenticate(username, password)
            return self._book.poll(
                account, account.reports, "report consumed", self.max_records, consuming=self.consuming
            )

    def poll_replies(self, username: str, password: bytes) -> list[Reply]:
        """Answer a client's poll: return the replies, the oldest first.

        Raises:
            RefusedError: the credentials are wrong.
        """
        with self.lock:
            account = self._book.accounts.authenticate(username, password)
            return self._book.poll(
                account, account.replies, "reply consumed", self.max_records, consuming=self.consuming
            )

    def change_password(self, username: str, password: bytes, new: str) -> None:
        """Change the password of an account (docs/protocol.md#change-of-password).

        Raises:
            UnknownAccountError: there is no such account.
            RefusedError: the old password is wrong, or the new one is not made of ASCII letters and digits.
        """
        with self.lock:
            self._book.accounts.find(username)
            account = self._book.accounts.authenticate(username, password)
            if not (new.isascii() and new.isalnum()):
                raise RefusedError("新密码必须为英文和数字")
            account.password = Secret(new)

    def inject_reply(
        self, mobile: str, text: str, *, username: str | None = None, when: datetime | None = None
    ) -> Reply:
        """Queue a reply, which is a message from a subscriber.

        Args:
            mobile: the subscriber's number.
            text: the text of the reply.
            username: the account that it is for; may be omitted if there is only one.
            when: the time of receipt; None for now.

        Returns:
            The reply.

        Raises:
            UnknownAccountError: there is no such account, or none is named and there are several.
        """
        with self.lock:
            account = self._book.accounts.find(username)
            now = self._book.now()
            received_at = now if when is None else vendor_time(when)
            entry = queue_reply(account.username, mobile, text, received_at, due=now)
            self._book.enter(account, replies=[entry])
            return entry.record

    def inject_report(
        self,
        mobile: str,
        status: DeliveryStatus,
        *,
        batch_id: str,
        username: str | None = None,
        when: datetime | None = None,
    ) -> DeliveryReport:
        """Queue a delivery report, besides those that sends queue; the arguments are those of ``inject_reply``.

        Returns:
            The report.

        Raises:
            UnknownAccountError: there is no such account, or none is named and there are several.
        """
        with self.lock:
            account = self._book.accounts.find(username)
            now = self._book.now()
            sent_at = now if when is None else vendor_time(when)
            # Whatever time it names, it is there now.
            entry = Queued(DeliveryReport(mobile, account.username, batch_id, status, sent_at), now)
            self._book.enter(account, reports=[entry])
            return entry.record

    def report(
        self, batch_id: str, status: DeliveryStatus | None, *, mobile: str | None = None, delay: float = 0.0
    ) -> tuple[DeliveryReport, ...]:
        """Decide about the delivery reports of a message: new ones take the place of those that no poll returned yet.

        Args:
            batch_id: the batch id of the message.
            status: the status that is reported; None for no reports.
            mobile: the number that is reported on; None for all numbers of the message.
            delay: seconds from now until polls return the reports.

        Returns:
            The new reports.

        Raises:
            FieldError: no such message is kept, or it did not go to that number.
            UnknownAccountError: the account of the message is not open.
        """
        with self.lock:
            kept = self._book.messages.find(batch_id)
            if kept is None:
                raise field_error("message", "must be the batch id of a message that is kept")
            numbers = set(kept.message.mobiles if mobile is None else (mobile,))
            if not numbers <= set(kept.message.mobiles):
                raise field_error("to", "must be a number that the message was sent to")
            account = self._book.accounts.find(kept.message.username)
            withdrawn = [entry for entry in kept.reports if entry.waits and entry.record.mobile in numbers]
            added = []
            if status is not None:
                now = self._book.now()
                due = now + timedelta(seconds=delay)
                reports = [DeliveryReport(one, account.username, batch_id, status, now) for one in sorted(numbers)]
                added = [Queued(report, due, batch_id) for report in reports]
            self._book.enter(account, reports=added, withdrawn=withdrawn)
            kept.reports = [entry for entry in kept.reports if not entry.withdrawn] + added
            return tuple(entry.record for entry in added)

    def reset(self) -> None:
        """Forget messages, rules and what waits to be polled, and give each account the balances it was opened with.

        The passwords, ``status`` and ``delivery`` stay, and batch ids go on.
        """
        with self.lock:
            self._book.reset()

    def take_fault(self, operation: str | None, mobiles: Sequence[str], text: str) -> Fault | None:
        """Return the fault that a rule has for a call, and count the rule as applied; None without such a rule.

        Args:
            operation: the operation; None if the request could not be read.
            mobiles: the recipients of a send.
            text: the text of a send.
        """
        found = self._book.rules.take("fault", mobiles, text, operation)
        return found[0][0].as_fault() if found else None

    def rules_changed(self) -> None:
        """Keep the rules over a restart, and note that they changed."""
        with self.lock:
            self._book.rules_changed()

    def note(self, kind: EventKind, username: str = "", record: object = None) -> None:
        """Add an event."""
        with self.lock:
            self._book.note(kind, username, record)
