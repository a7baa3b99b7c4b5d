"""The calls of the JSON API: checked values in, a status and a value of JSON out. Nothing here knows HTTP.

``endpoints`` has the table of the calls, with their fields.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from jzysoap.model.values import CHINA, Channel
from jzysoap.sandbox.events import Event
from jzysoap.sandbox.fields import field_error
from jzysoap.sandbox.messages import Kept, Message, UnknownAccountError
from jzysoap.sandbox.protocol import Application
from jzysoap.sandbox.raw import show_reply, show_request
from jzysoap.sandbox.rules import STATUSES, Rule
from jzysoap.sandbox.state import Gateway
from jzysoap.sandbox.views import (
    account_view,
    message_view,
    queues_view,
    reply_view,
    report_view,
    rule_view,
    state_view,
)

T = TypeVar("T")

Values = Mapping[str, Any]
Answer = tuple[int, Any]
"""An HTTP status, and a value of JSON; None for no content."""

MAX_WAITING = 4
"""The number of calls that wait at the same time: each holds one of the server's threads."""

# The number of messages that the answer to a wait in vain shows.
_CAME = 20
_NUMBER = re.compile(r"\+?[0-9]{5,20}")
_ANY_CODE = re.compile(r"(?<![0-9])[0-9]{4,8}(?![0-9])")


