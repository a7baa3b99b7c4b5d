"""Stored answers, read without a client."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from jzysoap import (
    ConfigurationError,
    GatewayError,
    IncompletePollError,
    MalformedReplyError,
    RawReply,
    parse_replies,
    parse_reports,
)
from jzysoap.model.values import CHINA
from tests.kit.documents import replies, report
from tests.kit.samples import MOBILE, SECOND_MOBILE
from tests.kit.soap import envelope

DOCUMENT = f"<smsreport>{report(MOBILE)}{report(SECOND_MOBILE)}</smsreport>"
RAW = RawReply("getSmsReport", "soap", "test", datetime.now(CHINA), 200, "text/xml", envelope(DOCUMENT, "getSmsReport"))


def test_a_raw_reply_gives_its_records() -> None:
    poll = parse_reports(pickle.loads(pickle.dumps(RAW)))  # noqa: S301  # just written
    assert [one.mobile for one in poll] == [MOBILE, SECOND_MOBILE]
    assert poll.raw == RAW.body
    assert MOBILE not in repr(RAW)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_are_those_of_the_web_service_unless_told_otherwise(kind: Any) -> None:
    assert len(parse_reports(kind(RAW.body))) == 2
    assert len(parse_reports(kind(DOCUMENT.encode()), interface="servlet")) == 2


def test_the_content_type_names_the_charset() -> None:
    body = replies((MOBILE, "MTIz")).encode("utf-16")
    poll = parse_replies(body, interface="servlet", content_type="text/xml; charset=utf-16")
    assert [(one.mobile, one.text) for one in poll] == [(MOBILE, "123")]


def test_an_answer_that_was_cut_off_gives_its_complete_records() -> None:
    half = replace(RAW, body=RAW.body.rpartition(b"&lt;/status")[0], problem="the connection was closed")
    with pytest.raises(IncompletePollError, match="the connection was closed; 1 complete") as caught:
        parse_reports(half)
    assert len(caught.value.poll) == 1
    assert caught.value.raw == half.body


def test_a_refusal_is_raised() -> None:
    body = envelope("failure;没有数据", "getSmsReport")
    with pytest.raises(GatewayError):
        parse_reports(body)
    assert len(parse_reports(body, empty_texts=["没有数据"])) == 0


def test_what_cannot_be_read_is_raised_with_its_bytes() -> None:
    with pytest.raises(MalformedReplyError) as caught:
        parse_reports(b"<html>sorry</html>")
    assert caught.value.raw == b"<html>sorry</html>"


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((DOCUMENT,), {}, "raw must be a RawReply or bytes, not str"),
        ((replace(RAW, operation="getRecvSMS"),), {}, "raw is an answer to getRecvSMS, not to getSmsReport"),
        ((RAW,), {"interface": "rest"}, "interface must be one of"),
        ((RAW,), {"content_type": 5}, "content_type must be text, not int"),
        ((RAW,), {"reply_encoding": "klingon"}, "reply_encoding must name a text encoding"),
        ((RAW,), {"empty_texts": "none"}, "empty_texts must be a collection of texts"),
    ],
)
def test_arguments_that_cannot_be_used_are_named(arguments: Any, options: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        parse_reports(*arguments, **options)
