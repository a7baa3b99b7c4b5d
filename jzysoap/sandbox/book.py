"""The book of the sandbox's gateway: accounts, messages, rules and events, in memory and in a file that may keep them.

Every change goes through ``Book.enter`` or ``Book.poll``: first into the file, then into memory, then into the events.
The gateway decides what is changed; nothing here knows why.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from jzysoap.model.values import CHINA, Channel, DeliveryReport, Reply
from jzysoap.sandbox.accounts import Account, Accounts, Balances
from jzysoap.sandbox.events import EventKind, EventLog
from jzysoap.sandbox.messages import Kept, Messages
from jzysoap.sandbox.queues import AnyQueued, Queue, Queued, R
from jzysoap.sandbox.rules import Rule, Rules
from jzysoap.sandbox.store import Saved, Store


class Book:
    """The accounts, messages, rules and events. Not safe in threads, but for ``events`` and ``rules``: hold ``lock``.

    Args:
        clock: returns the time; a naive time is interpreted as the vendor's local time.
        max_messages: the number of messages that are kept.
        path: the file that keeps them over a restart; None for none.

    Raises:
        ConfigurationError: the file cannot be used, or the number is not positive.
    """

    def __init__(self, clock: Callable[[], datetime] | None, max_messages: int, path: str | None) -> None:
        # Reentrant, since a function given as status may call the gateway.
        self.lock = threading.RLock()
        self.accounts = Accounts()
        self.messages = Messages(max_messages)
        self.rules = Rules()
        self._clock = clock or (lambda: datetime.now(CHINA))
        self._store = None if path is None else Store(path)
        self._saved = Saved() if self._store is None else self._store.load()
        for message in self._saved.messages[-max_messages:]:
            self.messages.add(Kept(message))
        for _, entry in self._saved.queued:
            kept = self.messages.find(entry.message or "")
            if kept is not None:
                kept.add(entry)
        self.rules.replace([Rule(**values) for values in self._saved.settings.get("rules", ())])
        self.events = EventLog(4 * max_messages, max((kept.message.seq + 1 for kept in self.messages), default=1))

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._store is not None:
            self._store.close()

    def now(self) -> datetime:
        """Return the time in the vendor's time zone."""
        return vendor_time(self._clock())

    def open_account(self, username: str, password: str, balance: int | Balances) -> None:
        """Open an account; one that is in the file has its messages left and its records from there.

        Raises:
            ConfigurationError: there is an account of that name already, or the name or the password is empty.
        """
        account = self.accounts.open(username, password, balance)
        for name, count in self._saved.settings.get(f"balance:{username}", {}).items():
            account.balance[Channel[name]] = count
        account.queue(entry for owner, entry in self._saved.queued if owner == username)

    def note(self, kind: EventKind, username: str = "", record: object = None) -> None:
        """Add an event."""
        self.events.append(kind, self.now(), username, record)

    def enter(
        self,
        account: Account,
        *,
        sent: Kept | None = None,
        balance: Balances | None = None,
        reports: Sequence[Queued[DeliveryReport]] = (),
        replies: Sequence[Queued[Reply]] = (),
        withdrawn: Sequence[Queued[DeliveryReport]] = (),
    ) -> None:
        """Enter an act that concerns an account.

        Args:
            account: the account.
            sent: a message that was accepted.
            balance: the messages left on each channel from now on; None if the balance is not changed.
            reports, replies: records to be polled.
            withdrawn: reports that no poll shall return any more.

        Raises:
            ConfigurationError: the file cannot be written; nothing was changed.
        """
        queued: tuple[AnyQueued, ...] = (*reports, *replies)
        if self._store is not None:
            self._store.save(
                message=None if sent is None else sent.message,
                forgotten=None if sent is None else self.messages.next_forgotten,
                queued=[(account.username, entry) for entry in queued],
                withdrawn=withdrawn,
                settings={"rules": self.rules.as_json(), **_saved_balance(account, balance)},
            )
        if balance is not None:
            account.balance = dict(balance)
        if sent is None:
            if balance is not None:
                self.note("balance", account.username)
        else:
            self._drop(self.messages.add(sent))
            self.note("sent", account.username, sent.message)
        if withdrawn:
            account.reports.withdraw(withdrawn)
            self.note("report withdrawn", account.username, _records(withdrawn))
        account.queue(queued)
        if reports:
            self.note("report queued", account.username, _records(reports))
        if replies:
            self.note("reply queued", account.username, _records(replies))

    def poll(
        self, account: Account, queue: Queue[R], kind: EventKind, limit: int | None, *, consuming: bool
    ) -> list[R]:
        """Return the records that are due, so many at most.

        Args:
            account: the account of the queue.
            queue: the queue.
            kind: the kind of the event.
            limit: the largest number of records; None for all.
            consuming: True to remove the records.

        Raises:
            ConfigurationError: the file cannot be written; the records go on waiting.
        """
        now = self.now()
        taken = queue.take(now, limit)
        try:
            if consuming and taken and self._store is not None:
                self._store.save(polled=taken, polled_at=now)
        except BaseException:
            queue.give_back(taken)
            raise
        if not consuming:
            queue.give_back(taken)
        elif taken:
            queue.mark_polled(taken, now)
            self.note(kind, account.username, _records(taken))
        return [entry.record for entry in taken]

    def rules_changed(self) -> None:
        """Keep the rules over a restart, and note that they changed.

        Raises:
            ConfigurationError: the file cannot be written.
        """
        if self._store is not None:
            self._store.save(settings={"rules": self.rules.as_json()})
        self.note("rules")

    def reset(self) -> None:
        """Forget messages, rules and records, and give each account the balances that it was opened with.

        Raises:
            ConfigurationError: the file cannot be written; nothing was changed.
        """
        if self._store is not None:
            self._store.clear()
        self.messages.clear()
        self.rules.replace([])
        for account in self.accounts:
            account.reset()
        self.note("reset")

    def _drop(self, forgotten: Iterable[Kept]) -> None:
        for kept in forgotten:
            account = self.accounts.find(kept.message.username)
            if self._store is not None:
                self._store.save(withdrawn=[entry for entry in kept.records if entry.waits])
            account.reports.withdraw(kept.reports)
            account.replies.withdraw(kept.replies)


def vendor_time(when: datetime) -> datetime:
    """Return a time in the vendor's time zone; a naive one is interpreted as being in it."""
    return when.replace(tzinfo=CHINA) if when.tzinfo is None else when.astimezone(CHINA)


def _saved_balance(account: Account, balance: Balances | None) -> dict[str, object]:
    if balance is None:
        return {}
    return {f"balance:{account.username}": {channel.name: count for channel, count in balance.items()}}


def _records(entries: Sequence[Queued[R]]) -> tuple[R, ...]:
    return tuple(entry.record for entry in entries)
