"""The two kinds of documents that a poll returns, and how their records become models."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from jzysoap.model.values import Reply
from jzysoap.results.columns import make_replies, make_reports
from jzysoap.results.fast import Columns
from jzysoap.results.records import make_reply, make_report

T = TypeVar("T")


class Schema(NamedTuple, Generic[T]):
    """A kind of document.

    Attributes:
        root: the name of the root element.
        record: the name of a record's element.
        read: makes the model of one record from its fields; None if it has no mobile.
        read_all: makes the models of many records from the columns of their values; None if one has no mobile.
    """

    root: str
    record: str
    read: Callable[[dict[str, str]], T | None]
    read_all: Callable[[Columns], list[T] | None]


REPORTS = Schema("smsreport", "psreport", make_report, make_reports)


def replies_schema(encoding: str = "gb18030") -> Schema[Reply]:
    """Return the schema of a document of replies, whose texts are in that charset."""
    return Schema(
        "smsrerecv", "psrerecv", partial(make_reply, encoding=encoding), partial(make_replies, encoding=encoding)
    )
