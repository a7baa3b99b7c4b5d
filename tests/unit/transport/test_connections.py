"""What watched pools keep their connections in."""

from __future__ import annotations

import queue
from typing import Any

import pytest
import urllib3

from jzysoap.transport.connections import Stack, watch


def test_what_a_pool_keeps_its_connections_in() -> None:
    stack, like = Stack(2), queue.LifoQueue[str](2)
    for one in (stack, like):
        one.put("a", block=False)
        one.put("b", block=False)
        with pytest.raises(queue.Full):
            one.put("c", block=False)
        assert one.qsize() == 2
        assert [one.get(block=False, timeout=1) for _ in range(2)] == ["b", "a"]
        with pytest.raises(queue.Empty):
            one.get(block=False)


@pytest.mark.parametrize(("waits", "kind"), [(False, Stack), (True, urllib3.connectionpool.ConnectionPool.QueueCls)])
def test_a_pool_that_waits_for_a_connection_keeps_its_queue(waits: bool, kind: type[Any]) -> None:
    manager = urllib3.PoolManager()
    watch(manager, waits=waits)
    assert type(manager.connection_from_url("http://127.0.0.1").pool) is kind


def test_a_pool_with_a_queue_of_its_own_keeps_it() -> None:
    class Own(queue.LifoQueue[Any]):
        pass

    class Pool(urllib3.HTTPConnectionPool):
        QueueCls = Own

    manager = urllib3.PoolManager()
    manager.pool_classes_by_scheme = {"http": Pool}
    watch(manager, waits=False)
    assert type(manager.connection_from_url("http://127.0.0.1").pool) is Own
