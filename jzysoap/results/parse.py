"""The adapter layer: result strings to models.

A poll may consume what it returns, so no record is dropped: a malformed record does not cost the others, a document
that is cut off gives its complete records, and every error has the bytes.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, TypeVar

from jzysoap.encoding.charsets import looks_like_html
from jzysoap.model.errors import (
    AuthenticationError,
    GatewayError,
    IncompletePollError,
    MalformedReplyError,
)
from jzysoap.model.masking import EVIDENCE
from jzysoap.model.sent import JzySoapError
from jzysoap.model.values import Balance, DeliveryReport, Poll, Reply
from jzysoap.results.fast import read_uniform
from jzysoap.results.refusals import gateway_error
from jzysoap.results.schema import REPORTS, Schema, replies_schema

logger = logging.getLogger("jzysoap")

T = TypeVar("T")

_SUCCESS = re.compile(r"[\s\ufeff]*success\s*(?:[;；](.*))?", re.IGNORECASE | re.DOTALL)
_FAILURE = re.compile(r"[\s\ufeff]*failure(?:\s*([;；:：]))?(.*)", re.IGNORECASE | re.DOTALL)
# A gateway may put anything in the place of a batch id: nothing, null, a number that it texted, words.
_BATCH_ID = re.compile(
    r"\s*(?!(?:null|none|nil|undefined|0|(?:\+|00)?(?:86-?)?1[3-9][0-9]{9})\s*(?:[;；]|\Z))"
    # Nor is what has a mobile number in it.
    r"(?![^;；]*(?<![0-9])1[3-9][0-9]{9}(?![0-9]))"
    r"([0-9A-Za-z][0-9A-Za-z._:-]{0,63})\s*(?:[;；]|\Z)",
    re.IGNORECASE,
)
# "success;发送失败" contradicts itself: the outcome is unknown.
_CONTRADICTION = re.compile("失败|failure", re.IGNORECASE)
_EMPTY = re.compile(r"[\s\ufeff]*")
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_COUNTS = {"membersmsnum": "member", "gatesmsnum": "gateway", "kasmsnum": "card"}
_PASSWORD_CODES = ("1", "2", "3", "4")
# Characters of an answer in which a document's root is looked for.
_HEAD = 4096


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer that an interface read from a reply.

    Attributes:
        text: the result string; None for nil.
        raw: the reply's body.
        secrets: texts that an error's message must not show.
        complete: False if the reply was cut off.
    """

    text: str | None = field(repr=False)
    raw: bytes = field(default=b"", repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    complete: bool = True


def is_result(text: str) -> bool:
    """Return True if a text is a result of some operation, so that an HTTP error status around it does not count."""
    refusal = _FAILURE.fullmatch(text)
    head = text[:_HEAD]
    return bool(
        _SUCCESS.fullmatch(text)
        # Without the separator, it may be the sentence of a proxy: "failure to connect".
        or (refusal and refusal[1] in (";", "；"))
        or ("<" not in text and _counts(text))
        or text.strip() in _PASSWORD_CODES
        or any(f"<{schema.root}" in head for schema in (REPORTS, replies_schema()))
    )


def parse_send(answer: Answer) -> str | None:
    """Return the batch id of a send that was accepted; None if the gateway gave none (docs/protocol.md#send).

    It stands between ``success;`` and the next semicolon, if it may be an id: letters, digits and ``._:-``, at
    most 64. ``null``, ``0``, or anything with a mobile number, the password or the text in it is none.

    Raises:
        GatewayError: the send was refused.
        MalformedReplyError: any other answer; the message may have been sent.
    """
    success = _SUCCESS.fullmatch(answer.text or "")
    if success is None or _CONTRADICTION.search(success[1] or ""):
        raise unwanted_error("the result of a send", answer)
    found = _BATCH_ID.match(success[1] or "")
    if found is None:
        return None
    batch_id: str = found[1]
    for secret in answer.secrets:
        if secret and secret in batch_id:
            return None
    return batch_id


def parse_balance(answer: Answer) -> Balance:
    """Return the counts of a balance query; a missing or malformed count is None (docs/protocol.md#balance).

    Raises:
        GatewayError: the query was refused.
        MalformedReplyError: the answer has none of the three counts, or is XML.
    """
    text = answer.text or ""
    counts = _counts(text) if "<" not in text and _refusal(text) is None else {}
    if not counts:
        raise unwanted_error("a balance", answer)
    return Balance(counts.get("member"), counts.get("gateway"), counts.get("card"), text)


def parse_password_change(answer: Answer) -> None:
    """Read the code that answers a change of password (docs/protocol.md#change-of-password).

    The error's ``text`` is the vendor's description of the code.

    Raises:
        GatewayError: 2 (修改密码失败), or 4 (未知错误), after which either password may be valid.
        AuthenticationError: 3 (用户不存在).
        MalformedReplyError: any other answer; either password may be valid.
    """
    code = (answer.text or "").strip()
    if code == "2":
        raise GatewayError("修改密码失败")
    if code == "3":
        raise AuthenticationError("用户不存在")
    if code == "4":
        raise GatewayError("未知错误", may_have_been_sent=True)
    if code != "1":
        raise unwanted_error("the result of a change of password", answer)


def parse_reports(answer: Answer, *, empty_texts: Collection[str] = ()) -> Poll[DeliveryReport]:
    """Return the delivery reports of a poll (docs/protocol.md#delivery-reports).

    Args:
        answer: the answer; its bytes are kept on the poll and on every error.
        empty_texts: texts after ``failure;``, or whole results, that mean that there are no records.

    Raises:
        GatewayError: the poll was refused.
        IncompletePollError: the document was cut off; the error has the complete records.
        MalformedReplyError: any other answer.
    """
    return _parse_poll(REPORTS, answer, empty_texts)


def parse_replies(answer: Answer, *, empty_texts: Collection[str] = (), encoding: str = "gb18030") -> Poll[Reply]:
    """Return the replies of a poll (docs/protocol.md#replies).

    Args:
        answer, empty_texts: as in ``parse_reports``.
        encoding: the charset of the bytes that ``content`` holds in BASE64.

    Raises:
        GatewayError, IncompletePollError, MalformedReplyError: as in ``parse_reports``.
    """
    return _parse_poll(replies_schema(encoding), answer, empty_texts)


def _parse_poll(schema: Schema[T], answer: Answer, empty_texts: Collection[str]) -> Poll[T]:
    text, raw = answer.text, answer.raw or _bytes(answer.text)
    if answer.complete:
        nothing = {words.strip() for words in empty_texts}
        if text is None or _EMPTY.fullmatch(text) or (nothing and text.strip() in nothing):
            return Poll(raw=raw)
        refusal = _refusal(text)
        if refusal is not None and refusal.strip() in nothing:
            return Poll(raw=raw)
        if refusal is not None:
            raise gateway_error(refusal, answer.secrets, raw=raw)
        models = read_uniform(text, schema.root, schema.record, schema.read_all)
        if models is not None:
            return Poll(tuple(models), (), raw)
    # Imported here since it brings lxml, which the usual document does without.
    from jzysoap.results.documents import Document, read_document

    document = read_document(schema, text or "")
    if document is None:
        if answer.complete:
            raise unwanted_error(f"a <{schema.root}> document", answer, raw=raw)
        document = Document(schema)
    if document.rejected:
        logger.warning("%d records of a poll could not be read: see its rejected", len(document.rejected))
    poll = Poll(tuple(document.records), tuple(document.rejected), raw)
    if answer.complete and document.complete:
        return poll
    raise IncompletePollError(
        f"the gateway's answer ends in the middle; {len(poll)} complete records came", raw=raw, poll=poll
    )


def unwanted_error(wanted: str, answer: Answer, **attributes: Any) -> JzySoapError:
    """Return the error for an answer other than the wanted one: a refusal, or something undocumented."""
    text, refusal = answer.text, _refusal(answer.text)
    if refusal is not None:
        return gateway_error(refusal, answer.secrets, **attributes)
    if text is None:
        received = "nil"
    elif _EMPTY.fullmatch(text):
        received = "an empty text"
    elif looks_like_html(text):
        received = "an HTML page"
    elif text.lstrip().startswith("<"):
        received = "other XML"
    else:
        received = "another text"
    attributes.setdefault("raw", _bytes(text)[:EVIDENCE])
    return MalformedReplyError(f"the gateway's answer is not {wanted}, it is {received}", **attributes)


def _refusal(text: str | None) -> str | None:
    """Return the gateway's words after ``failure;``, without the servlet's line break; None if it is no refusal."""
    failure = _FAILURE.fullmatch(text or "")
    return failure[2].rstrip("\r\n") if failure else None


def _counts(text: str) -> dict[str, int | None]:
    counts: dict[str, int | None] = {}
    for part in re.split("[;；]", text):
        name, _, count = part.partition("=")
        channel = _COUNTS.get(name.strip().lower())
        if channel and channel not in counts:
            counts[channel] = int(count) if _WHOLE_NUMBER.fullmatch(count.strip()) else None
    return counts


def _bytes(text: str | None) -> bytes:
    return (text or "").encode("utf-8", "surrogatepass")
