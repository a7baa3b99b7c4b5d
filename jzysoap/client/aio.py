"""The client for asynchronous code: ``Client``'s operations, on asyncio.

Nothing blocks the event loop: the definition is compiled, and a password's callable asked, in a thread.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterable
from functools import partial
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar
from weakref import WeakKeyDictionary

from jzysoap.calls import operations as calls
from jzysoap.client.base import BaseClient, copy_error
from jzysoap.model.door import public
from jzysoap.model.http import HttpReply, HttpRequest
from jzysoap.model.processes import turn_error
from jzysoap.model.sent import Batch, JzySoapError, Sent
from jzysoap.model.steps import Hook, Steps, Work
from jzysoap.model.values import Balance, Channel, DeliveryReport, Poll, Reply
from jzysoap.settings.credentials import ASKING
from jzysoap.transport.aio import AsyncTransport
from jzysoap.transport.cancellation import outlast
from jzysoap.transport.threads import in_thread

logger = logging.getLogger("jzysoap")

T = TypeVar("T")


class AsyncClient(BaseClient):
    __module__ = "jzysoap"
    __doc__ = BaseClient.__doc__

    _asynchronous = True

    def _open(self) -> None:
        self._transport = AsyncTransport(self._config)
        self._loading: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}
        self._alone: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    @public
    async def send(
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
        """Send a text, like ``Client.send``. A cancelled send closes its connection; its outcome is unknown."""
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
        return await self._run(self._session.send(plan))

    @public
    async def balance(self) -> Balance:
        """Return the messages left on each channel, like ``Client.balance``."""
        return await self._run(self._session.call(calls.balance(self._config)))

    @public
    async def reports(self) -> Poll[DeliveryReport]:
        """Poll for delivery reports, like ``Client.reports``.

        A poll that is cancelled after its request was sent is still received within its deadline and passed to
        ``on_reply``; then the cancellation continues.
        """
        return await self._run(self._session.call(calls.reports(self._config)))

    @public
    async def replies(self) -> Poll[Reply]:
        """Poll for replies, like ``Client.replies``; cancelled like ``reports``."""
        return await self._run(self._session.call(calls.replies(self._config)))

    @public
    async def change_password(self, new: str, *, base64: bool = False) -> None:
        """Change the account's password, like ``Client.change_password``."""
        call = calls.change_password(self._config, new, base64=base64)
        await self._run(self._session.change_password(new, call))

    @public
    async def prepare(self) -> None:
        """Load the service definition now, like ``Client.prepare``."""
        await self._prepare(definition=self._session.needs_definition)

    async def aclose(self) -> None:
        """Close the connections once the calls under way have ended. A closed client refuses calls."""
        await self._transport.aclose()
        loading = self._loading.get(asyncio.get_running_loop())
        if loading is not None:
            # What it has fetched is being compiled, or it finds the client closed; calls may wait for it.
            await asyncio.wait((loading,))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _prepare(self, *, definition: bool) -> None:
        self._transport.check_open()
        if not definition:
            return
        loop = asyncio.get_running_loop()
        if loop not in self._loading:
            # All callers share this task: loading the definition is the same work for each of them.
            task = self._loading[loop] = asyncio.ensure_future(self._run(self._session.load_definition()))
            task.add_done_callback(partial(self._loaded, loop))
        try:
            await asyncio.shield(self._loading[loop])
        except JzySoapError as error:
            failure = copy_error(error)
        else:
            return
        raise failure

    def _loaded(self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
        self._loading.pop(loop, None)
        if not task.cancelled():
            # All callers may have been cancelled: mark the exception as retrieved.
            task.exception()

    async def _run(self, steps: Steps[T]) -> T:
        try:
            step = next(steps)
            while True:
                result: Any = None
                cancelled: asyncio.CancelledError | None = None
                try:
                    if isinstance(step, HttpRequest):
                        result, cancelled = await self._transport.exchange(step)
                    elif isinstance(step, Work):
                        result = await self._do(step)
                    elif isinstance(step, Hook):
                        cancelled = await _wait_for_hook(step.call(), shielded=step.shielded)
                    else:
                        await self._prepare(definition=step.definition)
                except BaseException as error:  # noqa: BLE001  # the operation raises it again
                    # CancelledError included: the operation reports whether the request may have been sent.
                    step = steps.throw(error)
                else:
                    if cancelled is not None:
                        await self._hand_over(steps, result, cancelled)
                    step = steps.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value

    async def _do(self, work: Work) -> object:
        if not work.exclusive:
            return await in_thread(work.do)
        alone, patience = self._alone.setdefault(asyncio.get_running_loop(), asyncio.Lock()), self._config.timeout.total
        try:
            async with asyncio.timeout(patience):
                await alone.acquire()
        except TimeoutError:
            raise turn_error(ASKING, patience) from None
        try:
            return await in_thread(work.do)
        finally:
            alone.release()

    async def _hand_over(self, steps: Steps[Any], result: Any, cancelled: asyncio.CancelledError) -> NoReturn:
        """Let the hooks of a cancelled poll have what it received, and no more, before the cancellation goes on."""
        try:
            # If a hook comes first, it is on_reply. What follows, such as the parsing of a long answer, nobody awaits.
            await _carry_out_hooks(steps, steps.send(result))
            await _carry_out_hooks(steps, steps.throw(cancelled))
        except asyncio.CancelledError:
            raise cancelled from None
        except StopIteration:
            self._warn_of_loss(result)
        except Exception as error:
            # The cancellation was asked for; what went wrong on the way is its cause.
            self._warn_of_loss(result)
            raise cancelled from error
        raise cancelled

    def _warn_of_loss(self, result: object) -> None:
        if self._config.on_reply is None and isinstance(result, HttpReply):
            logger.warning("a cancelled poll received %d bytes that no on_reply keeps", len(result.body))


async def _wait_for_hook(returned: object, *, shielded: bool) -> asyncio.CancelledError | None:
    """Wait for a hook if it is asynchronous.

    Args:
        returned: what the hook returned.
        shielded: True to hold back a cancellation until the hook has ended; the hook then has a task of its own.

    Returns:
        The cancellation that was held back, else None.
    """
    if not inspect.isawaitable(returned):
        return None
    if not shielded:
        await returned
        return None
    task = asyncio.ensure_future(returned)
    cancelled = await outlast(lambda: asyncio.wait((task,)), task.done)
    if cancelled is not None and not task.cancelled() and task.exception() is not None:
        raise cancelled from task.exception()
    task.result()
    return cancelled


async def _carry_out_hooks(steps: Steps[Any], step: object) -> None:
    """Carry out hooks, which no cancellation reaches, up to the next step of another kind."""
    while isinstance(step, Hook):
        try:
            await _wait_for_hook(step.call(), shielded=True)
        except BaseException as error:  # noqa: BLE001  # the operation raises it again
            step = steps.throw(error)
        else:
            step = steps.send(None)
