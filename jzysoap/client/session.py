"""The steps of each operation, from a checked call to its model, with no I/O of its own.

Each operation is a generator of steps (``model.steps``): it yields a request, or work that may block, and is sent the
reply or the result. A failure is thrown into it. It returns the model. ``Client`` and ``AsyncClient`` differ in who
carries out the steps; everything else is here, once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime
from functools import partial
from secrets import token_hex
from typing import Any, TypeVar

from jzysoap.calls.operations import Call, Plan
from jzysoap.client.hooks import call_hook, report_to
from jzysoap.client.reading import INTERFACES, read_reply
from jzysoap.definition import source
from jzysoap.definition.collect import fetch_request
from jzysoap.interface.base import Interface, is_about_definition
from jzysoap.model.door import cut_frames
from jzysoap.model.errors import (
    AuthenticationError,
    GatewayError,
    NotSentError,
    PartlySentError,
    SoapFaultError,
    WsdlError,
)
from jzysoap.model.events import CallEvent, CallStarted, RawReply
from jzysoap.model.http import HttpReply, HttpRequest, Timeout, address_of
from jzysoap.model.masking import Secret
from jzysoap.model.sent import Batch, JzySoapError, Outcome, Sent
from jzysoap.model.steps import Prepare, Steps, Work
from jzysoap.model.values import CHINA
from jzysoap.settings.credentials import Credentials
from jzysoap.settings.options import Config

logger = logging.getLogger("jzysoap")

T = TypeVar("T")

# AsyncClient parses replies above so many bytes in a thread.
PARSE_IN_THREAD_ABOVE = 262_144


class Session:
    """One account at one gateway.

    Args:
        config: the client's options.

    Attributes:
        definition: the origin of the service definition: ``live``, ``saved``, ``given`` or ``bundled``.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.definition = ""
        self._saved_on = ""
        # Seconds that the documents of the definition took.
        self._fetching = 0.0
        self.credentials = Credentials(config)
        self._interfaces = {name: kind(config) for name, kind in INTERFACES.items()}
        self._interface = self._interfaces[config.interface]
        self._address = address_of(config.base_url)
        self._poll_address = address_of(config.poll_url or config.base_url)

    @property
    def needs_definition(self) -> bool:
        """True while the service definition must still be loaded."""
        return self._interface.needs_definition

    def load_definition(self) -> Steps[None]:
        """Load the service definition.

        Raises:
            NotSentError: no connection to the gateway could be made, and no definition is saved.
            WsdlError: there is no usable definition.
        """
        self._fetching = 0.0
        loading = source.loading(self.config)
        advance: Callable[[], str] = partial(next, loading)
        while True:
            refused = None
            try:
                address, loaded = yield Work(partial(_advance, advance))
            except WsdlError as error:
                if not isinstance(error.__cause__, NotSentError):
                    raise
                refused = error.__cause__
            if refused is not None:
                # One failure, one error, whether or not the definition had been loaded.
                raise refused
            if address is None:
                self.use_definition(loaded)
                return
            started = time.monotonic()
            try:
                limits = _less(self.config.timeout, self._fetching)
                reply = yield fetch_request(address, self._interface.headers, limits)
            except JzySoapError as error:
                advance = partial(loading.throw, error)
            else:
                advance = partial(loading.send, reply)
            finally:
                self._fetching += time.monotonic() - started

    def use_definition(self, loaded: source.Loaded) -> None:
        """Use a definition."""
        self.definition, self._saved_on = loaded.origin, loaded.saved_on
        # Assigned last: other threads treat "needs no definition" as "ready".
        self._interface.use_bindings(loaded.bindings)

    def get_ready(self) -> Steps[None]:
        """Load the service definition and the password, so that the next call does nothing else before it is sent.

        Raises:
            JzySoapError: there is no usable definition, or no password.
        """
        yield Prepare(self._interface.needs_definition)
        if self.credentials.known is None:
            yield Work(self.credentials.encoded, exclusive=True)

    def send(self, plan: Plan) -> Steps[Sent]:
        """Send every batch of a plan, in order; the first that is not accepted stops the rest.

        Raises:
            PartlySentError: after a batch had been accepted; its cause is the error of the batch that was not.
            JzySoapError: the first batch's own. All have ``result``.
        """
        try:
            spent = yield from self._prepare(self._interface)
        except JzySoapError as error:
            error.result = plan.result()
            raise
        done: tuple[Batch, ...] = ()
        for part in plan.parts:
            failure = None
            started = datetime.now(CHINA)
            if plan.on_batch_started is not None:
                batch = Batch(part.mobiles, Outcome.NOT_SENT, started_at=started)
                # Nothing of this batch has left: an error of the hook speaks of those before it alone.
                yield from call_hook(
                    partial(plan.on_batch_started, batch), result=partial(plan.result, done), sent=bool(done)
                )
            try:
                batch_id = yield from self.call(part.call, spent)
                batch = Batch(part.mobiles, Outcome.ACCEPTED, batch_id, None, started)
            except JzySoapError as error:
                # The batch keeps the error, and with its frames it would keep the request.
                failure = error
                cut_frames(error)
                batch = Batch(part.mobiles, outcome_of(error), None, error, started)
            done, spent = (*done, batch), 0.0
            if failure is not None:
                failure.result = plan.result(done)
            if plan.on_batch is not None:
                yield from call_hook(partial(plan.on_batch, batch), result=partial(plan.result, done))
            if failure is not None:
                raise _partly_sent(done, failure) if len(done) > 1 else failure
        return plan.result(done)

    def change_password(self, new: str, call: Call[None]) -> Steps[None]:
        """Change the password; the session continues with the new one."""
        try:
            yield from self.call(call)
        except JzySoapError as error:
            if error.may_have_been_sent:
                error.add("Either the old or the new password may be valid now: try both")
            raise
        self.credentials.replace(new)

    def _prepare(self, interface: Interface) -> Steps[float]:
        """Load the definition if it is needed; return the seconds of the call's total that this has taken.

        Compiling the definition does not count: short limits would not survive the import of zeep.
        """
        needed, started = interface.needs_definition, time.monotonic()
        yield Prepare(needed)
        return min(time.monotonic() - started, self._fetching) if needed else 0.0

    def call(self, call: Call[T], spent: float | None = None) -> Steps[T]:
        """Make one call and report it to the log and to ``on_call``.

        Args:
            call: the call.
            spent: seconds of its total that its preparation has taken; None if it must still be prepared.
        """
        interface = self._interface_of(call)
        if spent is None:
            spent = yield from self._prepare(interface)
        interface.check(call)
        about = self._describe(call, interface)
        if about is not None and self.config.on_call_started is not None:
            yield from report_to("on_call_started", partial(self.config.on_call_started, about))
        started = time.monotonic()
        try:
            result = yield from self._authenticated(call, interface, spent)
        except JzySoapError as error:
            if self._saved_on and isinstance(error, SoapFaultError) and is_about_definition(error):
                error.add(self._advise_refresh())
            if call.operation.kind != "send" and error.may_have_been_sent and error.retry == "never":
                # Repeating a query or a poll texts nobody; records that a poll lost are lost either way.
                error.retry = "later"
            yield from self._report(call, about, started, outcome_of(error), error)
            raise
        except GeneratorExit:
            # Nobody carries out steps any more.
            raise
        except BaseException as error:
            # Interrupted, cancelled, or ended by a hook: the request may have been sent.
            yield from self._report(call, about, started, Outcome.UNKNOWN, error)
            raise
        batch_id = result if isinstance(result, str) else None
        if about is not None or logger.isEnabledFor(logging.DEBUG):
            yield from self._report(call, about, started, Outcome.ACCEPTED, None, batch_id)
        return result

    def _advise_refresh(self) -> str:
        return (
            f"The definition in use was saved on {self._saved_on}, and the gateway may have another one since: "
            f"wsdl_max_age=0 asks for it, and jzysoap wsdl fetch {self.config.base_url} --accept takes a changed one"
        )

    def check(self, call: Call[Any]) -> None:
        """Check that the interface can carry the arguments of a call, as far as this is known without asking.

        Raises:
            InvalidMessageError: naming the argument.
        """
        interface = self._interface_of(call)
        # What a definition has no argument for is known once it is loaded.
        if not interface.needs_definition:
            interface.check(call)

    def build(self, call: Call[Any], password: Secret) -> HttpRequest:
        """Return the request of a call, for which the definition must be loaded.

        Args:
            call: the call.
            password: the password as it is on the wire.
        """
        return self._interface_of(call).build(call, password)

    def _interface_of(self, call: Call[Any]) -> Interface:
        # Some operations exist on the servlet only.
        return self._interfaces["servlet"] if call.operation.definition == "never" else self._interface

    def _describe(self, call: Call[Any], interface: Interface) -> CallStarted | None:
        """Return what the hooks are told of a call; None if there is no hook for it."""
        config = self.config
        if config.on_call is None and config.on_call_started is None:
            return None
        return CallStarted(
            token_hex(8),
            call.operation.name,
            interface.name,
            config.username,
            self._poll_address if call.operation.kind == "poll" else self._address,
            call.numbers,
            call.segments,
        )

    def _report(
        self,
        call: Call[Any],
        about: CallStarted | None,
        started: float,
        outcome: Outcome,
        error: BaseException | None,
        batch_id: str | None = None,
    ) -> Steps[None]:
        duration = time.monotonic() - started
        name = type(error).__name__ if error else None
        level = logging.WARNING if outcome is Outcome.UNKNOWN else logging.DEBUG
        if logger.isEnabledFor(level):
            logger.log(
                level,
                "%s: %s in %.3f s, batch %s%s",
                call.operation.name,
                outcome.value,
                duration,
                batch_id or "-",
                f", {name}" if name else "",
            )
        if about is not None and self.config.on_call is not None:
            definition = self.definition if about.interface == self._interface.name else ""
            event = CallEvent(
                **{one.name: getattr(about, one.name) for one in fields(about)},
                outcome=outcome,
                error=name,
                duration=duration,
                batch_id=batch_id,
                definition=definition,
            )
            yield from report_to("on_call", partial(self.config.on_call, event))

    def _authenticated(self, call: Call[T], interface: Interface, spent: float) -> Steps[T]:
        # A callable may ask a vault for the password. A known one is used at once: a thread costs more than a call.
        password = self.credentials.known or (yield Work(self.credentials.encoded, exclusive=True))
        try:
            return (yield from self._exchange(call, interface, password, spent))
        except AuthenticationError as error:
            # The gateway refused for certain, so a second call cannot text anyone twice.
            if error.may_have_been_sent or not (yield Work(partial(self.credentials.renew, password), exclusive=True)):
                raise
        return (yield from self._exchange(call, interface, self.credentials.encoded()))

    def _exchange(self, call: Call[T], interface: Interface, password: Secret, spent: float = 0.0) -> Steps[T]:
        poll = call.operation.kind == "poll"
        sent = self.credentials.plain() if interface.needs_plain_password(call) else password
        request = interface.build(call, sent)
        reply: HttpReply = yield (replace(request, timeout=_less(request.timeout, spent)) if spent else request)
        hooks = [hook for hook in (call.on_reply, self.config.on_reply) if hook is not None] if poll else []
        if hooks and reply.body:
            raw = self._raw_reply(call, interface, reply)
            for hook in hooks:
                yield from call_hook(partial(hook, raw), raw=lambda: reply.body)
        read = partial(read_reply, call, type(interface), reply, self._secrets(call, password))
        try:
            return (yield Work(read)) if len(reply.body) > PARSE_IN_THREAD_ABOVE else read()
        except (Exception, GeneratorExit):
            raise
        except BaseException:  # KeyboardInterrupt, or the cancellation of a task: what was received is lost
            if poll and not hooks:
                logger.warning("an interrupted poll received %d bytes that no on_reply keeps", len(reply.body))
            raise

    def _raw_reply(self, call: Call[Any], interface: Interface, reply: HttpReply) -> RawReply:
        return RawReply(
            call.operation.name,
            interface.name,
            self.config.username,
            datetime.now(CHINA),
            reply.status,
            reply.headers.get("content-type", ""),
            reply.body,
            reply.problem,
        )

    def _secrets(self, call: Call[Any], password: Secret | None) -> tuple[str, ...]:
        return (*(self.credentials.secrets(password) if password else ()), *call.secrets)


def _advance(step: Callable[[], str]) -> tuple[str | None, Any]:
    """Return the next address that the loading of a definition asks for, or None and the loaded definition."""
    try:
        return step(), None
    except StopIteration as stop:
        return None, stop.value


def _partly_sent(done: tuple[Batch, ...], failure: JzySoapError) -> PartlySentError:
    accepted = sum(len(batch.mobiles) for batch in done[:-1])
    error = PartlySentError(
        f"{accepted} recipients in {len(done) - 1} batches were accepted, then a batch was not "
        f"({done[-1].outcome.value}: {failure}); the rest was not sent",
        result=failure.result,
    )
    error.__cause__ = failure
    return error


def outcome_of(error: JzySoapError) -> Outcome:
    """Return the outcome of a call that raised an error."""
    if error.may_have_been_sent:
        return Outcome.UNKNOWN
    return Outcome.REJECTED if isinstance(error, GatewayError) else Outcome.NOT_SENT


def _less(timeout: Timeout, spent: float) -> Timeout:
    """Return the limits of a call of whose total so many seconds are spent."""
    return timeout._replace(total=max(timeout.total - spent, 0.001))
