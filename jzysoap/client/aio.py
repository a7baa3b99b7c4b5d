"""The client for asynchronous code: ``Client``'s operations, over httpx.

Nothing blocks the event loop: the definition is compiled, and a password's callable asked, in a thread.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
from collections.abc import Callable, Iterable
from functools import partial
from types import TracebackType
from typing import Any, NoReturn, TypeVar
from weakref import WeakKeyDictionary

from jzysoap.client.base import BaseClient, for_another
from jzysoap.definition import source as wsdl
from jzysoap.model.errors import NotSentError
from jzysoap.model.http import HttpReply, HttpRequest
from jzysoap.model.sent import Batch, JzySoapError, Sent
from jzysoap.model.steps import Steps, Work
from jzysoap.model.values import Balance, Channel, DeliveryReport, Poll, Reply
from jzysoap.transport.aio import AsyncTransport, Exchange

logger = logging.getLogger("jzysoap")

# Seconds after which a thread that waits for the event loop looks whether it still runs.
_LOOK = 0.5

T = TypeVar("T")
C = TypeVar("C", bound="AsyncClient")


class AsyncClient(BaseClient):
    __module__ = "jzysoap"
    __doc__ = (BaseClient.__doc__ or "").replace(
        "adapter: what moves the bytes, in place of the client's own: a requests adapter that never retries.",
        "adapter: what moves the bytes, in place of the client's own: an httpx asynchronous transport.",
    )

    def _open(self) -> None:
        self._transport = AsyncTransport(self._config)
        self._loading: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}
        self._alone: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

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
        on_batch: Callable[[Batch], object] | None = None,
    ) -> Sent:
        """As ``Client.send``. When it is cancelled, its connection is closed and its outcome is unknown."""
        options = {"channel": channel, "extension": extension, "signature": signature, "long": long}
        try:
            plan = self._plan(mobile, text, {**options, "batch_size": batch_size, "on_batch": on_batch})
        finally:
            # A traceback shows the locals of this frame: recipients and text must not be among them.
            del mobile, text, extension, signature, options
        try:
            await self.prepare()
        except JzySoapError as error:
            error.result = self._session.unsent(plan)
            raise
        return await self._run(self._session.send(plan))

    async def balance(self) -> Balance:
        """As ``Client.balance``."""
        return await self._run(self._session.balance())

    async def reports(self) -> Poll[DeliveryReport]:
        """As ``Client.reports``.

        Once it has been asked for, a poll that is cancelled is still received within its deadline and handed to
        ``on_reply`` before the cancellation goes on.
        """
        return await self._run(self._session.reports())

    async def replies(self) -> Poll[Reply]:
        """As ``Client.replies``, and cancelled as ``reports``."""
        return await self._run(self._session.replies())

    async def change_password(self, new: str, *, base64: bool = False) -> None:
        """As ``Client.change_password``."""
        try:
            steps = self._change(new, base64)
        finally:
            del new
        await self._run(steps)

    async def prepare(self) -> None:
        """As ``Client.prepare``."""
        self._transport.check_open()
        while self._session.needs_bindings():
            loop = asyncio.get_running_loop()
            joined = loop in self._loading
            if not joined:
                # One for all that wait for it: asyncio resolves names in the same threads, and would find none free.
                self._loading[loop] = asyncio.ensure_future(self._load(loop))
                self._loading[loop].add_done_callback(partial(self._loaded, loop))
            try:
                await asyncio.shield(self._loading[loop])
            except JzySoapError as error:
                if joined and isinstance(error.__cause__, _LoopStoppedError):
                    # It was given up while the loop stood still, and nobody waited for it.
                    continue
                failure = for_another(error)
            else:
                return
            raise failure

    async def aclose(self) -> None:
        """Closes the connections, once the calls under way have ended. A closed client refuses calls."""
        await self._transport.aclose()
        loading = self._loading.get(asyncio.get_running_loop())
        if loading is not None:
            # What it has fetched is being compiled, or it finds the client closed; calls may wait for it.
            await asyncio.wait((loading,))

    async def __aenter__(self: C) -> C:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _load(self, loop: asyncio.AbstractEventLoop) -> None:
        load = partial(wsdl.load, self._config, partial(self._fetch, loop))
        self._session.adopt(*await _in_thread(load, otherwise=_refuse_to_load))

    def _loaded(self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
        self._loading.pop(loop, None)
        if not task.cancelled():
            # Nobody may be left who waits for it.
            task.exception()

    async def _run(self, steps: Steps[T]) -> T:
        await self.prepare()
        try:
            step = next(steps)
            while True:
                cancelled: asyncio.CancelledError | None = None
                try:
                    if not isinstance(step, HttpRequest):
                        result: Any = await self._do(step)
                    elif step.consuming:
                        result, cancelled = await self._finish(step)
                    else:
                        result = await self._transport.exchange(step)
                except BaseException as error:  # noqa: BLE001  # nothing is hidden: the operation raises it again
                    # A cancellation too: the operation says what may have been sent, and raises it again.
                    step = steps.throw(error)
                else:
                    if cancelled is not None:
                        _hand_over(steps, result, cancelled)
                    step = steps.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value

    async def _do(self, work: Work) -> object:
        if not work.exclusive:
            return await _in_thread(work.do, otherwise=work.do)
        async with self._alone.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            return await _in_thread(work.do, otherwise=work.do)

    async def _finish(self, request: HttpRequest) -> tuple[HttpReply, asyncio.CancelledError | None]:
        """Exchanges a request whose reply is gone if it is not received, and tells whether that was cancelled."""
        exchange = Exchange()
        task = asyncio.ensure_future(self._transport.exchange(request, exchange))
        # Whoever cancels all tasks, as asyncio.run does in the end, means this one; it is waited for.
        asyncio._unregister_task(task)
        cancelled: asyncio.CancelledError | None = None
        while not task.done():
            try:
                # A cancelled scope of anyio would cancel the waiting again and again.
                with self._transport.shield(cancelled is not None and exchange.sent):
                    await asyncio.wait((task,))
            except asyncio.CancelledError as error:
                cancelled = error
                if not exchange.sent:
                    task.cancel()
        if cancelled is None:
            return task.result(), None
        if task.cancelled() or task.exception() is not None:
            raise cancelled
        if self._config.on_reply is None:
            logger.warning("a cancelled poll received %d bytes that no on_reply keeps", len(task.result().body))
        return task.result(), cancelled

    def _fetch(self, loop: asyncio.AbstractEventLoop, url: str) -> HttpReply:
        request = HttpRequest("GET", url, self._session.headers, None, wsdl.FETCH_TIMEOUT, wsdl.MAX_DOCUMENT)
        fetching = asyncio.run_coroutine_threadsafe(self._transport.exchange(request), loop)
        while True:
            try:
                return fetching.result(_LOOK)
            except concurrent.futures.TimeoutError:
                # A loop that was stopped would leave this thread, and with it the process, waiting for ever.
                if not loop.is_running():
                    fetching.cancel()
                    raise _LoopStoppedError("the event loop has stopped") from None
            except concurrent.futures.CancelledError:
                raise NotSentError("the event loop is shutting down") from None


class _LoopStoppedError(NotSentError):
    """The loop stood still while a thread waited for it."""


async def _in_thread(work: Callable[[], T], *, otherwise: Callable[[], T]) -> T:
    """What a function gives that may block, or another one where no thread is to be had for it."""
    job: concurrent.futures.Future[T] = concurrent.futures.Future()
    try:
        await asyncio.to_thread(_do_job, job, work)
    except RuntimeError:
        # An executor that could start no thread keeps the work for those that it has, and they may be at it already.
        return otherwise() if job.cancel() else await asyncio.wrap_future(job)
    try:
        return job.result()
    finally:
        # What is raised has this frame, and is held by the job.
        del job


def _do_job(job: concurrent.futures.Future[T], work: Callable[[], T]) -> None:
    if job.set_running_or_notify_cancel():
        try:
            job.set_result(work())
        except BaseException as error:  # noqa: BLE001  # nothing is hidden: whoever waits has it raised
            job.set_exception(error)


def _refuse_to_load() -> NoReturn:
    raise NotSentError("no thread is to be had for loading the definition")


def _hand_over(steps: Steps[Any], result: object, cancelled: asyncio.CancelledError) -> NoReturn:
    """Lets a cancelled operation hand over what it received, and no more, before the cancellation goes on."""
    try:
        steps.send(result)
    except StopIteration:
        raise cancelled from None
    except Exception as error:
        # The cancellation was asked for; what went wrong on the way is its cause.
        raise cancelled from error
    steps.close()
    raise cancelled