class Inbox:
    """The gateway as the JSON API sees it.

    Args:
        gateway: the state.
        application: the gateway over HTTP, which has the exchanges.
    """

    def __init__(self, gateway: Gateway, application: Application) -> None:
        self._gateway = gateway
        self._application = application
        self._waiting = threading.BoundedSemaphore(MAX_WAITING)

    def state(self, _: Values) -> Answer:
        """Return counts and accounts."""
        with self._gateway.lock:
            return 200, state_view(self._gateway, self._application.url)

    def messages(self, values: Values) -> Answer:
        """Return messages, the newest first."""
        limit = values["limit"]
        with self._gateway.lock:
            found = []
            for kept in self._latest(values["since"]):
                before = values["before"]
                if (before is None or kept.message.seq < before) and _fits(kept.message, values):
                    found.append(kept)
                if len(found) > limit:
                    break
            views = [message_view(kept) for kept in found[:limit]]
            return 200, {"seq": self._gateway.events.last, "messages": views, "more": len(found) > limit}

    def message(self, values: Values) -> Answer:
        """Return one message."""
        with self._gateway.lock:
            kept = self._gateway.messages.find(values["id"])
            return _unknown("id", "no message of that id is kept") if kept is None else (200, message_view(kept))

    def raw(self, values: Values) -> Answer:
        """Return the exchange that a message came in."""
        with self._gateway.lock:
            kept = self._gateway.messages.find(values["id"])
        exchanges = self._application.exchanges
        number = None if kept is None else kept.message.exchange
        exchange = next((one for one in reversed(exchanges) if one.number == number), None)
        if kept is None or exchange is None:
            return _unknown("id", "the request of that message is not kept")
        view = {
            "interface": kept.message.via,
            "request": show_request(exchange, kept.message.via),
            "reply": show_reply(exchange),
        }
        return 200, view

    def wait_for_message(self, values: Values) -> Answer:
        """Return the latest message that fits, or wait for one."""
        found = self._wait(values, lambda kept: kept if _fits(kept.message, values) else None)
        return self._nothing_came(values) if found is None else (200, self._view(found))

    def wait_for_code(self, values: Values) -> Answer:
        """Return the verification code of the latest message that has one, or wait for one."""
        find = _code_finder(values["pattern"])

        def pick(kept: Kept) -> tuple[str, Kept] | None:
            code = find(kept.message) if _fits(kept.message, values) else None
            return None if code is None else (code, kept)

        found = self._wait(values, pick)
        if found is None:
            return self._nothing_came(values)
        return 200, {"code": found[0], "message": self._view(found[1])}

    def changes(self, values: Values) -> Answer:
        """Return what kinds of events there were after a number, or wait for one."""
        log, since = self._gateway.events, values["since"]
        waited = True
        # A number from the future is that of a sandbox that was started anew: there is everything to look at.
        if log.last == since:
            with self._place_to_wait() as waited:
                if waited:
                    log.wait(since, lambda event: event, values["wait"], stopped=self._application.closing.is_set)
        kinds = sorted({event.kind for event in log.since(since)})
        return 200, {"seq": log.last, "kinds": kinds, "waited": waited}

    def queues(self, _: Values) -> Answer:
        """Return the records that wait, and those that were polled."""
        with self._gateway.lock:
            return 200, queues_view(self._gateway)

    def reply(self, values: Values) -> Answer:
        """Queue a reply."""
        mobile, username = values["from"], values["username"]
        if not _NUMBER.fullmatch(mobile):
            raise field_error("from", "must be a phone number of 5 to 20 digits")
        with self._gateway.lock:
            if username is None:
                username = next((one.message.username for one in self._latest() if mobile in one.message.mobiles), None)
            self._check_account(username)
            self._gateway.inject_reply(mobile, values["text"], username=username)
            queue = self._gateway.accounts.find(username).replies
            return 201, reply_view(queue.waiting(1)[0])

    def report(self, values: Values) -> Answer:
        """Decide about the delivery reports of a message."""
        with self._gateway.lock:
            status = STATUSES[values["status"]]
            self._gateway.report(values["message"], status, mobile=values["to"], delay=values["delay"])
            kept = self._gateway.messages.find(values["message"])
            entries = [] if kept is None else kept.reports
            waiting = [entry for entry in entries if entry.waits and values["to"] in (None, entry.record.mobile)]
            return 201, {"reports": [report_view(entry) for entry in waiting]}

    def rules(self, _: Values) -> Answer:
        """Return the rules in force."""
        return 200, {"rules": [rule_view(kept) for kept in self._gateway.rules.kept()]}

    def replace_rules(self, values: Values) -> Answer:
        """Replace all rules."""
        self._gateway.rules.replace([Rule(**rule) for rule in values["rules"]])
        self._gateway.rules_changed()
        return self.rules(values)

    def add_rule(self, values: Values) -> Answer:
        """Add a rule behind the others."""
        kept = self._gateway.rules.add(Rule(**values))
        self._gateway.rules_changed()
        return 201, rule_view(kept)

    def remove_rules(self, _: Values) -> Answer:
        """Remove all rules."""
        self._gateway.rules.replace([])
        self._gateway.rules_changed()
        return 204, None

    def remove_rule(self, values: Values) -> Answer:
        """Remove a rule."""
        if not self._gateway.rules.remove(values["id"]):
            return _unknown("id", "there is no rule of that id")
        self._gateway.rules_changed()
        return 204, None

    def set_balance(self, values: Values) -> Answer:
        """Replace balances of an account."""
        with self._gateway.lock:
            self._check_account(values["username"])
            account = self._gateway.accounts.find(values["username"])
            given = {channel: values[channel.name.lower()] for channel in Channel}
            self._gateway.set_balance(
                account.username, account.balance | {one: count for one, count in given.items() if count is not None}
            )
            return 200, account_view(account)

    def reset(self, _: Values) -> Answer:
        """Forget messages, records, rules, faults and exchanges."""
        self._application.reset()
        return 204, None

    def export(self, _: Values) -> Answer:
        """Return everything that is shown."""
        with self._gateway.lock:
            return 200, {
                "exported_at": datetime.now(CHINA).isoformat(timespec="seconds"),
                "messages": [message_view(kept) for kept in self._latest()],
                "queues": queues_view(self._gateway),
                "accounts": [account_view(account) for account in self._gateway.accounts],
                "rules": [rule_view(kept) for kept in self._gateway.rules.kept()],
            }

    def _latest(self, since: int = 0) -> Iterator[Kept]:
        for kept in reversed(self._gateway.messages):
            if kept.message.seq <= since:
                break
            yield kept

    def _view(self, kept: Kept) -> dict[str, Any]:
        with self._gateway.lock:
            return message_view(kept)

    def _check_account(self, username: str | None) -> None:
        try:
            self._gateway.accounts.find(username)
        except UnknownAccountError:
            names = ", ".join(account.username for account in self._gateway.accounts)
            raise field_error("username", f"must be one of {names}") from None

    def _wait(self, values: Values, pick: Callable[[Kept], T | None]) -> T | None:
        """Return what a function picks: from the latest message that has it, or from the next one."""
        with self._gateway.lock:
            last = self._gateway.events.last
            for kept in self._latest(values["since"]):
                found = pick(kept)
                if found is not None:
                    return found

        def look(event: Event) -> T | None:
            if not isinstance(event.record, Message):
                return None
            with self._gateway.lock:
                kept = self._gateway.messages.find(event.record.batch_id)
                return None if kept is None else pick(kept)

        with self._place_to_wait() as free:
            timeout = values["timeout"] if free else 0
            return self._gateway.events.wait(last, look, timeout, stopped=self._application.closing.is_set)

    @contextmanager
    def _place_to_wait(self) -> Iterator[bool]:
        """Take one of the places to wait; yield False if none is free."""
        free = self._waiting.acquire(blocking=False)
        try:
            yield free
        finally:
            if free:
                self._waiting.release()

    def _nothing_came(self, values: Values) -> Answer:
        with self._gateway.lock:
            came = [message_view(kept) for kept, _ in zip(self._latest(values["since"]), range(_CAME), strict=False)]
        return 404, {"error": "no message came that fits; these came instead", "field": None, "came": came}


def _fits(message: Message, values: Values) -> bool:
    to, text = values["to"], values.get("text")
    return (text is None or text in message.text) and (to is None or any(to in number for number in message.mobiles))


def _code_finder(pattern: str | None) -> Callable[[Message], str | None]:
    if pattern is None:
        return lambda message: next(iter(message.codes or _ANY_CODE.findall(message.text)), None)
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise field_error("pattern", f"must be a regular expression of Python: {error}") from None

    def find(message: Message) -> str | None:
        found = compiled.search(message.text)
        return None if found is None else found[min(1, compiled.groups)]

    return find


def _unknown(field: str, problem: str) -> Answer:
    return 404, {"error": problem, "field": field}
