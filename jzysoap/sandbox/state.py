"""The state of the sandbox's gateway: accounts, balances, accepted messages, and the queues that polls consume.

Nothing here knows HTTP or SOAP. Tests may call the gateway too, from any thread.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from jzysoap.model.errors import ConfigurationError
from jzysoap.model.masking import Secret
from jzysoap.model.operations import InterfaceName
from jzysoap.model.values import CHINA, Channel, DeliveryReport, DeliveryStatus, Reply
from jzysoap.sandbox.delivery import Delivery, ReportQueue
from jzysoap.settings.checks import MAX_BATCH

FIRST_BATCH_ID = 337017332

Status = DeliveryStatus | Mapping[str, DeliveryStatus | None] | Callable[[str], DeliveryStatus | None]
"""The status that the reports will have: the same for all numbers, by number (others are delivered), or returned by a
function for each number. None means that nothing is reported."""

# UTF-16 units in a single message, and in each part of a long one. Written again, not imported from the client: tests
# against the sandbox check the client's count.
_SINGLE, _PART = 70, 67
_NUMBER = re.compile(r"\+?[0-9]{5,20}")


class RefusedError(Exception):
    """A refusal of the gateway; its text is the words after ``failure;``."""


class UnknownAccountError(RefusedError):
    """A refusal, since there is no account of that name."""


@dataclass(frozen=True, slots=True)
class Message:
    """A send that was accepted.

    Attributes:
        username: the account.
        channel: the channel.
        mobiles: the recipients, as received.
        text: the text of the message.
        long: True if the message was marked as long.
        extension: the extension number, often empty.
        batch_id: the batch id, which its delivery reports have too.
        via: the interface that the send came through.
        sent_at: the time, by the gateway's clock.
        segments: how many messages each recipient costs.
    """

    username: str
    channel: Channel
    mobiles: tuple[str, ...]
    text: str
    long: bool
    extension: str
    batch_id: str
    via: InterfaceName
    sent_at: datetime
    segments: int

    def __repr__(self) -> str:
        return (
            f"<Message {self.batch_id} via {self.via}: {len(self.text)} characters to {len(self.mobiles)} numbers on "
            f"{self.channel.name}>"
        )


@dataclass(slots=True)
class _Account:
    username: str
    password: Secret
    balance: dict[Channel, int]
    reports: ReportQueue = field(default_factory=ReportQueue)
    replies: deque[Reply] = field(default_factory=deque)
    balance_asked_at: datetime | None = None


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
    ) -> None:
        self.status = status
        self.delivery = delivery
        self.consuming = consuming
        self.max_records = max_records
        self.balance_interval = balance_interval
        self._clock = clock or (lambda: datetime.now(CHINA))
        # Reentrant, since a function given as status may call the gateway.
        self._lock = threading.RLock()
        self._accounts: dict[str, _Account] = {}
        self._sent: list[Message] = []
        self._next_batch_id = FIRST_BATCH_ID

    def __repr__(self) -> str:
        return f"<Gateway {len(self._accounts)} accounts, {len(self._sent)} messages>"

    def add_account(self, username: str, password: str, balance: int | Mapping[Channel, int] = 1000) -> None:
        """Open an account.

        Args:
            username: the name of the account.
            password: its password, in the clear.
            balance: messages on each channel; or on the channels named, and 0 on the others.

        Raises:
            ConfigurationError: there is an account of that name already, or the name or the password is empty.
        """
        if not username or not password:
            raise ConfigurationError("an account of the sandbox needs a username and a password")
        with self._lock:
            if username in self._accounts:
                raise ConfigurationError("the sandbox has an account of that username already")
            self._accounts[username] = _Account(username, Secret(password), _balances(balance))

    @property
    def sent(self) -> tuple[Message, ...]:
        """The accepted messages, in order."""
        with self._lock:
            return tuple(self._sent)

    def balances(self, username: str) -> dict[Channel, int]:
        """Return the messages left on each channel. A test needs no password, and may ask at any time.

        Raises:
            UnknownAccountError: there is no such account.
        """
        with self._lock:
            return dict(self._account(username).balance)

    def set_balance(self, username: str, balance: int | Mapping[Channel, int]) -> None:
        """Replace the messages left, as in ``add_account``.

        Raises:
            UnknownAccountError: there is no such account.
        """
        with self._lock:
            self._account(username).balance = _balances(balance)

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
    ) -> Message:
        """Accept a message: charge it, keep it, queue its delivery reports.

        Args:
            username: the account.
            password: the bytes of the password, in UTF-8 or GB18030.
            channel: the channel, which is charged; a number that is not a ``Channel`` is refused.
            mobiles: the recipients.
            text: the text of the message.
            long: True if the message is marked as long; kept, without effect.
            extension: the extension number; kept, without effect.
            via: the interface that the send came through; kept, without effect.

        Returns:
            The accepted message.

        Raises:
            RefusedError: the message was refused; nothing was charged or queued.
        """
        numbers = tuple(mobiles)
        with self._lock:
            account = self._authenticated(username, password)
            if not numbers:
                raise RefusedError("手机号码不能为空")
            if len(numbers) > MAX_BATCH:
                raise RefusedError(f"手机号码超过{MAX_BATCH}个")
            if not all(map(_NUMBER.fullmatch, numbers)):
                raise RefusedError("手机号码格式错误")
            if not text:
                raise RefusedError("短信内容不能为空")
            try:
                route, segments = Channel(channel), _segments(text)
            except ValueError:
                raise RefusedError("短信类型错误") from None
            if account.balance[route] < segments * len(numbers):
                raise RefusedError("余额不足")
            now = self._now()
            batch_id = str(self._next_batch_id)
            message = Message(username, route, numbers, text, long, extension, batch_id, via, now, segments)
            reports = [
                DeliveryReport(number, username, batch_id, status, now)
                for number in numbers
                if (status := self._status(number)) is not None
            ]
            # Changed last: everything above may fail, and a refused message changes nothing.
            account.balance[route] -= segments * len(numbers)
            self._next_batch_id += 1
            self._sent.append(message)
            for due, report in self.delivery.plan(reports, now, batch_id):
                account.reports.add(due, report)
            return message

    def check_password(self, username: str, password: bytes) -> None:
        """Refuse wrong credentials, and do nothing else.

        Raises:
            RefusedError: there is no such account, or it has another password.
        """
        with self._lock:
            self._authenticated(username, password)

    def ask_balance(self, username: str, password: bytes) -> dict[Channel, int]:
        """Answer a client's balance query: return the messages left on each channel.

        Raises:
            RefusedError: the credentials are wrong, or the query comes too soon after another one.
        """
        with self._lock:
            account = self._authenticated(username, password)
            now, before = self._now(), account.balance_asked_at
            if before is not None and (now - before).total_seconds() < self.balance_interval:
                raise RefusedError("查询过于频繁")
            account.balance_asked_at = now
            return dict(account.balance)

    def poll_reports(self, username: str, password: bytes) -> list[DeliveryReport]:
        """Answer a client's poll: return the delivery reports, the oldest first.

        Raises:
            RefusedError: the credentials are wrong.
        """
        with self._lock:
            reports = self._authenticated(username, password).reports
            return reports.poll(self._now(), self.max_records, consuming=self.consuming)

    def poll_replies(self, username: str, password: bytes) -> list[Reply]:
        """Answer a client's poll: return the replies, the oldest first.

        Raises:
            RefusedError: the credentials are wrong.
        """
        with self._lock:
            replies = self._authenticated(username, password).replies
            count = len(replies) if self.max_records is None else min(self.max_records, len(replies))
            if self.consuming:
                return [replies.popleft() for _ in range(count)]
            return list(replies)[:count]

    def change_password(self, username: str, password: bytes, new: str) -> None:
        """Change the password of an account (docs/protocol.md#change-of-password).

        Raises:
            UnknownAccountError: there is no such account.
            RefusedError: the old password is wrong, or the new one is not made of ASCII letters and digits.
        """
        with self._lock:
            self._account(username)
            account = self._authenticated(username, password)
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
        with self._lock:
            account = self._addressed(username)
            received_at = self._now() if when is None else _vendor_time(when)
            reply = Reply(mobile, account.username, text, text.encode("gb18030"), received_at)
            account.replies.append(reply)
            return reply

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
        with self._lock:
            account = self._addressed(username)
            sent_at = self._now() if when is None else _vendor_time(when)
            report = DeliveryReport(mobile, account.username, batch_id, status, sent_at)
            # Whatever time it names, it is there now.
            account.reports.add(self._now(), report)
            return report

    def _now(self) -> datetime:
        return _vendor_time(self._clock())

    def _status(self, number: str) -> DeliveryStatus | None:
        if isinstance(self.status, Mapping):
            return self.status.get(number, DeliveryStatus.DELIVERED)
        return self.status(number) if callable(self.status) else self.status

    def _account(self, username: str) -> _Account:
        try:
            return self._accounts[username]
        except KeyError:
            raise UnknownAccountError("用户不存在") from None

    def _addressed(self, username: str | None) -> _Account:
        if username is None and len(self._accounts) == 1:
            return next(iter(self._accounts.values()))
        return self._account(username or "")

    def _authenticated(self, username: str, password: bytes) -> _Account:
        account = self._accounts.get(username)
        # The charset of a password is not documented, so both are right (docs/protocol.md#what-is-not-known).
        if account is None or password not in {account.password.encode(), account.password.encode("gb18030")}:
            raise RefusedError("用户名或密码错误")
        return account


def _balances(balance: int | Mapping[Channel, int]) -> dict[Channel, int]:
    if isinstance(balance, Mapping):
        return {channel: balance.get(channel, 0) for channel in Channel}
    return dict.fromkeys(Channel, balance)


def _segments(text: str) -> int:
    units = len(text.encode("utf-16-le")) // 2
    return 1 if units <= _SINGLE else -(-units // _PART)


def _vendor_time(when: datetime) -> datetime:
    return when.replace(tzinfo=CHINA) if when.tzinfo is None else when.astimezone(CHINA)
