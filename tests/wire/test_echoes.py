"""One property: a secret that an answer repeats, in any spelling and place, is shown nowhere.

Not in a text, a repr, a log record, an event, nor in what is left of a traceback. The attributes that are documented to
hold the gateway's words verbatim (``text``, ``raw``, ``numbers``) are the exception.
"""

from __future__ import annotations

import base64
import dataclasses
import html
import json
import logging
import pickle
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings, strategies as st

from jzysoap import CallEvent, CallStarted, Client, HttpReply, HttpRequest, JzySoapError
from tests.kit.documents import replies, report, reports
from tests.kit.leaks import library_frames, shown
from tests.kit.soap import SOAP_11, SOAP_12, bare_envelope

Spelling = Callable[[str], str]


def percent(text: str, charset: str = "utf-8", *, all_: bool = False) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode(charset)) if all_ else quote(text, "", charset)


def lower(text: str) -> str:
    return "".join(part if part[:1] != "%" else part.lower() for part in _percents(text))


def _percents(text: str) -> list[str]:
    parts, place = [], 0
    while place < len(text):
        width = 3 if text[place] == "%" else 1
        parts.append(text[place : place + width])
        place += width
    return parts


SPELLINGS: dict[str, Spelling] = {
    "plain": str,
    "form": quote_plus,
    "path": quote,
    "percent": percent,
    "lower percent": lambda text: lower(percent(text)),
    "lower form": lambda text: lower(quote_plus(text)),
    "GBK percent": lambda text: percent(text, "gbk"),
    "lower GBK percent": lambda text: lower(percent(text, "gbk")),
    "GBK form": lambda text: quote_plus(text, "", "gbk"),
    "HTML": lambda text: html.escape(text, quote=False),
    "HTML attribute": html.escape,
    "HTML &#39;": lambda text: html.escape(text).replace("&#x27;", "&#39;"),
    "XML &apos;": lambda text: html.escape(text).replace("&#x27;", "&apos;"),
    "decimal references": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "hexadecimal references": lambda text: "".join(f"&#x{ord(one):x};" for one in text),
    "HEXADECIMAL references": lambda text: "".join(f"&#x{ord(one):X};" for one in text),
    "references where needed": lambda text: "".join(one if one.isascii() else f"&#{ord(one)};" for one in text),
    "hexadecimal where needed": lambda text: "".join(one if one.isascii() else f"&#x{ord(one):x};" for one in text),
    "references in HTML": lambda text: html.escape(text).encode("ascii", "xmlcharrefreplace").decode(),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in Unicode": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON with \\/": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON of Java": lambda text: "".join(
        one if one.isascii() else f"\\u{ord(one):04X}" for one in json.dumps(text, ensure_ascii=False)[1:-1]
    ),
    "BASE64": lambda text: base64.b64encode(text.encode()).decode(),
    "BASE64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "BASE64 in a form": lambda text: quote_plus(base64.b64encode(text.encode()).decode()),
    "BASE64 of GBK": lambda text: base64.b64encode(text.encode("gbk")).decode(),
    "cut at its end": lambda text: text[:-1] + "…",
    "cut at its start": lambda text: "…" + text[1:],
    "in the middle": lambda text: f"x{text}y",
    "twice": lambda text: text * 2,
}

Place = Callable[[str], HttpReply]


