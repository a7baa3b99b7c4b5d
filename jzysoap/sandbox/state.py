"""The state of the sandbox's gateway: accounts, balances, what was sent, and the queues that polls consume.

No protocol is in it: whoever spells requests and answers calls it, and so may a test, from any thread.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TypeVar

from jzysoap.model.errors import ConfigurationError
from jzysoap.model.masking import Secret
from jzysoap.model.operations import InterfaceName
from jzysoap.model.values import Channel, DeliveryReport, DeliveryStatus, Reply
from jzysoap.settings.checks import MAX_BATCH

T = TypeVar("T")

VENDOR_TIME = timezone(timedelta(hours=8))
"""The gateway's local time."""

FIRST_BATCH_ID = 337017332

Status = DeliveryStatus | Mapping[str, DeliveryStatus | None] | Callable[[str], DeliveryStatus | None]
"""What becomes of a message to a number: the same for all, by number (others are delivered), or asked each time.
None means that nothing is reported."""

# How many UTF-16 units fit. Not the client's own count: it is part of what the sandbox checks.
_SINGLE, _PART = 70, 67
_NUMBER = re.compile(r"\+?[0-9]{5,20}")


class RefusedError(Exception):
    """The gateway refuses; the text is what it says after ``failure;``."""


class UnknownAccountError(RefusedError):
    """There is no account of that name."""


@dataclass(frozen=True, slots=True)
class Message:
    """A send that was accepted.

    Attributes:
        username: the account.
        channel: the route it took.
        mobiles: the recipients, as received.
        text: what was written to them.
        long: whether it was marked as long.
        extension: the extension number, often empty.
        batch_id: the id that its delivery reports carry.
        via: the interface it came through.
        sent_at: when, by the gateway's clock.
        segments: how many messages each recipient cost.
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
    reports: deque[DeliveryReport] = field(default_factory=deque)
    replies: deque[Reply] = field(default_factory=deque)
    balance_asked_at: datetime | None = None


class Gateway:
    """Everything that a gateway remembers. All methods are safe in threads.

    Args:
        status: what becomes of a message, see ``Status``.
        consuming: whether a poll removes what it returns.
        max_records: how many records one poll returns at most; None for all.
        balance_interval: seconds that must lie between two questions for the balance; 0 for no limit.
        clock: gives the time; a naive one is taken as the vendor's local time.
    """

    def __init__(
        self,
        *,
        status: Status = DeliveryStatus.DELIVERED,
        consuming: bool = True,
        max_records: int | None = None,
        balance_interval: float = 0.0,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.status = status
        self.consuming = consuming
        self.max_records = max_records
        self.balance_interval = balance_interval
        self._clock = clock or (lambda: datetime.now(VENDOR_TIME))
        # Reentrant, since a callable status may ask the gateway something.
        self._lock = threading.RLock()
        self._accounts: dict[str, _Account] = {}
        self._sent: list[Message] = []
        self._next_batch_id = FIRST_BATCH_ID

    def __repr__(self) -> str:
        return f"<Gateway {len(self._accounts)} accounts, {len(self._sent)} messages>"

    def add_account(self, username: str, password: str, balance: int | Mapping[Channel, int] = 1000) -> None:
        """Open an account.

        Args:
            username: its name.
            password: its password, in the clear.
            balance: messages on each channel, or on the channels named, 0 on the others.

        Raises:
            ConfigurationError: the name is taken, or the name or the password is empty.
        """
        if not username or not password:
            raise ConfigurationError("an account of the sandbox needs a username and a password")
        with self._lock:
            if username in self._accounts:
                raise ConfigurationError("the sandbox has an account of that username already")
            self._accounts[username] = _Account(username, Secret(password), _balances(balance))

    @property
    def sent(self) -> tuple[Message, ...]:
        """What was accepted, in order."""
        with self._lock:
            return tuple(self._sent)

    def balances(self, username: str) -> dict[Channel, int]:
        """Messages left on each channel; for tests: no password, no interval.

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
        """Accept a message: charge it, remember it, queue its delivery reports.

        Args:
            username: the account.
            password: the password's bytes, in UTF-8 or GB18030.
            channel: the route, which is charged; any number that is no ``Channel`` is refused.
            mobiles: the recipients.
            text: what to write to them.
            long: whether it is marked as long; kept, nothing else.
            extension: the extension number; kept, nothing else.
            via: the interface it came through; kept, nothing else.

        Returns:
            What was accepted.

        Raises:
            RefusedError: nothing was charged or queued.
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
            # Only now, when nothing can fail any more.
            account.balance[route] -= segments * len(numbers)
            self._next_batch_id += 1
            self._sent.append(message)
            account.reports.extend(reports)
            return message

    def check_password(self, username: str, password: bytes) -> None:
        """Refuse wrong credentials, and do nothing else.

        Raises:
            RefusedError: there is no such account, or it has another password.
        """
        with self._lock:
            self._authenticated(username, password)

    def ask_balance(self, username: str, password: bytes) -> dict[Channel, int]:
        """Messages left on each channel, as a client asks for them.

        Raises:
            RefusedError: wrong credentials, or asked too often.
        """
        with self._lock:
            account = self._authenticated(username, password)
            now, before = self._now(), account.balance_asked_at
            if before is not None and (now - before).total_seconds() < self.balance_interval:
                raise RefusedError("查询过于频繁")
            account.balance_asked_at = now
            return dict(account.balance)

    def poll_reports(self, username: str, password: bytes) -> list[DeliveryReport]:
        """Delivery reports, the oldest first.

        Raises:
            RefusedError: wrong credentials.
        """
        with self._lock:
            return self._poll(self._authenticated(username, password).reports)

    def poll_replies(self, username: str, password: bytes) -> list[Reply]:
        """Inbound replies, the oldest first.

        Raises:
            RefusedError: wrong credentials.
        """
        with self._lock:
            return self._poll(self._authenticated(username, password).replies)

    def change_password(self, username: str, password: bytes, new: str) -> None:
        """Give an account another password, of ASCII letters and digits (vendor page, "修改密码接口").

        Raises:
            UnknownAccountError: there is no such account.
            RefusedError: the old password is wrong, or the new one is not of letters and digits.
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
        """Queue a message from a subscriber.

        Args:
            mobile: who wrote.
            text: what was written.
            username: the account that it is for; may be left out when there is only one.
            when: the time of receipt; None for now.

        Returns:
            What was queued.

        Raises:
            UnknownAccountError: there is no such account, or several and none was named.
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
        """Queue a delivery report beside those that sends queue; arguments as in ``inject_reply``.

        Returns:
            What was queued.

        Raises:
            UnknownAccountError: there is no such account, or several and none was named.
        """
        with self._lock:
            account = self._addressed(username)
            sent_at = self._now() if when is None else _vendor_time(when)
            report = DeliveryReport(mobile, account.username, batch_id, status, sent_at)
            account.reports.append(report)
            return report

    def _now(self) -> datetime:
        return _vendor_time(self._clock())

    def _status(self, number: str) -> DeliveryStatus | None:
        if isinstance(self.status, Mapping):
            return self.status.get(number, DeliveryStatus.DELIVERED)
        return self.status(number) if callable(self.status) else self.status

    def _poll(self, queue: deque[T]) -> list[T]:
        count = len(queue) if self.max_records is None else min(self.max_records, len(queue))
        if self.consuming:
            return [queue.popleft() for _ in range(count)]
        return list(queue)[:count]

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
        # The page does not say how a password becomes bytes: both ways are right.
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
    return when.replace(tzinfo=VENDOR_TIME) if when.tzinfo is None else when.astimezone(VENDOR_TIME)
