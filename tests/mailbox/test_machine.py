"""Any order of sends, kills, reports and decisions: the gateway counts, and the mailbox's states must agree with it."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from secrets import token_hex

from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import booleans, integers, sampled_from

from jzysoap import Client, Outcome
from jzysoap.mailbox import Evidence, Mailbox, NotAllowedError, State, StoredBatch
from jzysoap.sandbox import Sandbox
from tests.mailbox.conftest import change

_NUMBERS = itertools.count()
FAULTS = (None, None, "lost", "lost request", "refused", "refused account", "later")
_PERSON = Evidence.PERSON


class Machine(RuleBasedStateMachine):
    """A mailbox, a gateway, and someone who kills and decides."""

    sandbox: Sandbox
    client: Client

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        # For each message its id, its key and its numbers.
        self.messages: list[tuple[int, str, list[str]]] = []

    @initialize()
    def open(self) -> None:
        self.sandbox.gateway.reset()
        directory = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.box = self.stack.enter_context(Mailbox(self.client, f"sqlite:///{directory}/sms.db", attempts=2))
        self.records = 0

    def teardown(self) -> None:
        self.stack.close()

    @rule(count=integers(1, 3), fault=sampled_from(FAULTS))
    def send(self, count: int, fault: str | None) -> None:
        key, numbers = token_hex(4), self._new_numbers(count)
        with self._fault(fault):
            self.messages.append((self.box.send(numbers, "您好", key=key).id, key, numbers))

    @rule(count=integers(1, 3))
    def enqueue(self, count: int) -> None:
        key, numbers = token_hex(4), self._new_numbers(count)
        self.messages.append((self.box.enqueue(numbers, "您好", key=key).id, key, numbers))

    @precondition(lambda self: self.messages)
    @rule(index=integers(0, 99), queued=booleans())
    def repeat(self, index: int, queued: bool) -> None:
        ident, key, numbers = self._pick(index)
        before = len(self.sandbox.gateway.sent)
        again = (self.box.enqueue if queued else self.box.send)(numbers, "您好", key=key)
        assert (again.id, again.replayed) == (ident, True)
        assert len(self.sandbox.gateway.sent) == before

    @rule(fault=sampled_from(FAULTS))
    def dispatch(self, fault: str | None) -> None:
        change(self.box, "UPDATE jzysoap_batch SET due = 0 WHERE state = 'queued'")
        with self._fault(fault):
            self.box.dispatch(limit=1)

    @rule(sent=booleans())
    def kill(self, sent: bool) -> None:
        """A process claims a batch and is killed, before its first byte or after its last."""
        change(self.box, "UPDATE jzysoap_batch SET due = 0 WHERE state = 'queued'")
        claim = self.box._opened.get().store.claim(token_hex(16), 60_000)
        if claim is not None and sent:
            self.client.send(claim.mobiles, claim.content)

    @rule()
    def wait(self) -> None:
        """The leases of killed processes end."""
        change(self.box, "UPDATE jzysoap_batch SET lease = 1 WHERE state = 'sending'")
        self.box._opened.get().store.sweep()

    @rule()
    def collect(self) -> None:
        self.records += self.box.collect().reports

    @rule(limit=integers(1, 5))
    def receive(self, limit: int) -> None:
        with self.box.reports(limit) as reports:
            for stored in reports:
                mine = [ident for ident, _, numbers in self.messages if stored.report.mobile in numbers]
                assert stored.message_id in (None, *mine)

    @precondition(lambda self: self.box.unknown())
    @rule(outcome=sampled_from([Outcome.ACCEPTED, Outcome.NOT_SENT]))
    def resolve(self, outcome: Outcome) -> None:
        self.box.resolve(self.box.unknown()[0].id, outcome, by="li", reason="")

    @precondition(lambda self: self.messages)
    @rule(index=integers(0, 99), force=booleans())
    def resend(self, index: int, force: bool) -> None:
        batch = self.box.message(self._pick(index)[0]).batches[-1]
        allowed = batch.state not in (State.QUEUED, State.SENDING, State.ACCEPTED)
        try:
            new = self.box.resend(batch.id, force=force)
        except NotAllowedError:
            assert not allowed or (batch.state is State.UNKNOWN and not force)
        else:
            assert allowed
            assert new.resend_of == batch.id
            assert self.box.resend(batch.id).id == new.id

    @precondition(lambda self: self.messages)
    @rule(index=integers(0, 99))
    def cancel(self, index: int) -> None:
        self.box.cancel(self._pick(index)[0])

    @rule()
    def expire(self) -> None:
        change(self.box, "UPDATE jzysoap_batch SET expires = 1 WHERE state = 'queued'")
        self.box._opened.get().store.expire()

    @invariant()
    def the_gateway_agrees(self) -> None:
        texted = Counter(mobile for sent in self.sandbox.gateway.sent for mobile in sent.mobiles)
        for ident, _, numbers in self.messages:
            message = self.box.message(ident)
            least = sum(_surely_sent(batch) for batch in message.batches)
            most = sum(not _surely_not_sent(batch) for batch in message.batches)
            for number in numbers:
                assert least <= texted[number] <= most, message.batches

    @invariant()
    def nothing_is_lost(self) -> None:
        counts = self.box.counts()
        assert sum(count.number for state, count in counts.items() if state.startswith("report")) == self.records
        assert len(self.box.unknown()) == (counts["unknown"].number if "unknown" in counts else 0)

    def _new_numbers(self, count: int) -> list[str]:
        return [f"138{next(_NUMBERS):08}" for _ in range(count)]

    def _pick(self, index: int) -> tuple[int, str, list[str]]:
        return self.messages[index % len(self.messages)]

    @contextmanager
    def _fault(self, fault: str | None) -> Iterator[None]:
        words = {"refused": "内容有误", "refused account": "余额不足", "later": "操作过于频繁"}
        if fault in words:
            self.sandbox.fail_next("sendSms", result=f"failure;{words[fault]}")
        elif fault is not None:
            self.sandbox.fail_next("sendSms", drop=True, acted=fault == "lost")
        yield
        self.sandbox.clear_faults()


def _surely_sent(batch: StoredBatch) -> bool:
    return batch.state is State.ACCEPTED and batch.evidence is not _PERSON


def _surely_not_sent(batch: StoredBatch) -> bool:
    ended = batch.state in (State.REJECTED, State.NOT_SENT, State.EXPIRED, State.CANCELLED)
    return batch.state is State.QUEUED or (ended and batch.evidence is not _PERSON)


def test_any_order_keeps_the_promises() -> None:
    with Sandbox(balance=10**9) as sandbox:
        Machine.sandbox = sandbox
        with Client(sandbox.url, "test", "secret1", wsdl="bundled", cache_dir=False) as client:
            Machine.client = client
            run_state_machine_as_test(
                Machine, settings=settings(max_examples=25, stateful_step_count=25, deadline=None)
            )
