"""Watched pools and connections, without a socket."""

from __future__ import annotations

import urllib3

from jzysoap.transport.connections import watch


def test_a_manager_may_be_watched_twice() -> None:
    manager = urllib3.PoolManager()
    watch(manager)
    classes = dict(manager.pool_classes_by_scheme)
    watch(manager)
    assert manager.pool_classes_by_scheme == classes
