"""Watched pools and connections, without a socket."""

from __future__ import annotations

import time
from typing import Any

import pytest
import urllib3
from urllib3.connection import HTTPConnection

from jzysoap.model.http import Timeout
from jzysoap.transport.connections import Trace, WatchedConnection, watch


def pool_of(kind: type[urllib3.HTTPConnectionPool] = urllib3.HTTPConnectionPool) -> Any:
    manager = urllib3.PoolManager()
    manager.pool_classes_by_scheme = {"http": kind}
    watch(manager)
    return manager.connection_from_url("http://127.0.0.1")


def test_a_manager_may_be_watched_twice() -> None:
    manager = urllib3.PoolManager()
    watch(manager)
    classes = dict(manager.pool_classes_by_scheme)
    watch(manager)
    assert manager.pool_classes_by_scheme == classes


def test_a_pool_watches_the_connections_of_the_class_that_it_has_now(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mock(HTTPConnection):
        pass

    pool = pool_of()
    kind = pool.ConnectionCls
    assert issubclass(kind, WatchedConnection)
    assert type(pool).ConnectionCls is pool.ConnectionCls is kind
    with monkeypatch.context() as patch:
        patch.setattr(urllib3.HTTPConnectionPool, "ConnectionCls", Mock)
        assert issubclass(pool.ConnectionCls, Mock)
        assert issubclass(pool.ConnectionCls, WatchedConnection)
    assert pool.ConnectionCls is kind


def test_a_pool_may_make_its_connections_with_a_function() -> None:
    def function(**options: Any) -> HTTPConnection:
        return HTTPConnection(**options)

    class Pool(urllib3.HTTPConnectionPool):
        ConnectionCls = staticmethod(function)  # type: ignore[assignment]  # as some do

    assert pool_of(Pool).ConnectionCls is function
    pool = pool_of()
    pool.ConnectionCls = function
    assert pool.ConnectionCls is function


def test_an_operation_lasts_until_its_limit_or_the_deadline() -> None:
    timeout = Timeout(1, 1, 1)
    trace = Trace(time.monotonic() + 100, timeout, 5, provable=True)
    assert trace.limit(3) == 3
    assert 0 < Trace(time.monotonic() + 1, timeout, 5, provable=True).limit(3) <= 1
    with pytest.raises(TimeoutError, match=r"^deadline$"):
        Trace(time.monotonic(), timeout, 5, provable=True).limit(3)
