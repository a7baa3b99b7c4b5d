"""The client for synchronous code."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

from jzysoap.calls import operations as calls
from jzysoap.client.base import BaseClient, copy_error
from jzysoap.model.door import public
from jzysoap.model.http import HttpRequest
from jzysoap.model.processes import PerProcess, Turn
from jzysoap.model.sent import Batch, JzySoapError, Sent
from jzysoap.model.steps import Hook, Prepare, Steps, Work
from jzysoap.model.values import Balance, Channel, DeliveryReport, Poll, Reply

T = TypeVar("T")


class Client(BaseClient):
    __module__ = "jzysoap"
    __doc__ = BaseClient.__doc__

    def _open(self) -> None:
        self._transport: Transport | CustomTransport
        if self._config.transport is None:
            # requests takes longer to import than all of this library.
            from jzysoap.transport.sync import Transport

            self._transport = Transport(self._config)
        else:
            from jzysoap.transport.custom import CustomTransport

            self._transport = CustomTransport(self._config)
        self._turn = PerProcess(partial(Turn, "loads its definition", self._config.timeout.total))
        self._failed: JzySoapError | None = None

    @public
    def send(
        self,
        mobile: str | Iterable[str],
        text: str,
        *,
        channel: Channel | None = None,
        extension: str | None = None,
        signature: str | None = None,
        long: bool | None = None,
        batch_size: int | None = None,
        on_batch_started: Callable[[Batch], object] | None = None,
        on_batch: Callable[[Batch], object] | None = None,
    ) -> Sent:
        """Send a text (docs/protocol.md#send).

        Args:
            mobile: a number, several in one text separated by commas, or an iterable of numbers; any count of them is
                sent in batches. Spaces, hyphens and the prefix ``+86`` are removed, and so are repeated numbers.
            text: the message, without its signature.
            channel: in place of the client's own.
            extension: in place of the client's own; digits as text.
            signature: in place of the client's own; empty for none.
            long: the long-message flag; None sets it by the length of the text with its signature.
            batch_size: in place of the client's own.
            on_batch_started: called with each ``Batch`` before it leaves, when its outcome is ``NOT_SENT`` and it has
                ``started_at``. If it raises, that batch and those after it are not sent.
            on_batch: called with each ``Batch`` as soon as its outcome is known.

        Returns:
            The outcome of each batch; all are accepted.

        Raises:
            InvalidMessageError: an argument, by name; every unusable number at once. Nothing was sent.
            PartlySentError: batches were accepted before one was not.
            JzySoapError: no batch was accepted; see ``may_have_been_sent`` and ``retry``.
        """
        plan = calls.send(
            self._config,
            mobile,
            text,
            channel=channel,
            extension=extension,
            signature=signature,
            long=long,
            batch_size=batch_size,
            on_batch_started=on_batch_started,
            on_batch=on_batch,
        )
        return self._run(self._session.send(plan))

    @public
    def balance(self) -> Balance:
        """Return the messages left on each channel (docs/protocol.md#balance).

        Raises:
            GatewayError: the gateway refused; ``RateLimitedError`` if it was asked too often.
            JzySoapError: no usable answer came.
        """
        return self._run(self._session.call(calls.balance(self._config)))

    @public
    def reports(self) -> Poll[DeliveryReport]:
        """Poll for the delivery reports that are waiting (docs/protocol.md#delivery-reports).

        Assume that the gateway forgets what a poll returns: store the records before anything else.

        Raises:
            IncompletePollError: the answer was cut off; the error has the complete records.
            GatewayError: the gateway refused.
            JzySoapError: no usable answer came; ``raw`` has the bytes that did.
        """
        return self._run(self._session.call(calls.reports(self._config)))

    @public
    def replies(self) -> Poll[Reply]:
        """Poll for the replies that are waiting (docs/protocol.md#replies).

        Assume that the gateway forgets what a poll returns: store the records before anything else.

        Raises:
            IncompletePollError: the answer was cut off; the error has the complete records.
            GatewayError: the gateway refused.
            JzySoapError: no usable answer came; ``raw`` has the bytes that did.
        """
        return self._run(self._session.call(calls.replies(self._config)))

    @public
    def change_password(self, new: str, *, base64: bool = False) -> None:
        """Change the account's password (docs/protocol.md#change-of-password); the client continues with the new one.

        Only the servlet has this operation: a client of the SOAP interface uses the servlet for it.

        Args:
            new: ASCII letters and digits.
            base64: True to send both passwords as BASE64, as in every other operation. The vendor's sample shows them
                in the clear; the text does not say.

        Raises:
            AuthenticationError: no such user.
            GatewayError: the gateway refused.
            JzySoapError: no usable answer came. If ``may_have_been_sent`` is True, either password may be valid.
        """
        call = calls.change_password(self._config, new, base64=base64)
        self._run(self._session.change_password(new, call))

    @public
    def prepare(self) -> None:
        """Load the service definition now, not at the first call.

        Raises:
            NotSentError: no connection to the gateway could be made, and no definition is saved.
            WsdlError: there is no usable definition.
            ConfigurationError: the client is closed.
        """
        self._prepare(definition=self._session.needs_definition)

    def close(self) -> None:
        """Close the connections. A closed client refuses calls."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, steps: Steps[T]) -> T:
        try:
            step = next(steps)
            while True:
                try:
                    result = self._carry_out(step)
                except BaseException as error:  # noqa: BLE001  # the operation raises it again
                    # KeyboardInterrupt included: the operation reports whether the request may have been sent.
                    step = steps.throw(error)
                else:
                    step = steps.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value

    def _carry_out(self, step: HttpRequest | Work | Prepare | Hook) -> object:
        if isinstance(step, HttpRequest):
            return self._transport.exchange(step)
        if isinstance(step, Hook):
            return step.call()
        if isinstance(step, Work):
            return step.do()
        self._prepare(definition=step.definition)
        return None

    def _prepare(self, *, definition: bool) -> None:
        self._transport.check_open()
        if definition:
            failed = self._failed
            with self._turn.get():
                if self._session.needs_definition:
                    self._load(failed)

    def _load(self, failed: JzySoapError | None) -> None:
        if self._failed is not None and self._failed is not failed:
            # The attempt failed while this thread waited. If each tried again, the last would wait for all of them.
            raise copy_error(self._failed)
        try:
            self._run(self._session.load_definition())
        except JzySoapError as error:
            self._failed = copy_error(error)
            raise
