"""The calls of a client as the mailbox makes them: one batch with a moment to end at, one poll with a hook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from jzysoap.calls import operations as calls
from jzysoap.calls.operations import Call, Plan
from jzysoap.client.session import outcome_of
from jzysoap.client.stored import parse_replies, parse_reports
from jzysoap.client.sync import Client
from jzysoap.model.door import cut_frames, public
from jzysoap.model.errors import ConfigurationError
from jzysoap.model.events import RawReply
from jzysoap.model.http import address_of
from jzysoap.model.sent import Batch, JzySoapError, Outcome
from jzysoap.model.values import CHINA, Channel, Poll


class DurableCalls:
    """The calls of one client.

    Args:
        client: the client; it may be used for other calls too.

    Attributes:
        account: the account's name.
        address: the gateway's scheme, host and port.
        total: seconds that a send takes at most, once its connection is asked for.
        poll_total: seconds that a poll takes at most.

    Raises:
        ConfigurationError: it is no ``Client``.
    """

    def __init__(self, client: Client) -> None:
        if not isinstance(client, Client):
            kind = type(client).__name__
            raise ConfigurationError(f"client must be a Client, not {kind}: asynchronous code uses it in a thread")
        self._client = client
        self._session = client._session
        self._config = client._config
        self.account = self._config.username
        self.address = address_of(self._config.base_url)
        self.total = self._config.timeout.total
        self.poll_total = self._config.poll_timeout.total

    def plan(
        self,
        mobile: str | Iterable[str],
        text: str,
        *,
        channel: Channel | None = None,
        extension: str | None = None,
        signature: str | None = None,
        long: bool | None = None,
        batch_size: int | None = None,
    ) -> Plan:
        """Check a send and split it into batches, as ``Client.send`` does; no I/O.

        Raises:
            InvalidMessageError: an argument, by name.
        """
        return calls.send(
            self._config,
            mobile,
            text,
            channel=channel,
            extension=extension,
            signature=signature,
            long=long,
            batch_size=batch_size,
        )

    @public
    def prepare(self) -> None:
        """Load the definition and the password, so that a call is sent as soon as it is made.

        Raises:
            JzySoapError: there is no usable definition, or no password; or the client is closed.
        """
        self._client._run(self._session.get_ready())

    @public
    def send(self, mobiles: tuple[str, ...], arguments: Mapping[str, str], not_after: float) -> Batch:
        """Send one batch that was planned before.

        Args:
            mobiles: the recipients, in the wire's spelling.
            arguments: the other arguments of the planned call, by their names on the wire.
            not_after: the moment, on the clock of ``model.clock``, after which its first byte is not sent.

        Returns:
            The batch with its outcome. No error of this library is raised: it is the batch's.
        """
        started = datetime.now(CHINA)
        try:
            call = calls.resume(self._config, mobiles, arguments, not_after)
            batch_id = self._client._run(self._session.call(call))
        except JzySoapError as error:
            cut_frames(error)
            return Batch(mobiles, outcome_of(error), None, error, started)
        return Batch(mobiles, Outcome.ACCEPTED, batch_id, None, started)

    @public
    def poll(self, operation: str, on_reply: Callable[[RawReply], object]) -> Poll[Any]:
        """Poll once, as ``Client.reports`` or ``Client.replies`` does.

        Args:
            operation: ``getSmsReport`` or ``getRecvSMS``.
            on_reply: called with the answer before it is parsed, before the client's own ``on_reply``.

        Raises:
            HookError: ``on_reply`` raised an error of this library.
            JzySoapError: as those do.
        """
        make: Callable[..., Call[Poll[Any]]] = calls.reports if operation == "getSmsReport" else calls.replies
        return self._client._run(self._session.call(make(self._config, on_reply=on_reply)))

    @public
    def parse(self, raw: RawReply) -> Poll[Any]:
        """Return the records of an answer that was stored, read with the client's options.

        Raises:
            JzySoapError: as ``parse_reports`` does.
        """
        parse: Callable[..., Poll[Any]] = partial(
            parse_reports if raw.operation == "getSmsReport" else parse_replies,
            reply_encoding=self._config.reply_encoding,
            empty_texts=self._config.empty_texts,
        )
        return parse(raw)
