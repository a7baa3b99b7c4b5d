"""What a client does between being asked and answering, with no I/O of its own.

Each operation is a generator: it yields a ``Request`` that is to be exchanged, and is sent the ``Reply``; or it yields
``Work`` that may block, and is sent what that returns. An error is thrown into it. It returns the model. ``Client``
and ``AsyncClient`` differ in who does these things; everything else is here, once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TypeVar

from jzysoap._version import __version__
from jzysoap.calls import operations as calls
from jzysoap.calls.operations import Answer, Call, Plan
from jzysoap.definition.bindings import Bindings
from jzysoap.interface import servlet, soap
from jzysoap.interface.base import status_error
from jzysoap.model.errors import (
    AuthenticationError,
    GatewayError,
    HookError,
    IncompletePollError,
    MalformedReplyError,
    OutcomeUnknownError,
    PartlySentError,
)
from jzysoap.model.events import CallEvent
from jzysoap.model.http import HttpReply, HttpRequest
from jzysoap.model.masking import Secret, mask_evidence, mask_text
from jzysoap.model.sent import Batch, JzySoapError, Outcome, Sent
from jzysoap.model.steps import Steps, Work
from jzysoap.model.values import Balance, DeliveryReport, Poll, Reply
from jzysoap.settings.config import Config
from jzysoap.settings.credentials import Credentials

logger = logging.getLogger("jzysoap")

T = TypeVar("T")


SOAP_PATH = "/services/userApi"

# AsyncClient parses replies above this many bytes in a thread.
PARSE_IN_THREAD_ABOVE = 262_144


class Session:
    """One account at one gateway.

    Args:
        config: the client's checked arguments.

    Attributes:
        bindings: the compiled bindings; must be there before a call over SOAP is started.
        definition: where they came from: ``live``, ``saved``, ``given`` or ``bundled``.
        headers: what every request says.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.credentials = Credentials(config)
        self.bindings: Bindings | None = None
        self.definition = ""
        given = {name.lower() for name in config.headers}
        own = {"User-Agent": f"jzysoap/{__version__}", "Accept-Encoding": "gzip"}
        self.headers = {**{name: own[name] for name in own if name.lower() not in given}, **config.headers}

    def send(self, plan: Plan) -> Steps[Sent]:
        """Every batch of a send, in order; the first that is not accepted stops the rest.

        Raises:
            PartlySentError: after a batch had been accepted, with that batch's error as its cause.
            JzySoapError: the batch's own, when none had been accepted. Both have ``result``.
        """
        done: list[Batch] = []
        for number, part in enumerate(plan.parts):
            failure = None
            try:
                batch = Batch(part.mobiles, Outcome.ACCEPTED, (yield from self.call(part.call)))
            except JzySoapError as error:
                failure = error
                batch = Batch(part.mobiles, _outcome(error), None, error)
            done.append(batch)
            if failure is not None:
                failure.result = self._known(plan, done)
            if plan.on_batch is not None:
                _hand_over(partial(plan.on_batch, batch), "result", partial(self._known, plan, done))
            if failure is None:
                continue
            if number == 0:
                raise failure
            accepted = sum(len(batch.mobiles) for batch in done[:-1])
            raise PartlySentError(
                f"{accepted} recipients in {number} batches were accepted, then a batch was not "
                f"({batch.outcome.value}: {failure}); the rest was not sent",
                result=failure.result,
            ) from failure
        return Sent(tuple(done), plan.segments)

    def _known(self, plan: Plan, done: Sequence[Batch]) -> Sent:
        return Sent((*done, *self.unsent(plan).batches[len(done) :]), plan.segments)

    def balance(self) -> Steps[Balance]:
        """One balance query."""
        return self.call(calls.balance())

    def reports(self) -> Steps[Poll[DeliveryReport]]:
        """One poll for delivery reports."""
        return self.call(calls.reports(self.config))

    def replies(self) -> Steps[Poll[Reply]]:
        """One poll for replies."""
        return self.call(calls.replies(self.config))

    def change_password(self, new: str, call: Call[None]) -> Steps[None]:
        """One change of password; the session goes on with the new one."""
        # A traceback shows the locals of this frame.
        new = Secret(new)
        try:
            yield from self.call(call)
        except JzySoapError as error:
            if error.may_have_been_sent:
                error.args = (f"{error}. Either the old or the new password may hold now: try both",)
            raise
        self.credentials.replace(new)

    def unsent(self, plan: Plan) -> Sent:
        """What is known of a send that was never started."""
        return Sent(tuple(Batch(part.mobiles, Outcome.NOT_SENT) for part in plan.parts), plan.segments)

    def adopt(self, bindings: Bindings, definition: str) -> None:
        """Takes what a definition was compiled to, and where that came from."""
        self.definition = definition
        # Last: another thread takes it for the sign that all is there.
        self.bindings = bindings

    def needs_bindings(self) -> bool:
        """Whether the service definition must still be loaded."""
        return self.bindings is None and self.config.interface == "soap"

    def call(self, call: Call[T]) -> Steps[T]:
        """One call, told to the log and to ``on_call``."""
        started = time.monotonic()
        failure: JzySoapError | None = None
        result = None
        try:
            result = yield from self._authenticated(call)
        except JzySoapError as error:
            failure = error
            if call.kind != "send" and error.may_have_been_sent and error.retry == "never":
                # Repeating a query or a poll texts nobody; what a poll may have lost is lost either way.
                error.retry = "later"
        except BaseException as error:
            # Interrupted, cancelled, or given up by a hook: it may have been sent.
            self._tell(call, started, Outcome.UNKNOWN, error, None)
            raise
        outcome = _outcome(failure) if failure else Outcome.ACCEPTED
        self._tell(call, started, outcome, failure, result if isinstance(result, str) else None)
        if failure is not None:
            # The frames below, and of what led to it, hold what was read in plain sight; it says all that they could.
            failure.__context__ = None
            raise failure.with_traceback(None)
        return result  # type: ignore[return-value]  # it is a T wherever there is no failure

    def _tell(
        self, call: Call[T], started: float, outcome: Outcome, error: BaseException | None, batch_id: str | None
    ) -> None:
        event = CallEvent(
            call.operation,
            "servlet" if self._over_servlet(call) else "soap",
            outcome,
            type(error).__name__ if error else None,
            time.monotonic() - started,
            call.numbers,
            call.segments,
            batch_id,
            "" if self._over_servlet(call) else self.definition,
        )
        level = logging.WARNING if outcome is Outcome.UNKNOWN else logging.DEBUG
        if logger.isEnabledFor(level):
            logger.log(
                level,
                "%s: %s in %.3f s, batch %s%s",
                event.operation,
                outcome.value,
                event.duration,
                # A gateway may put anything in its place.
                mask_text(event.batch_id or "-", self._secrets(call, self.credentials.known)),
                f", {event.error}" if error else "",
            )
        if self.config.on_call is not None:
            try:
                self.config.on_call(event)
            except Exception:
                # An answer that came must not be lost, nor a message sent again, over a count that went wrong.
                logger.exception("on_call failed")

    def _authenticated(self, call: Call[T]) -> Steps[T]:
        # A callable may ask a vault for the password; a thread for it costs more than a call.
        password = self.credentials.known or (yield Work(self.credentials.encoded, exclusive=True))
        try:
            return (yield from self._exchange(call, password))
        except AuthenticationError as error:
            # Refused for certain, so asking once more cannot text anyone twice.
            if error.may_have_been_sent or not (yield Work(partial(self.credentials.renew, password), exclusive=True)):
                raise
        return (yield from self._exchange(call, self.credentials.encoded()))

    def _exchange(self, call: Call[T], password: Secret) -> Steps[T]:
        poll = call.kind == "poll"
        reply: HttpReply = yield self._request(call, password)
        if poll and self.config.on_reply is not None:
            _hand_over(partial(self.config.on_reply, call.operation, reply.body), "raw", lambda: reply.body)
        read = partial(self._read, call, reply, self._secrets(call, password))
        try:
            return (yield Work(read)) if len(reply.body) > PARSE_IN_THREAD_ABOVE else read()
        except (Exception, GeneratorExit):
            raise
        except BaseException:
            if poll and self.config.on_reply is None:
                logger.warning("an interrupted poll received %d bytes that no on_reply keeps", len(reply.body))
            raise

    def _secrets(self, call: Call[T], password: Secret | None) -> tuple[str, ...]:
        return (*(self.credentials.secrets(password) if password else ()), *call.secrets)

    def _read(self, call: Call[T], reply: HttpReply, secrets: tuple[str, ...]) -> T:
        failure: JzySoapError
        try:
            return self._read_whole(call, reply, secrets) if reply.problem is None else self._read_part(call, reply)
        except JzySoapError as error:
            failure = error
        except Exception as problem:  # noqa: BLE001  # nothing is hidden: what is raised tells of it
            # There is an answer, whatever is wrong here: no memory left for it, or no file for what an odd one needs.
            failure = OutcomeUnknownError(f"the gateway's answer could not be read here: {describe_error(problem)}")
        # What came of a poll is all there will ever be of it.
        failure.raw = reply.body if call.kind == "poll" else mask_evidence(reply.body, secrets)
        raise failure

    def _read_whole(self, call: Call[T], reply: HttpReply, secrets: tuple[str, ...]) -> T:
        interface = servlet if self._over_servlet(call) else soap
        try:
            return call.read(Answer(interface.read(reply, secrets=secrets), reply.body, secrets))
        except MalformedReplyError as error:
            if call.kind != "poll" or not error.cut_off:
                raise
        return self._read_part(call, replace(reply, problem="it ends in the middle"))

    def _read_part(self, call: Call[T], reply: HttpReply) -> T:
        if call.kind != "poll" and reply.status >= 300:
            raise status_error(reply)
        if call.kind != "poll":
            raise OutcomeUnknownError(f"the gateway's answer is not complete: {reply.problem}")
        interface = servlet if self._over_servlet(call) else soap
        try:
            return call.read(Answer(interface.read_part(reply), reply.body, complete=False))
        except IncompletePollError as error:
            if reply.status >= 300 and not error.poll:
                raise status_error(reply) from None
            raise IncompletePollError(
                f"the gateway's answer is not complete: {reply.problem}; {len(error.poll)} complete records came",
                raw=reply.body,
                poll=error.poll,
            ) from None

    def _request(self, call: Call[T], password: Secret) -> HttpRequest:
        config = self.config
        poll = call.kind == "poll"
        if self._over_servlet(call):
            path = servlet.UTF8_PATH if config.utf8_servlet else servlet.PATH
            encoding = "utf-8" if config.utf8_servlet else "gbk"
            if config.utf8_servlet or call.plain_password:
                password = self.credentials.plain()
            headers, body = servlet.build(call, config.username, password, encoding=encoding)
        else:
            assert self.bindings is not None, "a client loads them before it starts a call"
            path = SOAP_PATH
            headers, body = soap.build(call, config.username, password, self.bindings)
        return HttpRequest(
            "POST",
            ((config.poll_url if poll else None) or config.base_url) + path,
            {**self.headers, **headers},
            body,
            config.poll_timeout if poll else config.timeout,
            config.max_poll_bytes if poll else config.max_reply_bytes,
            consuming=poll,
        )

    def _over_servlet(self, call: Call[T]) -> bool:
        return self.config.interface == "servlet" or call.operation == "updatePassword"


def _outcome(error: JzySoapError) -> Outcome:
    if error.may_have_been_sent:
        return Outcome.UNKNOWN
    return Outcome.REJECTED if isinstance(error, GatewayError) else Outcome.NOT_SENT


def describe_error(error: Exception) -> str:
    """Describe an error without quoting the reply: its class, and its text if the error is the system's own."""
    of_system = isinstance(error, (OSError, ImportError, MemoryError))
    return f"{type(error).__name__}: {error}" if of_system and str(error) else type(error).__name__


def _hand_over(hook: Callable[[], object], name: str, known: Callable[[], object]) -> None:
    """Calls a user's hook; what it could not keep, its error brings to the caller as an attribute."""
    try:
        hook()
    except (JzySoapError, StopIteration) as error:
        # The other one would end the operation that it comes out of, as if that had come to its end.
        failure = HookError(f"a hook raised {type(error).__name__}, which is not about this call", **{name: known()})
        raise failure from error
    except BaseException as error:
        # An interrupt too: what it kept from being stored is nowhere else.
        with suppress(AttributeError):
            setattr(error, name, known())
        raise
    finally:
        # They show what is to be kept.
        del hook, known
