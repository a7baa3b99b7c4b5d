"""Requests and replies as plain values. All addresses and passwords are made up."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import pytest
from hypothesis import given, strategies as st

from jzysoap.interface.base import status_error
from jzysoap.model.errors import HttpStatusError
from jzysoap.model.http import HttpReply, HttpRequest, Timeout, origin
from jzysoap.model.masking import EVIDENCE, Secret, SecretBytes, mask_evidence

REQUEST = HttpRequest(
    "POST", "http://h/services/userApi", {"Authorization": "geheim"}, SecretBytes(b"geheim"), Timeout(1, 2, 3), 4096
)


def test_a_request_shows_neither_its_headers_nor_its_body() -> None:
    assert repr(REQUEST) == (
        "HttpRequest(method='POST', url='http://h/services/userApi', "
        "timeout=Timeout(connect=1, read=2, total=3), max_bytes=4096, consuming=False, not_after=None)"
    )
    assert dataclasses.replace(REQUEST, body=None).body is None


def test_a_reply_shows_neither_its_headers_nor_its_body() -> None:
    reply = HttpReply(200, {"set-cookie": "geheim"}, b"geheim", "interrupted")
    assert repr(reply) == "HttpReply(status=200, problem='interrupted')"
    assert HttpReply(200, {}, b"").problem is None
    assert pickle.loads(pickle.dumps(reply)) == reply  # noqa: S301  # our own


@pytest.mark.parametrize(
    ("header", "media", "charset"),
    [
        (None, "", None),
        ("", "", None),
        ("text/xml", "text/xml", None),
        (" Text/XML ; Charset = GBK ", "text/xml", "GBK"),
        ('text/xml;charset="utf-8"', "text/xml", "utf-8"),
        ("text/xml; charset='gb2312'; x=y", "text/xml", "gb2312"),
        ("multipart/related; boundary=a; charset=utf-8", "multipart/related", "utf-8"),
        ("text/xml; charset=", "text/xml", None),
        ('text/xml; charset=""', "text/xml", None),
        ("text/xml; charset", "text/xml", None),
        ("text/xml; charset=; charset=gbk", "text/xml", None),
        (";;;", "", None),
        ("charset=gbk", "charset=gbk", None),
    ],
)
def test_what_a_content_type_says(header: str | None, media: str, charset: str | None) -> None:
    reply = HttpReply(200, {} if header is None else {"content-type": header}, b"")
    assert (reply.content_type, reply.charset) == (media, charset)


@given(st.text(st.characters()))
def test_any_content_type_is_read(header: str) -> None:
    reply = HttpReply(200, {"content-type": header}, b"")
    assert ";" not in reply.content_type
    assert reply.charset is None or reply.charset.strip() == reply.charset


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://h", ("http", "h", 80)),
        ("HTTP://H:80/x?y", ("http", "h", 80)),
        ("https://h", ("https", "h", 443)),
        ("http://h:443", ("http", "h", 443)),
        ("http://user:pw@H:9003/", ("http", "h", 9003)),
        ("http://[::1]:9003", ("http", "::1", 9003)),
        ("ftp://h", ("ftp", "h", 0)),
        ("//h", ("", "h", 0)),
    ],
)
def test_the_origin_of_an_address(url: str, parts: tuple[str, str, int]) -> None:
    assert origin(url) == parts


@pytest.mark.parametrize(
    "url", ["", "h:9003", "http://", "http:///x", "http://:80", "http://h:x", "http://h:65536", "/x"]
)
def test_what_has_no_origin(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        origin(url)


@given(st.text(st.characters()) | st.text(st.characters()).map(lambda text: f"http://{text}"))
def test_any_text_has_an_origin_or_has_none(url: str) -> None:
    try:
        scheme, host, port = origin(url)
    except ValueError as error:
        host = str(error)
    else:
        assert scheme == scheme.lower()
        assert 0 <= port <= 65535
    assert host


SECRETS = ("Z2VoZWlt", "geheim")


def test_evidence_is_short_and_without_what_it_echoes() -> None:
    assert mask_evidence(b"password=geheim&again=Z2VoZWlt", SECRETS) == b"password=***&again=***"
    assert mask_evidence(b"x" * 5000, SECRETS) == b"x" * EVIDENCE
    assert mask_evidence(b"", SECRETS) == b""


def test_a_secret_in_another_does_not_keep_it_from_being_masked() -> None:
    assert mask_evidence(b"so geheim! geheim", ["geheim", "so geheim!"]) == b"*** ***"


@given(st.integers(0, 20), st.integers(0, 3))
def test_a_secret_across_the_cut_leaves_nothing(before: int, masked: int) -> None:
    # Secrets in front of the cut make the rest move up once they are masked.
    body = b"geheim" * masked + b"x" * (EVIDENCE - 3 * masked - before) + b"geheim" * 9
    kept = mask_evidence(body, SECRETS)
    assert len(kept) <= EVIDENCE
    assert b"ge" not in kept
    assert kept.rstrip(b"*").endswith(b"x")


@pytest.mark.parametrize("secret", ["密码", "\ud800x", Secret("geheim")])
def test_any_secret_is_looked_for(secret: str) -> None:
    assert mask_evidence(b"a" + "密码geheim".encode(), [secret]).startswith(b"a")
    body = b"<" + secret.encode("utf-8", "surrogatepass") + b">"
    assert mask_evidence(body, iter([secret])) == b"<***>"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (404, "the gateway answered with HTTP status 404: check base_url"),
        (302, "the gateway answered with HTTP status 302 (a redirect, which is never followed): check base_url"),
        (308, "the gateway answered with HTTP status 308 (a redirect, which is never followed): check base_url"),
        (304, "the gateway answered with HTTP status 304"),
        (299, "the gateway answered with HTTP status 299"),
        (400, "the gateway answered with HTTP status 400"),
        (503, "the gateway answered with HTTP status 503"),
    ],
)
def test_a_status_without_an_answer(status: int, text: str) -> None:
    error: Any = status_error(HttpReply(status, {}, b"body"))
    assert type(error) is HttpStatusError
    assert (str(error), error.status, error.may_have_been_sent) == (text, status, True)
