"""The adapter layer: result strings to models.

A poll may consume what it returns, so what came is never thrown away: a bad record does not cost the others, a document
that is cut off gives the records that are whole, and every error has the bytes.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, TypeVar

from jzysoap.encoding.charsets import looks_like_html
from jzysoap.model.errors import (
    AuthenticationError,
    ContentRejectedError,
    GatewayError,
    IncompletePollError,
    InsufficientBalanceError,
    MalformedReplyError,
    NumberRejectedError,
    RateLimitedError,
)
from jzysoap.model.masking import EVIDENCE
from jzysoap.model.sent import JzySoapError
from jzysoap.model.values import Balance, DeliveryReport, Poll, Reply
from jzysoap.results.fast import Span, scan
from jzysoap.results.records import make_replies, make_reply, make_report, make_reports

logger = logging.getLogger("jzysoap")

T = TypeVar("T")

# What a gateway's words plainly mean. Those that fit no row, or several, stay plain; so do those of the first row.
_MEANINGS: Mapping[type[GatewayError], str] = {
    GatewayError: "(?<![a-z])ip(?![a-z])",
    AuthenticationError: "密码错误|密码不正确|密码不对|密码有误|用户名或密码|用户名错误|用户不存在|用户名不存在"
    "|[帐账][号户]或密码|[帐账][号户]错误|[帐账][号户]不存在|[帐账][号户]不正确|身份验证|认证失败|鉴权失败|登[录陆]失败"
    "|password|authenticat|unauthori[sz]ed|user(?: ?name)? does not exist|no such user",
    InsufficientBalanceError: "余额不足|余额不够|条数不足|数量不足|数量不够|短信不足|欠费|insufficient",
    RateLimitedError: "频繁|过快|太快|频率|too (?:often|fast|frequent|many requests)|rate limit",
    ContentRejectedError: "敏感|非法内容|内容非法|内容不合法|关键字|关键词|违禁|屏蔽词|签名|内容过长|内容超长|内容为空"
    "|模板|sensitive|illegal content|keyword",
    NumberRejectedError: "号码(?:错误|无效|非法|格式|不正确)|手机号(?:错误|无效|非法|格式|不正确)"
    "|(?:错误|无效|非法)的?(?:手机)?号码|空号|黑名单|(?:invalid|wrong) (?:mobile|number|phone)|blacklist",
}
# Words of a server that does not know itself what it did.
_UNSURE = (
    "超时|系统错误|系统繁忙|系统忙|内部错误|服务器错误|网络错误|未知|异常|故障|数据库|无响应|连接.{0,6}(?:失败|断)"
    "|部分|(?<![不未])成功|处理中|重复提交"
    "|time[ -]?d?[ -]?out|exception|(?:system|unknown|internal|server|sql) error|connection|\\bnull\\b|ORA-[0-9]"
)

_FAILURE = re.compile(r"[\s\ufeff]*failure(?:\s*[;；:：])?(.*)", re.IGNORECASE | re.DOTALL)
_SUCCESS = re.compile(r"[\s\ufeff]*success\s*(?:[;；](.*))?", re.IGNORECASE | re.DOTALL)
# A batch id that says otherwise is none: it is unknown then what was sent.
_FAILED = re.compile("失败|failure", re.IGNORECASE)
_NOTHING = re.compile(r"[\s\ufeff]*")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_COUNTS = {"membersmsnum": "member", "gatesmsnum": "gateway", "kasmsnum": "card"}


def gateway_error(text: str, secrets: Collection[str] = (), **attributes: Any) -> GatewayError:
    """The error for the words after ``failure;``.

    Words that speak of a timeout or of an error of the system leave open what was done, whatever else they say.

    Args:
        text: those words, as they came.
        secrets: what the error's text may not show.
        attributes: more attributes of the error.
    """
    # Compiled when first needed: most processes never are refused anything.
    if re.search(_UNSURE, text, re.IGNORECASE):
        return GatewayError(text, secrets=secrets, may_have_been_sent=True, **attributes)
    kinds = [kind for kind, pattern in _MEANINGS.items() if re.search(pattern, text, re.IGNORECASE)]
    return (kinds[0] if len(kinds) == 1 else GatewayError)(text, secrets=secrets, **attributes)


def parse_send(text: str | None, *, secrets: Collection[str] = ()) -> str | None:
    """The batch id of a send that was accepted; None where the gateway gave none.

    Vendor page, "SMS发送接口": ``success;批号ID`` over the servlet, a bare ``success`` over SOAP, else ``failure;…``.

    Raises:
        GatewayError: it was refused.
        MalformedReplyError: anything else; whether it was sent is unknown.
    """
    success = _SUCCESS.fullmatch(text or "")
    if success is not None and not _FAILED.search(success[1] or ""):
        return (success[1] or "").strip(" \t\r\n;；") or None
    error = _error("the result of a send", text, secrets)
    # A traceback may show the locals of its frames.
    del text, secrets
    raise error


def parse_balance(text: str | None, *, secrets: Collection[str] = ()) -> Balance:
    """The counts of a balance query, in any order; one that is missing or no whole number is None.

    Vendor page, "查看用户账号信息接口": ``memberSmsNum=684;gateSmsNum=49919;kaSmsNum=49964``, else ``failure;…``.

    Raises:
        GatewayError: it was refused.
        MalformedReplyError: none of the three counts is in it, or it is XML.
    """
    if text is not None and "<" not in text and _words(text) is None:
        counts = _counts(text)
        if counts:
            return Balance(counts.get("member"), counts.get("gateway"), counts.get("card"), text)
    error = _error("a balance", text, secrets)
    del text, secrets
    raise error


def parse_password_change(text: str | None, *, secrets: Collection[str] = ()) -> None:
    """The result of a change of password.

    Vendor page, "修改密码接口": ``1`` 修改密码成功, ``2`` 修改密码失败, ``3`` 用户不存在, ``4`` 未知错误. These
    words of the page are the error's ``text``.

    Raises:
        GatewayError: 2, or 4, after which either password may hold.
        AuthenticationError: 3.
        MalformedReplyError: anything else; either password may hold.
    """
    code = (text or "").strip()
    if code == "2":
        raise GatewayError("修改密码失败")
    if code == "3":
        raise AuthenticationError("用户不存在")
    if code == "4":
        raise GatewayError("未知错误", may_have_been_sent=True)
    if code != "1":
        error = _error("the result of a change of password", text, secrets)
        del text, secrets, code
        raise error


def parse_reports(
    text: str | None,
    *,
    raw: bytes = b"",
    complete: bool = True,
    empty_texts: Collection[str] = (),
    secrets: Collection[str] = (),
) -> Poll[DeliveryReport]:
    """The delivery reports of a poll (vendor page, "获取下行状态报告接口").

    Args:
        text: the result string; None for nil.
        raw: the reply's body, kept on the poll and on every error.
        complete: False when the reply was cut off.
        empty_texts: words after ``failure;``, or whole results, that only mean that there is nothing.
        secrets: what no text of an error may show.

    Raises:
        GatewayError: the poll was refused.
        IncompletePollError: the document was cut off; it has the records that are whole.
        MalformedReplyError: something else came.
    """
    answer = _poll("smsreport", "psreport", make_report, text, raw, complete, empty_texts, secrets)
    del text, raw, secrets
    if isinstance(answer, JzySoapError):
        raise answer
    return answer


def parse_replies(
    text: str | None,
    *,
    raw: bytes = b"",
    complete: bool = True,
    empty_texts: Collection[str] = (),
    secrets: Collection[str] = (),
    encoding: str = "gb18030",
) -> Poll[Reply]:
    """The replies of a poll (vendor page, "上行回复接口").

    Args:
        text, raw, complete, empty_texts, secrets: as in ``parse_reports``.
        encoding: the charset of the bytes that ``content`` holds in BASE64.

    Raises:
        GatewayError, IncompletePollError, MalformedReplyError: as in ``parse_reports``.
    """
    read = partial(make_reply, encoding=encoding)
    answer = _poll("smsrerecv", "psrerecv", read, text, raw, complete, empty_texts, secrets)
    del text, raw, secrets
    if isinstance(answer, JzySoapError):
        raise answer
    return answer


def scan_reports(body: bytes, span: Span) -> Poll[DeliveryReport] | None:
    """What ``parse_reports`` gives for the document in a reply, much faster; None where it is not of the usual form."""
    records = scan(body, span, "smsreport", "psreport", make_reports)
    return None if records is None else Poll(tuple(records), (), body)


def scan_replies(body: bytes, span: Span, *, encoding: str = "gb18030") -> Poll[Reply] | None:
    """What ``parse_replies`` gives for the document in a reply, much faster; None where it is not of the usual form."""
    records = scan(body, span, "smsrerecv", "psrerecv", partial(make_replies, encoding=encoding))
    return None if records is None else Poll(tuple(records), (), body)


def _error(wanted: str, text: str | None, secrets: Collection[str], **attributes: Any) -> JzySoapError:
    """What an answer that is not the one wanted means."""
    words = _words(text)
    if words is not None:
        return gateway_error(words, secrets, **attributes)
    if text is None:
        came = "nil"
    elif _NOTHING.fullmatch(text):
        came = "an empty text"
    elif looks_like_html(text):
        came = "an HTML page"
    elif text.lstrip().startswith("<"):
        came = "other XML"
    else:
        came = "another text"
    attributes.setdefault("raw", _bytes(text)[:EVIDENCE])
    return MalformedReplyError(f"the gateway's answer is not {wanted}, it is {came}", **attributes)


def _words(text: str | None) -> str | None:
    """The gateway's words after ``failure;``, without the line break that the servlet ends with; None without them."""
    failure = _FAILURE.fullmatch(text or "")
    return failure[1].rstrip("\r\n") if failure else None


