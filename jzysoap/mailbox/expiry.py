"""The end of batches that nobody sent in time, by the database's clock."""

from __future__ import annotations

import logging

from jzysoap.mailbox.store import Store
from jzysoap.model.clock import elapsed

logger = logging.getLogger("jzysoap.mailbox")

# Seconds by which the database's clock may differ from the process's own since the last look.
_JUMP = 60.0


class Expiry:
    """Has queued batches expire, unless the database's clock has jumped since the last look.

    Args:
        store: the messages.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._offset: float | None = None

    def run(self) -> int | None:
        """Give queued batches whose time is over the state ``expired``; return how many, None if the clock jumped."""
        offset = self._store.now() / 1000 - elapsed()
        jumped = self._offset is not None and abs(offset - self._offset) > _JUMP
        self._offset = offset
        if jumped:
            logger.warning("the database's clock has jumped: nothing expires this time")
            return None
        return self._store.expire()
