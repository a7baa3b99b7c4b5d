"""The accounts of the sandbox's gateway: credentials, balances, and a queue each for reports and replies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jzysoap.model.errors import ConfigurationError
from jzysoap.model.masking import Secret
from jzysoap.model.values import Channel, DeliveryReport, Reply
from jzysoap.sandbox.messages import RefusedError, UnknownAccountError
from jzysoap.sandbox.queues import AnyQueued, Queue

Balances = Mapping[Channel, int]


@dataclass(slots=True)
class Account:
    """An account.

    Attributes:
        username: its name.
        password: its password, in the clear.
        opened_with: its balances when it was opened.
        balance: the messages left on each channel.
        reports, replies: the records that wait for polls.
        balance_asked_at: the time of the last balance query that was answered.
    """

    username: str
    password: Secret
    opened_with: Balances
    balance: dict[Channel, int]
    reports: Queue[DeliveryReport] = field(default_factory=Queue)
    replies: Queue[Reply] = field(default_factory=Queue)
    balance_asked_at: datetime | None = None

    def queue(self, entries: Iterable[AnyQueued]) -> None:
        """Queue records, or keep them to be looked at if they were polled before."""
        for entry in entries:
            target: Any = self.replies if isinstance(entry.record, Reply) else self.reports
            if entry.polled_at is None:
                target.add(entry)
            else:
                target.polled.append(entry)

    def reset(self) -> None:
        """Give the account the balances that it was opened with, and empty queues."""
        self.balance = dict(self.opened_with)
        self.reports, self.replies = Queue(), Queue()
        self.balance_asked_at = None


class Accounts:
    """The accounts, by name."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}

    def __len__(self) -> int:
        return len(self._accounts)

    def __iter__(self) -> Iterator[Account]:
        return iter(tuple(self._accounts.values()))

    def open(self, username: str, password: str, balance: int | Balances) -> Account:
        """Open an account.

        Raises:
            ConfigurationError: there is an account of that name already, or the name or the password is empty.
        """
        if not username or not password:
            raise ConfigurationError("an account of the sandbox needs a username and a password")
        if username in self._accounts:
            raise ConfigurationError("the sandbox has an account of that username already")
        balances = all_channels(balance)
        account = Account(username, Secret(password), balances, dict(balances))
        self._accounts[username] = account
        return account

    def find(self, username: str | None) -> Account:
        """Return the account of that name; or the only one, for None.

        Raises:
            UnknownAccountError: there is no such account, or none is named and there are several.
        """
        if username is None and len(self._accounts) == 1:
            return next(iter(self._accounts.values()))
        try:
            return self._accounts[username or ""]
        except KeyError:
            raise UnknownAccountError("用户不存在") from None

    def authenticate(self, username: str, password: bytes) -> Account:
        """Return the account of that name and password, whose bytes may be in UTF-8 or GB18030.

        Raises:
            RefusedError: there is no such account, or it has another password.
        """
        account = self._accounts.get(username)
        # The charset of a password is not documented, so both are right (docs/protocol.md#what-is-not-known).
        if account is None or password not in {account.password.encode(), account.password.encode("gb18030")}:
            raise RefusedError("用户名或密码错误")
        return account


def all_channels(balance: int | Balances) -> dict[Channel, int]:
    """Return the balance of every channel: the same for all, or 0 for those that are not named.

    Raises:
        ConfigurationError: a balance is negative.
    """
    given = balance if isinstance(balance, Mapping) else dict.fromkeys(Channel, balance)
    if any(count < 0 for count in given.values()):
        raise ConfigurationError("balance must be a whole number of messages, zero or more")
    return {channel: given.get(channel, 0) for channel in Channel}