def _counts(text: str) -> dict[str, int | None]:
    counts: dict[str, int | None] = {}
    for part in re.split("[;；]", text):
        name, _, count = part.partition("=")
        channel = _COUNTS.get(name.strip().lower())
        if channel and channel not in counts:
            counts[channel] = int(count) if _WHOLE.fullmatch(count.strip()) else None
    return counts


def _bytes(text: str | None) -> bytes:
    return (text or "").encode("utf-8", "surrogatepass")


def _poll(
    root: str,
    record: str,
    read: Callable[[dict[str, str]], T | None],
    text: str | None,
    raw: bytes,
    complete: bool,
    empty_texts: Collection[str],
    secrets: Collection[str],
) -> Poll[T] | JzySoapError:
    raw = raw or _bytes(text)
    if complete:
        nothing = {words.strip() for words in empty_texts}
        words = _words(text)
        if text is None or _NOTHING.fullmatch(text) or text.strip() in nothing:
            return Poll(raw=raw)
        if words is not None:
            return Poll(raw=raw) if words.strip() in nothing else gateway_error(words, secrets, raw=raw)
    # It brings lxml, which the usual document does without.
    from jzysoap.results.documents import Found, Kind, find_records

    kind = Kind(root, record, read)
    found = find_records(kind, text or "")
    if found is None:
        if complete:
            return _error(f"a <{root}> document", text, secrets, raw=raw)
        found = Found(kind)
    if found.rejected:
        logger.warning("%d records of a poll could not be read: see its rejected", len(found.rejected))
    poll = Poll(tuple(found.records), tuple(found.rejected), raw)
    if complete and found.whole:
        return poll
    return IncompletePollError(
        f"the gateway's answer ends in the middle; {len(poll)} complete records came", raw=raw, poll=poll
    )