def http(body: str, status: int = 200, **headers: str) -> HttpReply:
    given = {
        "content-type": "text/xml; charset=utf-8",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return HttpReply(status, given, body.encode("utf-8", "replace"))


def result(text: str, status: int = 200) -> HttpReply:
    return http(bare_envelope(f"<r><return>{html.escape(text, quote=False)}</return></r>"), status)


def fault(part: str, words: str, version: str = SOAP_11) -> HttpReply:
    words = html.escape(words, quote=False)
    return http(bare_envelope(f"<s:Fault><{part}>{words}</{part}></s:Fault>", version), 500)


PLACES: dict[str, Place] = {
    "refusal": lambda words: result(f"failure;{words}"),
    "refusal with words around": lambda words: result(f"failure;密码错误 password={words}&x=1 请重试"),
    "refused text": lambda words: result(f"failure;敏感内容[{words}]"),
    "refused number": lambda words: result(f"failure;号码错误:{words}"),
    "uncertain refusal": lambda words: result(f"failure;系统错误 {words}"),
    "batch id": lambda words: result(f"success;{words}"),
    "behind the batch id": lambda words: result(f"success;337017332;{words}"),
    "another text": result,
    "balance": lambda words: result(f"memberSmsNum=1;gateSmsNum={words}"),
    "code of a fault": lambda words: fault("faultcode", words),
    "text of a fault": lambda words: fault("faultstring", f"java.lang.Exception: {words}"),
    "actor of a fault": lambda words: fault("faultactor", words),
    "detail of a fault": lambda words: fault("detail", words),
    "reason of a fault": lambda words: fault("s:Reason", words, SOAP_12),
    "page": lambda words: http(f"<html><body>cannot handle {words}</body></html>", 500),
    "page at 200": lambda words: http(f"<html><body>{words}</body></html>"),
    "redirect": lambda words: http("", 302, location=f"http://h/?q={quote(words)}"),
    "content type": lambda words: http("success;1", 200, content_type=f"text/plain; charset={quote(words)}"),
    "header": lambda words: http("x", 500, x_echo=quote(words)),
    "comment": lambda words: http(f"<!-- {html.escape(words)} --><a/>"),
    "attribute": lambda words: http(bare_envelope(f'<r a="{html.escape(words)}"><b/><b/></r>')),
    "broken XML": lambda words: http(f"<s:Envelope>{words}</b>"),
    "cut off": lambda words: dataclasses.replace(result(f"failure;{words}"), problem="the connection was closed"),
    "mobile of a report": lambda words: result(reports(report(html.escape(words)))),
    "status of a report": lambda words: result(
        reports(report("13812345678").replace("<status>1", f"<status>{html.escape(words)}"))
    ),
    "unknown field of a report": lambda words: result(reports(f"<psreport><x>{html.escape(words)}</x></psreport>")),
    "content of a reply": lambda words: result(replies(("13812345678", html.escape(words)))),
    "sender of a reply": lambda words: result(replies((html.escape(words), "5L2g"))),
}


class Answering:
    """A transport that gives one answer."""

    def __init__(self) -> None:
        self.reply = HttpReply(200, {}, b"")

    def exchange(self, _request: HttpRequest) -> HttpReply:
        return self.reply


OPERATIONS: dict[str, Callable[[Client, str, str], object]] = {
    "send": lambda client, mobile, text: client.send([mobile], text),
    "balance": lambda client, *_: client.balance(),
    "reports": lambda client, *_: client.reports(),
    "replies": lambda client, *_: client.replies(),
}


@pytest.fixture(scope="module")
def logged() -> Iterator[list[logging.LogRecord]]:
    """What the library logs, from DEBUG on."""
    records: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    keep, logger = Keep(), logging.getLogger("jzysoap")
    level = logger.level
    logger.addHandler(keep)
    logger.setLevel(logging.DEBUG)
    yield records
    logger.removeHandler(keep)
    logger.setLevel(level)


PASSWORDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9+/%&<'-]{7,14}[A-Za-z]", fullmatch=True)
TEXTS = st.from_regex(r"【签名】您的[订单验证码]{2}是[A-Z0-9]{6}，[请勿告诉他人]{4,8}", fullmatch=True)
NUMBERS = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)


@settings(max_examples=400)
@given(
    password=PASSWORDS,
    text=TEXTS,
    mobile=NUMBERS,
    # A query knows the password alone; plain digits are masked everywhere.
    which=st.sampled_from(["password of a send", "text of a send", "mobile of a send", "password", "plain mobile"]),
    spelling=st.sampled_from(sorted(SPELLINGS)),
    place=st.sampled_from(sorted(PLACES)),
    query=st.sampled_from(["balance", "reports", "replies"]),
    interface=st.sampled_from(["soap", "servlet"]),
)
def test_no_secret_of_an_answer_is_shown(
    password: str,
    text: str,
    mobile: str,
    which: str,
    spelling: str,
    place: str,
    query: str,
    interface: Any,
    logged: list[logging.LogRecord],
) -> None:
    secret = {"password": password, "text": text, "mobile": mobile}[which.removeprefix("plain ").split()[0]]
    spelled = secret if which == "plain mobile" else SPELLINGS[spelling](secret)
    transport, told = Answering(), list[Any]()
    logged.clear()
    client = Client(
        "http://gateway.invalid",
        "account",
        password,
        interface=interface,
        wsdl="bundled",
        cache_dir=False,
        transport=transport,
        on_reply=told.append,
        on_call=told.append,
        on_call_started=told.append,
    )
    transport.reply = PLACES[place](spelled)
    if interface == "servlet" and transport.reply.status == 200 and b"Envelope" in transport.reply.body:
        transport.reply = dataclasses.replace(transport.reply, body=f"failure;{spelled}".encode())
    error = None
    try:
        told.append(OPERATIONS["send" if which.endswith("send") else query](client, mobile, text))
    except JzySoapError as caught:
        error = caught
        told += [caught.result, *(caught.result.batches if caught.result else ())]
    texts = [*shown(error, logged), *map(repr, told), repr(client)]
    if error is not None:
        assert not library_frames(error)
        texts += [json.dumps(error.args, ensure_ascii=False), repr(pickle.loads(pickle.dumps(error)))]  # noqa: S301  # our own
    for one in told:
        if isinstance(one, (CallEvent, CallStarted)):
            texts.append(json.dumps(dataclasses.asdict(one), default=repr, ensure_ascii=False))
    wanted = {"cut at its end": secret[:-1], "cut at its start": secret[1:]}.get(spelling, secret)
    for one in texts:
        assert wanted not in one
        assert spelled not in one
