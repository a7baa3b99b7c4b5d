"""One way to call either client, so that the same test body runs for both."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from jzysoap import AsyncClient, Balance, Client, DeliveryReport, Estimate, Poll, Reply, Sent

Kind = type[Client] | type[AsyncClient]
KINDS: tuple[Kind, ...] = (Client, AsyncClient)


class Facade:
    """A client of either kind behind ``Client``'s methods.

    Args:
        kind: which of the two.
        arguments, options: its arguments. The definition is the shipped one unless they say otherwise.
    """

    def __init__(self, kind: Kind, *arguments: Any, **options: Any) -> None:
        self.client = kind(*arguments, **{"wsdl": "bundled", "cache_dir": False, **options})
        self.loop = asyncio.new_event_loop()

    def __enter__(self) -> Facade:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    def close(self) -> None:
        if isinstance(self.client, Client):
            self.client.close()
        else:
            self._do(self.client.aclose())

    def send(self, mobile: str | Iterable[str], text: str, **options: Any) -> Sent:
        sent: Sent = self._do(self.client.send(mobile, text, **options))
        return sent

    def estimate(self, mobile: str | Iterable[str], text: str, **options: Any) -> Estimate:
        return self.client.estimate(mobile, text, **options)

    def balance(self) -> Balance:
        balance: Balance = self._do(self.client.balance())
        return balance

    def reports(self) -> Poll[DeliveryReport]:
        reports: Poll[DeliveryReport] = self._do(self.client.reports())
        return reports

    def replies(self) -> Poll[Reply]:
        replies: Poll[Reply] = self._do(self.client.replies())
        return replies

    def change_password(self, new: str, **options: Any) -> None:
        self._do(self.client.change_password(new, **options))

    def prepare(self) -> None:
        self._do(self.client.prepare())

    def _do(self, result: Any) -> Any:
        return self.loop.run_until_complete(result) if asyncio.iscoroutine(result) else result
