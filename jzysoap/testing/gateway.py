"""A gateway for one test: what was sent, waiting for a message, replies, reports and faults."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

from jzysoap.client.aio import AsyncClient
from jzysoap.client.sync import Client
from jzysoap.model.errors import ConfigurationError
from jzysoap.model.masking import escape_unprintable, mask_number
from jzysoap.model.sent import count_of
from jzysoap.model.values import DeliveryReport, DeliveryStatus, Reply
from jzysoap.sandbox import Event, FaultHappened, Message, Refusal, Rule, Sandbox
from jzysoap.sandbox.guard import is_loopback
from jzysoap.sandbox.rules import FaultName

T = TypeVar("T")

TIMEOUT = 5.0
"""Seconds that a wait takes at most unless told otherwise."""

_ANY_CODE = re.compile(r"(?<![0-9])[0-9]{4,8}(?![0-9])")


class NothingCameError(AssertionError):
    """A message that a test waited for did not come; the text says what came instead."""


class Expected:
    """The messages that a test expects: see ``SmsGateway.expect``.

    Attributes:
        message: the first one that fits.
        messages: all that fit and came until now.
    """

    def __init__(self, messages: Callable[[], tuple[Message, ...]]) -> None:
        self._messages = messages
        self._first: Message | None = None

    @property
    def message(self) -> Message:
        """The first message that fits."""
        if self._first is None:
            raise ConfigurationError("the message is there after the with block of expect(), not inside of it")
        return self._first

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages that fit and came until now, in order."""
        return self._messages()

    def code(self, pattern: str | None = None) -> str:
        """Return the verification code in the first message, as ``SmsGateway.wait_for_code`` finds it.

        Raises:
            NothingCameError: the message has none.
        """
        code = _find_code(self.message, pattern)
        if code is None:
            raise NothingCameError(f"the message has no code: {len(self.message.text)} characters")
        return code


class SmsGateway:
    """A gateway on loopback for a test; a context manager. It needs the extra ``sandbox``.

    Each message is given out once: a wait returns the first one that fits and that no wait before has returned, whether
    it is there already or comes within the time. So a test may act first and wait afterwards, and two waits after two
    messages return one each. Waits block their thread: in a coroutine, messages of the same event loop come only
    while it is not blocked, so wait after what was awaited, or with ``asyncio.to_thread``.

    Args:
        username: the account.
        password: its password.
        show: True if a wait that fails shows numbers and texts; they are masked otherwise.
        host: a loopback address. Others are refused: nothing that tests send may leave this machine.
        options: other options of ``jzysoap.sandbox.Sandbox``.

    Attributes:
        sandbox: the sandbox, for what the methods here do not offer.
        username: the account.
        password: its password.

    Raises:
        ConfigurationError: an argument cannot be used.
    """

    def __init__(
        self,
        *,
        username: str = "test",
        password: str = "secret1",  # noqa: S107  # no secret: nobody else reaches this gateway
        show: bool = False,
        host: str = "127.0.0.1",
        **options: Any,
    ) -> None:
        if not is_loopback(host):
            raise ConfigurationError("host must be a loopback address: tests must not send to other machines")
        self.username = username
        self.password = password
        self.sandbox = Sandbox(username=username, password=password, host=host, **options)
        self._show = show
        self._given: set[int] = set()
        self._start = 0

    def __repr__(self) -> str:
        return f"<SmsGateway {self.sandbox!r}>"

    def __enter__(self) -> Self:
        self.sandbox.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.sandbox.close()

    @property
    def url(self) -> str:
        """The base address, for a client."""
        return self.sandbox.url

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that let ``Client.from_env()`` use this gateway."""
        return {
            "JZYSOAP_BASE_URL": self.url,
            "JZYSOAP_USERNAME": self.username,
            "JZYSOAP_PASSWORD": self.password,
            # Each gateway has an address of its own: its definition is not worth saving.
            "JZYSOAP_CACHE_DIR": "off",
        }

    def client(self, **options: Any) -> Client:
        """Return a client of this gateway.

        Args:
            options: options of ``Client``, but for address, account and password.
        """
        return Client(self.url, self.username, self.password, **{"cache_dir": False, **options})

    def async_client(self, **options: Any) -> AsyncClient:
        """Return an asynchronous client of this gateway.

        Args:
            options: options of ``AsyncClient``, but for address, account and password.
        """
        return AsyncClient(self.url, self.username, self.password, **{"cache_dir": False, **options})

    @property
    def messages(self) -> tuple[Message, ...]:
        """The accepted messages, in order."""
        return self.sandbox.gateway.sent

    @contextmanager
    def expect(self, to: str | None = None, text: str | None = None, *, timeout: float = TIMEOUT) -> Iterator[Expected]:
        """Expect a message that comes while the block runs, or within the time afterwards.

        ::

            with sms_gateway.expect(to="13800000000") as got:
                log_in("13800000000")
            assert got.message.signature == "签名"

        Args:
            to: the number that it goes to; None for any.
            text: a part of its text; None for any.
            timeout: seconds to wait after the block.

        Raises:
            NothingCameError: no such message came.
        """
        start = self.sandbox.gateway.events.last

        def fits(message: Message) -> Message | None:
            return message if message.seq > start and _fits(message, to, text) else None

        expected = Expected(lambda: tuple(message for message in self.messages if fits(message)))
        yield expected
        expected._first = self._wait(fits, _describe(to, text), timeout, since=start)

    def wait_for_message(self, to: str | None = None, text: str | None = None, *, timeout: float = TIMEOUT) -> Message:
        """Return the first message that fits and that no wait has returned, or wait for one.

        Args:
            to: the number that it goes to; None for any.
            text: a part of its text; None for any.
            timeout: seconds to wait.

        Raises:
            NothingCameError: no such message came.
        """
        return self._wait(lambda message: message if _fits(message, to, text) else None, _describe(to, text), timeout)

    def wait_for_code(self, to: str | None = None, pattern: str | None = None, *, timeout: float = TIMEOUT) -> str:
        """Return the verification code of the first message with one that no wait has returned, or wait for one.

        Args:
            to: the number that it goes to; None for any.
            pattern: a regular expression that finds the code; its first group, if it has one, is the code. None for the
                code that the text speaks of, else for the first 4 to 8 digits in a row.
            timeout: seconds to wait.

        Raises:
            NothingCameError: no such message came.
        """

        def find(message: Message) -> str | None:
            return _find_code(message, pattern) if _fits(message, to, None) else None

        return self._wait(find, f"{_describe(to, None)} with a code", timeout)

    def assert_nothing_sent(self, to: str | None = None) -> None:
        """Fail if a message was accepted that no wait has returned.

        Args:
            to: a number; messages to others may have been sent. None for any.

        Raises:
            AssertionError: there is such a message.
        """
        sent = [one for one in self.messages if one.seq not in self._given and _fits(one, to, None)]
        if sent:
            shown = "\n".join(f"  {self._show_message(message)}" for message in sent)
            raise AssertionError(f"{count_of(len(sent), 'message was', 'messages were')} sent:\n{shown}{self._hint()}")

    def reply(self, mobile: str, text: str) -> Reply:
        """Have a subscriber reply: the next poll of replies returns it.

        Args:
            mobile: the subscriber's number.
            text: the text.
        """
        return self.sandbox.gateway.inject_reply(mobile, text, username=self.username)

    def deliver(
        self, message: Message, status: DeliveryStatus | None = DeliveryStatus.DELIVERED, *, mobile: str | None = None
    ) -> tuple[DeliveryReport, ...]:
        """Decide about the delivery reports of a message that no poll returned yet; all are delivered otherwise.

        Args:
            message: the message.
            status: what the next poll of reports says; None for no report.
            mobile: the number that is reported on; None for all numbers of the message.

        Returns:
            The reports.
        """
        return self.sandbox.gateway.report(message.batch_id, status, mobile=mobile)

    def fail_next(
        self,
        fault: FaultName = "lose answer",
        *,
        operation: str = "sendSms",
        to: str | None = None,
        text: str | None = None,
        after: int = 0,
        times: int = 1,
        delay: float = 0.0,
        words: str = "系统超时",
        http_status: int = 502,
    ) -> None:
        """Have the next call fail.

        Args:
            fault: ``"lose answer"``: the gateway accepts, and the answer is lost. ``"lose request"``: the connection is
                closed, and nothing is done. ``"refuse"`` with ``words``, ``"status"`` with ``http_status``,
                ``"malformed"``: a web page instead of an answer, ``"delay"``: the answer comes late.
            operation: the operation; ``"any"`` for any.
            to: the number; sends to others do not fail. None for any.
            text: a part of the text; sends of others do not fail. None for any.
            after: how many such calls are answered as usual before.
            times: how many calls fail.
            delay: seconds that the answer comes late.
            words: the words of a refusal.
            http_status: the HTTP status.
        """
        self.sandbox.gateway.rules.add(
            Rule(
                kind="fault",
                fault=fault,
                operation=operation,
                to=to,
                text=text,
                after=after,
                times=times,
                delay=delay,
                words=words,
                http_status=http_status,
            )
        )

    def reset(self) -> None:
        """Forget messages, records, rules and faults."""
        self.sandbox.reset()
        self._start = self.sandbox.gateway.events.last

    def _wait(self, find: Callable[[Message], T | None], what: str, timeout: float, since: int = 0) -> T:
        since = max(since, self._start)

        def look(event: Event) -> T | None:
            if not isinstance(event.record, Message) or event.seq in self._given:
                return None
            found = find(event.record)
            if found is not None:
                self._given.add(event.seq)
            return found

        found = self.sandbox.gateway.events.wait(since, look, timeout)
        if found is None:
            raise NothingCameError(f"no {what} came within {timeout:g} s. {self._show_instead(since)}{self._hint()}")
        return found

    def _show_instead(self, since: int) -> str:
        shown = []
        for event in self.sandbox.gateway.events.since(since):
            record = event.record
            if isinstance(record, Message):
                given = " (returned before)" if event.seq in self._given else ""
                shown.append(f"  {self._show_message(record)}{given}")
            elif isinstance(record, Refusal):
                shown.append(f"  {event.at:%H:%M:%S} refused: {record.operation}, {escape_unprintable(record.words)}")
            elif isinstance(record, FaultHappened):
                shown.append(f"  {event.at:%H:%M:%S} fault: {record.operation}, {escape_unprintable(record.what)}")
        return "Instead came:\n" + "\n".join(shown) if shown else "Nothing was sent to this gateway at all."

    def _show_message(self, message: Message) -> str:
        first, others = message.mobiles[0], len(message.mobiles) - 1
        number = first if self._show else mask_number(first)
        numbers = f"{number} and {count_of(others, 'other')}" if others else number
        text = repr(message.text) if self._show else count_of(len(message.text), "character")
        return f"{message.sent_at:%H:%M:%S} to {numbers}: {text}"

    def _hint(self) -> str:
        return "" if self._show else "\n(--sms-show, or show=True, shows numbers and texts)"


def _fits(message: Message, to: str | None, text: str | None) -> bool:
    return (to is None or to in message.mobiles) and (text is None or text in message.text)


def _find_code(message: Message, pattern: str | None) -> str | None:
    if pattern is None:
        return next(iter(message.codes or _ANY_CODE.findall(message.text)), None)
    found = re.search(pattern, message.text)
    return None if found is None else found[min(1, found.re.groups)]


def _describe(to: str | None, text: str | None) -> str:
    words = ["message"]
    if to is not None:
        words.append(f"to {mask_number(to)}")
    if text is not None:
        words.append("of that text")
    return " ".join(words)
