"""Result strings to models.

``VENDOR_REPORTS`` and ``VENDOR_REPLIES`` are the samples of the vendor's page, verbatim, its artefacts included. All
other documents are made up. The comments name the sightings in docs/protocol.md#what-deployments-do.
"""

from __future__ import annotations

import base64
import copy
import logging
import pickle
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, strategies as st

from jzysoap.model.errors import (
    AuthenticationError,
    GatewayError,
    IncompletePollError,
    InsufficientBalanceError,
    MalformedReplyError,
    RateLimitedError,
)
from jzysoap.model.sent import JzySoapError
from jzysoap.model.values import CHINA, Balance, DeliveryReport, DeliveryStatus, Poll, Rejected, Reply
from tests.kit.documents import report
from tests.kit.results import parse_balance, parse_password_change, parse_replies, parse_reports, parse_send
from tests.kit.samples import MOBILE, SECOND_MOBILE

VENDOR_REPORTS = """
  <?xmlversion="1.0" encoding="utf-8" ?>

-<smsreport>

-<psreport>

  <mobile>15275427712</mobile>

  <username>admin</username>

  <smslogid>66</smslogid>

  <status>1</status>

  <sendtime>2012-08-16 01:05:39.0</sendtime>

  </psreport>

-<psreport>

  <mobile>13865193295</mobile>

  <username>admin</username>

  <smslogid>66</smslogid>

  <status>1</status>

  <sendtime>2012-08-16 01:04:07.0</sendtime>

  </psreport>

-<psreport>

  <mobile>15375427702</mobile>

  <username>admin</username>

  <smslogid>67</smslogid>

  <status>1</status>

  <sendtime>2012-08-16 01:03:07.0</sendtime>

  </psreport>

-<psreport>

  <mobile>13866194295</mobile>

  <username>admin</username>

  <smslogid>67</smslogid>

  <status>1</status>

  <sendtime>2012-08-16 01:01:27.0</sendtime>

  </psreport>

  </smsreport>
"""
VENDOR_REPLIES = """
  <?xmlversion="1.0" encoding="utf-8" ?>

-<smsrerecv>

-<psrerecv>

  <mobile>15256560065</mobile>

  <receiver>admin</receiver>

  <content>xOPLrbChPw==</content>

  <sendtime>2012-06-18 14:56:00.0</sendtime>

  </psrerecv>

-<psrerecv>

  <mobile>13866194285</mobile>

  <receiver>admin</receiver>

  <content>u9jP8w==</content>

  <sendtime>2012-06-15 21:43:25.0</sendtime>

  </psrerecv>

  </smsrerecv>
"""

TIME = datetime(2012, 8, 16, 1, 5, 39, tzinfo=timezone(timedelta(hours=8)))
ONE = DeliveryReport(MOBILE, "admin", "66", DeliveryStatus.DELIVERED, TIME)
TWO = DeliveryReport(SECOND_MOBILE, "admin", "67", DeliveryStatus.FAILED, TIME)
RECORD_ONE = report(MOBILE, username="admin")
RECORD_TWO = report(SECOND_MOBILE, "67", 0, username="admin")
BOTH = f"<smsreport>{RECORD_ONE}{RECORD_TWO}</smsreport>"
PARSERS: list[Callable[..., Any]] = [parse_send, parse_balance, parse_password_change, parse_reports, parse_replies]
POLLS: list[Callable[..., Poll[Any]]] = [parse_reports, parse_replies]


def report_document(reports: list[DeliveryReport]) -> str:
    rows = [
        f"<psreport><mobile>{escape(one.mobile)}</mobile><username>{escape(one.username or '')}</username>"
        f"<smslogid>{escape(one.batch_id or '')}</smslogid><status>{one.status.value}</status>"
        f"<sendtime>{(one.sent_at or TIME).strftime('%Y-%m-%d %H:%M:%S.%f').zfill(26)}</sendtime></psreport>"
        for one in reports
    ]
    return f'<?xml version="1.0" encoding="utf-8"?>\n<smsreport>{"".join(rows)}</smsreport>'


def reply_document(replies: list[Reply]) -> str:
    rows = [
        f"<psrerecv><mobile>{escape(one.mobile)}</mobile><receiver>{escape(one.receiver or '')}</receiver>"
        f"<content>{base64.b64encode(one.raw).decode()}</content>"
        f"<sendtime>{(one.received_at or TIME).isoformat(' ', 'microseconds')[:26]}</sendtime></psrerecv>"
        for one in replies
    ]
    return f'<?xml version="1.0" encoding="utf-8"?>\n<smsrerecv>{"".join(rows)}</smsrerecv>'


def outcome(parse: Callable[..., Any], text: str | None, **options: Any) -> Any:
    """Return a parser's result, or the library's error that it raises; other errors are raised."""
    try:
        return parse(text, **options)
    except JzySoapError as error:
        return error


# Texts that XML does not change, without blanks at the ends, which are stripped.
words = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffd\ufffe\uffff"), min_size=1
).filter(lambda text: text == text.strip())
times = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(CHINA))  # noqa: DTZ001  # their bounds are naive
reports = st.builds(DeliveryReport, words, words, words, st.sampled_from(DeliveryStatus), times)
# Texts whose BASE64 cannot be mistaken for a word, since a reply with such a word is marked.
replies = st.builds(
    lambda mobile, receiver, text, at: Reply(mobile, receiver, text, text.encode("gb18030"), at),
    words,
    words,
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd")).filter(
        lambda text: (
            text.encode("gb18030").decode("gb18030", "replace") == text
            and re.search("[A-Z].*[a-z]|[a-z].*[A-Z]|[+/=]|^$", base64.b64encode(text.encode("gb18030")).decode())
            is not None
        )
    ),
    times,
)


# The answer to a send


@pytest.mark.parametrize(
    ("text", "batch_id"),
    [
        ("success", None),
        ("success;", None),
        ("success;337017332\r\n", "337017332"),  # sighting 2
        (" SUCCESS ; 0066 ;\n", "0066"),
        ("Success；66", "66"),
        ("\ufeffsuccess\r\n", None),
        ("success; ;", None),
        ("success;6f9619ff-8b86-d011-b42d-00c04fc964ff", "6f9619ff-8b86-d011-b42d-00c04fc964ff"),
        ("success;AB_12.3:4", "AB_12.3:4"),
        # Only what comes first can be the id.
        ("success;66;13866194295", "66"),
        ("success;66；2", "66"),
        # What cannot be an id.
        ("success;null", None),
        ("success;13866194295-1", None),
        ("success;id_13866194295", None),
        ("success;337017332;13866194295", "337017332"),
        ("success;2013866194295", "2013866194295"),
        ("success;NULL;1", None),
        ("success;0", None),
        ("success;undefined", None),
        ("success;13866194295", None),
        ("success;8613866194295;66", None),
        ("success;+8613866194295", None),
        ("success;您的验证码是 1234", None),
        ("success;a b", None),
        ("success;<b>66</b>", None),
        (f"success;{'1' * 65}", None),
    ],
)
def test_an_accepted_send(text: str, batch_id: str | None) -> None:
    assert parse_send(text) == batch_id


def test_a_batch_id_with_a_secret_in_it_is_none() -> None:
    assert parse_send("success;geheim9", secrets=("geheim9",)) is None
    assert parse_send("success;id-geheim9-1", secrets=("", "geheim9")) is None
    assert parse_send("success;66", secrets=("geheim9",)) == "66"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("failure;余额不足", "余额不足"),
        ("failure;余额不足\r\n", "余额不足"),
        ("FAILURE； 余额不足 ", " 余额不足 "),
        ("\ufefffailure:余额不足", "余额不足"),
        ("failure余额不足;1", "余额不足;1"),
    ],
)
def test_a_refused_send_keeps_the_words_verbatim(text: str, words: str) -> None:
    with pytest.raises(InsufficientBalanceError) as caught:
        parse_send(text)
    assert caught.value.text == words
    assert not caught.value.may_have_been_sent


@pytest.mark.parametrize("text", ["failure", "failure;", "failure;\r\n"])
def test_a_refusal_without_words(text: str) -> None:
    with pytest.raises(GatewayError, match=r"^the gateway refused$") as caught:
        parse_send(text)
    assert caught.value.text == ""


@pytest.mark.parametrize(
    ("text", "came"),
    [
        (None, "nil"),
        ("", "an empty text"),
        ("\ufeff \r\n", "an empty text"),
        ("<html><body>13866194295</body></html>", "an HTML page"),
        ("<!DOCTYPE html><p>13866194295", "an HTML page"),
        (" <smsreport/>", "other XML"),
        ("13866194295", "another text"),
        ("successful", "another text"),
        ("not a success", "another text"),
        ("<result>success;66</result>", "other XML"),
    ],
)
def test_another_answer_to_a_send_is_malformed_and_described(text: str | None, came: str) -> None:
    with pytest.raises(MalformedReplyError) as caught:
        parse_send(text)
    assert str(caught.value) == f"the gateway's answer is not the result of a send, it is {came}"
    assert caught.value.raw == (text or "").encode()
    assert caught.value.may_have_been_sent


def test_the_first_bytes_of_a_malformed_answer_are_kept() -> None:
    with pytest.raises(MalformedReplyError) as caught:
        parse_send("信" * 5000)
    assert caught.value.raw == ("信" * 5000).encode()[:4096]


def test_secrets_reach_the_error_of_every_parser() -> None:
    for parse in PARSERS:
        with pytest.raises(GatewayError) as caught:
            parse("failure;no pass-word", secrets=("pass-word",))
        assert str(caught.value) == "the gateway refused: no ***"


# The balance


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("memberSmsNum=684;gateSmsNum=49919;kaSmsNum=49964", (684, 49919, 49964)),  # docs/protocol.md#balance
        ("kaSmsNum=3;memberSmsNum=1;gateSmsNum=2;\r\n", (1, 2, 3)),
        (" MEMBERSMSNUM = 1 ；\ngatesmsnum= -2 ", (1, -2, None)),
        ("gateSmsNum=5", (None, 5, None)),
        ("memberSmsNum=;gateSmsNum=x;kaSmsNum=1.5", (None, None, None)),
        ("memberSmsNum=1,000;gateSmsNum=١;kaSmsNum=" + "9" * 5000, (None, None, None)),
        ("memberSmsNum=1;memberSmsNum=2;other=3;gateSmsNum=1=2", (1, None, None)),
        ("success;kaSmsNum=7", (None, None, 7)),
    ],
)
def test_a_balance(text: str, counts: tuple[int | None, ...]) -> None:
    balance = parse_balance(text)
    assert (balance.member, balance.gateway, balance.card) == counts
    assert balance.raw == text


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        ";",
        "success;66",
        "1",
        "SmsNum=1",
        "<smsreport/>",
        "<a>;memberSmsNum=1;gateSmsNum=2;</a>",
        "memberSmsNum:1",
    ],
)
def test_an_answer_without_a_count_is_not_a_balance(text: str | None) -> None:
    with pytest.raises(MalformedReplyError, match=r"^the gateway's answer is not a balance, it is ") as caught:
        parse_balance(text)
    assert caught.value.raw == (text or "").encode()


@pytest.mark.parametrize("text", ["failure;查询频繁", "failure;频繁;gateSmsNum=1"])
def test_a_refused_balance_query(text: str) -> None:
    with pytest.raises(RateLimitedError):
        parse_balance(text)


@given(st.integers(-(10**17), 10**17), st.integers(0), st.permutations([0, 1, 2]))
def test_a_balance_in_any_order(member: int, gateway: int, order: list[int]) -> None:
    parts = [f"memberSmsNum={member}", f"gateSmsNum={gateway}", "kaSmsNum=0"]
    balance = parse_balance(";".join(parts[place] for place in order))
    assert balance == Balance(member, gateway if len(str(gateway)) <= 18 else None, 0)


# The change of a password


@pytest.mark.parametrize("text", ["1", " 1\r\n"])
def test_a_changed_password(text: str) -> None:
    parse_password_change(text)


@pytest.mark.parametrize(
    ("text", "kind", "words", "open_", "message"),
    [
        ("2", GatewayError, "修改密码失败", False, "the gateway refused: 修改密码失败"),
        ("3\r\n", AuthenticationError, "用户不存在", False, "the gateway refused the credentials: 用户不存在"),
        ("4", GatewayError, "未知错误", True, "the gateway refused: 未知错误"),
        (
            "failure;原密码错误",
            AuthenticationError,
            "原密码错误",
            False,
            "the gateway refused the credentials: 原密码错误",
        ),
    ],
)
def test_a_password_that_was_not_changed(
    text: str, kind: type[GatewayError], words: str, open_: bool, message: str
) -> None:
    with pytest.raises(GatewayError) as caught:
        parse_password_change(text)
    assert type(caught.value) is kind
    assert (caught.value.text, caught.value.may_have_been_sent, str(caught.value)) == (words, open_, message)


@pytest.mark.parametrize("text", [None, "", "0", "5", "11", "success", "１"])
def test_any_other_result_of_a_change_is_unknown(text: str | None) -> None:
    with pytest.raises(MalformedReplyError, match="not the result of a change of password") as caught:
        parse_password_change(text)
    assert caught.value.may_have_been_sent


# Polls: the documents


def test_the_vendors_sample_of_reports_is_read() -> None:
    poll = parse_reports(VENDOR_REPORTS, raw=b"the body")
    assert [one.mobile for one in poll] == ["15275427712", "13865193295", "15375427702", "13866194295"]
    assert [one.batch_id for one in poll] == ["66", "66", "67", "67"]
    assert {(one.username, one.status, one.raw_fields) for one in poll} == {("admin", DeliveryStatus.DELIVERED, None)}
    assert poll[0].sent_at == TIME
    assert str(poll[0].sent_at) == "2012-08-16 01:05:39+08:00"
    assert (poll.rejected, poll.raw) == ((), b"the body")


def test_the_vendors_sample_of_replies_is_read() -> None:
    poll = parse_replies(VENDOR_REPLIES)
    assert poll.records == (
        Reply("15256560065", "admin", "你谁啊?", "你谁啊?".encode("gbk"), datetime(2012, 6, 18, 14, 56, tzinfo=CHINA)),
        Reply("13866194285", "admin", "回象", "回象".encode("gbk"), datetime(2012, 6, 15, 21, 43, 25, tzinfo=CHINA)),
    )
    assert poll.rejected == ()
    assert poll.raw == VENDOR_REPLIES.encode()


@pytest.mark.parametrize("text", [None, "", " \r\n", "\ufeff"])
@pytest.mark.parametrize("parse", POLLS)
def test_an_empty_answer_is_an_empty_poll(parse: Callable[..., Poll[Any]], text: str | None) -> None:
    poll = parse(text)
    assert poll == Poll(raw=(text or "").encode())
    assert parse(text, raw=b"<envelope/>").raw == b"<envelope/>"


@pytest.mark.parametrize(
    "text",
    [
        "<smsreport/>",
        "<smsreport />",
        "<smsreport></smsreport>",
        "<smsreport>\n-\n</smsreport>\n",
        '<?xml version="1.0" encoding="gbk"?><smsreport/>',
        "<?xml version='1.0'><smsreport/>",
        "<!-- nothing --><?x?><smsreport/>",
        "\ufeff-<smsreport/>",
        '<x:smsreport xmlns:x="urn:x"/>',
        "<x:smsreport/>",
        '<smsreport xsi:type="string"></smsreport>',
        "OK<smsreport/>OK",
        "<smsreport/><br>",
    ],
)
def test_an_empty_document_is_an_empty_poll(text: str) -> None:
    assert parse_reports(text, raw=b"x") == Poll(raw=b"x")


@pytest.mark.parametrize(
    "text",
    [
        BOTH,
        f'<?xml version="1.0" encoding="utf-8"?>{BOTH}',
        f'<?xml version="1.0" encoding="gb2312" standalone="yes" ?>\r\n{BOTH}\r\n',
        f"<?xmlversion='1.0'>{BOTH}",
        # The noise of sighting 3.
        f"\r\n\0 success;{BOTH} \r\n0\r\n\r\n",
        f"{BOTH}\n<!-- 3 ms -->",
        f"{BOTH}<br>",
        f"{BOTH}</html>",
        BOTH.replace("<smsreport>", '<smsreport xmlns="urn:x" count="2">'),
        BOTH.replace("<psreport>", '<p:psreport xmlns:p="urn:p">').replace("</psreport>", "</p:psreport>"),
        # Undeclared prefixes.
        re.sub("<(/?)", r"<\1ns1:", BOTH),
        BOTH.replace("<mobile>", '<mobile xsi:type="xsd:string">'),
        BOTH.replace("<mobile>", "<mobile a='>'>").replace("<status>", '<status xsi:nil="false" >'),
        BOTH.replace("admin", "<![CDATA[admin]]>"),
        BOTH.replace("admin", "ad<!-- x -->m<?y?>in"),
        BOTH.replace("admin", "&#97;dmin"),
        BOTH.replace("><", ">\n  <"),
        BOTH.replace("<psreport>", "-<psreport>"),
        BOTH.replace("<mobile>", "<mobile> \n").replace("</status>", " </status>"),
        # Two documents, one after the other.
        f"<smsreport>{RECORD_ONE}</smsreport>\n<?xml version='1.0'?><smsreport>{RECORD_TWO}</smsreport>",
        f"<smsreport>{RECORD_ONE}</smsreport>{RECORD_TWO}",
    ],
)
def test_unusual_documents_are_read(text: str) -> None:
    poll = parse_reports(text, raw=b"x")
    assert poll.records == (ONE, TWO)
    assert poll == Poll((ONE, TWO), (), b"x")


def test_markup_in_front_of_a_document_is_noise() -> None:
    for text in (
        f"<html>{BOTH}</html>",
        f'<string xmlns="urn:x">{BOTH}</string>',
        f"<br />\n<b>Deprecated</b>: x in <b>sms.php</b> on line <b>1</b><br />\n{BOTH}",
        f"<p>notice</p><?xml version='1.0'?>{BOTH}",
    ):
        assert parse_reports(text).records == (ONE, TWO)


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "-",
        "success",
        "1",
        "memberSmsNum=1;gateSmsNum=2",
        "<html><body>Error 13866194295</body></html>",
        "<smsrerecv/>",
        VENDOR_REPLIES,
        "<smsreports></smsreports>",
        "<psreport></psreport>",
        RECORD_ONE,
        "<?xml version='1.0'?>hello <b>",
        "<a><smsreport/></a>",
        "<a",
        "<!DOCTYPE smsreport><smsreport/>",
        "<?xml version='1.0'?>\n<!DOCTYPE r [<!ENTITY a SYSTEM 'file:///etc/hostname'>]>"
        + BOTH.replace("admin", "&a;"),
        f"<!-- x -->-<!doctype r>{BOTH}",
    ],
)
def test_other_answers_to_a_poll_are_malformed_and_kept_completely(text: str) -> None:
    with pytest.raises(
        MalformedReplyError, match=r"^the gateway's answer is not a <smsreport> document, it is "
    ) as caught:
        parse_reports(text)
    assert caught.value.raw == text.encode()
    with pytest.raises(MalformedReplyError) as caught:
        parse_reports(text, raw=b"x" * 10_000)
    assert caught.value.raw == b"x" * 10_000
    assert not re.search(r"\d{7}", str(caught.value))


def test_no_entity_is_ever_expanded() -> None:
    bomb = '<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {b} "&{a};&{a};">' for a, b in zip("abcdef", "bcdefg", strict=True)
    )
    inside = f"<smsreport><psreport><!DOCTYPE x [{bomb}]><mobile>&g;</mobile></psreport>{RECORD_ONE}</smsreport>"
    poll = parse_reports(inside)
    assert poll.records == (ONE,)
    assert [bad.reason for bad in poll.rejected] == ["it is not well-formed"]
    [undefined] = parse_reports(BOTH.replace(RECORD_TWO, "").replace("admin", "&g;"))
    assert undefined.username == "&g;"


@pytest.mark.parametrize("parse", POLLS)
def test_a_refused_poll_raises_with_all_bytes(parse: Callable[..., Poll[Any]]) -> None:
    with pytest.raises(RateLimitedError) as caught:
        parse("failure;查询频繁\r\n", raw=b"body")
    assert (caught.value.text, caught.value.raw) == ("查询频繁", b"body")
    assert pickle.loads(pickle.dumps(caught.value)).raw == b"body"  # noqa: S301  # our own


@pytest.mark.parametrize(
    ("text", "empty_texts"),
    [
        ("failure;没有数据", ["没有数据"]),
        ("failure; 没有数据 \r\n", {" 没有数据"}),
        ("failure;没有数据\r\n", ("failure;没有数据",)),
        ("no data", ["other", "no data"]),
        ("failure;", [""]),
    ],
)
@pytest.mark.parametrize("parse", POLLS)
def test_a_text_among_empty_texts_is_an_empty_poll(
    parse: Callable[..., Poll[Any]], text: str, empty_texts: Any
) -> None:
    assert parse(text, raw=b"x", empty_texts=empty_texts) == Poll(raw=b"x")
    with pytest.raises(JzySoapError):
        parse(text, empty_texts=["没有"])


# Polls: the records


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("<username>admin</username>", "", {"username": None}),
        ("admin", " ", {"username": None}),
        ("<smslogid>66</smslogid>", "", {"batch_id": None}),
        (">66<", "><", {"batch_id": None}),
        ("<status>1</status>", "", {"status": DeliveryStatus.UNKNOWN}),
        (">1<", ">3<", {"status": DeliveryStatus.UNKNOWN}),
        (">1<", ">DELIVRD<", {"status": DeliveryStatus.UNKNOWN}),
        (">1<", ">01<", {"status": DeliveryStatus.UNKNOWN}),
        ("2012-08-16 01:05:39.0", "", {"sent_at": None}),
        ("2012-08-16 01:05:39.0", "20120816010539", {"sent_at": None}),
        ("2012-08-16 01:05:39.0", "2012-13-16 01:05:39.0", {"sent_at": None}),
        ("2012-08-16 01:05:39.0", "0000-00-00 00:00:00", {"sent_at": None}),
        ("2012-08-16 01:05:39.0", "2012-08-16 01:05:39Z", {"sent_at": None}),
        ("2012-08-16 01:05:39.0", "２０12-08-16 01:05:39", {"sent_at": None}),
        ("<status>", "<errcode>DB:0141</errcode><status>", {}),
        ("admin", "ad\x01min", {"username": "ad\ufffdmin"}),
        ("admin", "ad&#1;min", {"username": "ad\ufffdmin"}),
        ("admin", "ad\ud800min", {"username": "ad\ufffdmin"}),
        ("13866194295", "1386619\ufffd", {"mobile": "1386619\ufffd"}),
        ("<mobile>", "\n noise <mobile>", {}),
        ("</mobile>", "</mobile>noise", {}),
    ],
)
def test_a_malformed_record_is_read_and_keeps_its_fields(old: str, new: str, change: dict[str, object]) -> None:
    poll = parse_reports(f"<smsreport>{RECORD_TWO}{RECORD_ONE.replace(old, new)}</smsreport>")
    assert len(poll) == 2
    assert poll.rejected == ()
    assert poll[0] == TWO
    fields = poll[1].raw_fields
    assert fields is not None
    whole = {"mobile": ONE.mobile, "username": "admin", "batch_id": "66", "status": ONE.status, "sent_at": TIME}
    assert poll[1] == DeliveryReport(**{**whole, **change}, raw_fields=fields)  # type: ignore[arg-type]  # by name


def test_the_fields_of_a_malformed_record_are_verbatim() -> None:
    record = (
        "<psreport>a<mobile> 138 </mobile>b<mobile>139</mobile><mobile/><status>9</status>"
        "<username>x<b>y</b>z</username><more>&lt;</more></psreport>"
    )
    [one] = parse_reports(f"<smsreport>{record}</smsreport>")
    assert one.raw_fields == {
        "mobile": " 138 ",
        "mobile#2": "139",
        "mobile#3": "",
        "status": "9",
        "username#xml": "<username>x<b>y</b>z</username>",
        "username": "xyz",
        "more": "<",
        "#text": "ab",
    }
    assert one == DeliveryReport("138", "xyz", None, DeliveryStatus.UNKNOWN, None, one.raw_fields)
    assert copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one  # noqa: S301  # our own


@pytest.mark.parametrize(
    ("written", "microsecond"),
    [
        ("2012-08-16 01:05:39", 0),
        ("2012-08-16 01:05:39.0", 0),
        ("2012-08-16T01:05:39.000", 0),
        ("2012-08-16 01:05:39.5", 500_000),
        ("2012-08-16 01:05:39.123", 123_000),
        (" 2012-08-16T01:05:39.123456\n", 123_456),
        ("2012-08-16 01:05:39.123456789", 123_456),
    ],
)
def test_times_are_the_vendors_local_time(written: str, microsecond: int) -> None:
    [one] = parse_reports(f"<smsreport>{RECORD_ONE.replace('2012-08-16 01:05:39.0', written)}</smsreport>")
    assert one.sent_at == TIME.replace(microsecond=microsecond)
    assert one.sent_at is not None
    assert one.sent_at.utcoffset() == timedelta(hours=8)
    assert one.raw_fields is None


@pytest.mark.parametrize(("written", "status"), [("0", 0), ("1", 1), ("2", 2), (" 1\n", 1)])
def test_statuses(written: str, status: int) -> None:
    [one] = parse_reports(f"<smsreport>{RECORD_ONE.replace('>1<', f'>{written}<')}</smsreport>")
    assert one.status is DeliveryStatus(status)
    assert one.raw_fields is None


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("<psreport></psreport>", "it has no mobile"),
        ("<psreport/>", "it has no mobile"),
        ("<psreport><mobile> </mobile><status>1</status></psreport>", "it has no mobile"),
        ('<psreport mobile="13866194295"/>', "it has no mobile"),
        (f"<psreport>{RECORD_ONE}</psreport>", "it has no mobile"),
        ("<PsReport><mobile>1</mobile></PsReport>", "it is not a <psreport>"),
        ("<result>0</result>", "it is not a <psreport>"),
        ("failure;查询频繁", "it is not a <psreport>"),
    ],
)
def test_unreadable_records_are_rejected_with_their_source(
    record: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    poll = parse_reports(f"<smsreport>{RECORD_ONE}{record}{RECORD_TWO}</smsreport>")
    assert poll.records == (ONE, TWO)
    assert poll.rejected == (Rejected(record.replace("<psreport></psreport>", "<psreport/>"), reason),)
    assert parse_reports(f"<smsreport>{record}</smsreport>").rejected == poll.rejected
    assert [entry.getMessage() for entry in caplog.records] == [
        "1 records of a poll could not be read: see its rejected"
    ] * 2
    assert {(entry.name, entry.levelno) for entry in caplog.records} == {("jzysoap", logging.WARNING)}


@pytest.mark.parametrize(
    ("record", "rejected"),
    [
        ("<psreport><mobile>1</psreport>", [("<psreport><mobile>1</psreport>", "it is not well-formed")]),
        (
            "<psreport><mobile>1<2</mobile></psreport>",
            [("<psreport><mobile>1<2</mobile></psreport>", "it is not well-formed")],
        ),
        ("<psreport><mobile>1</mobile>", [("<psreport><mobile>1</mobile>", "it is not closed")]),
        ("<mobile>1</mobile></psreport>", [("<mobile>1</mobile>", "it is not a <psreport>")]),
        ("<psreport/></b>", [("<psreport/>", "it has no mobile"), ("</b>", "it is not a <psreport>")]),
        (" - </psreport>", []),
    ],
)
def test_an_unclosed_record_does_not_cost_the_others(record: str, rejected: list[tuple[str, str]]) -> None:
    poll = parse_reports(f"<smsreport>{RECORD_ONE}{record}{RECORD_TWO}</smsreport>")
    assert poll.records == (ONE, TWO)
    assert [(bad.source, bad.reason) for bad in poll.rejected] == rejected


def test_a_last_record_that_is_not_closed_is_rejected_when_the_document_is() -> None:
    poll = parse_reports(f"<smsreport>{RECORD_ONE}<psreport><mobile>1</mobile></smsreport>")
    assert poll.records == (ONE,)
    assert [bad.reason for bad in poll.rejected] == ["it is not closed"]


@pytest.mark.parametrize(
    ("written", "username"),
    [
        ("a&b", "a&b"),
        ("a&amp;b&lt;", "a&b<"),
        ("a&nbsp;b", "a&nbsp;b"),
        ("a]]>b", "a]]>b"),
        ("<![CDATA[a&b</psreport><psreport>]]>", "a&b</psreport><psreport>"),
        ("<![CDATA[a&amp;b]]>&", "a&amp;b&"),
        ("&#xD83D;&#xDE00;", "😀"),
    ],
)
def test_known_damage_is_repaired_without_loss(written: str, username: str) -> None:
    document = BOTH.replace("admin", written)
    assert [one.username for one in parse_reports(document)] == [username, username]
    assert {one.raw_fields for one in parse_reports(document)} == {None}
    # The same, for a document that is read record by record.
    broken = parse_reports(document.replace("</smsreport>", "<psreport><b></psreport></smsreport>"))
    assert [one.username for one in broken] == [username, username]
    assert len(broken.rejected) == 1


# Polls: the texts of replies


def read_reply(content: str, **options: Any) -> Reply:
    [reply] = parse_replies(
        f"<smsrerecv><psrerecv><mobile>13866194295</mobile><receiver>admin</receiver>{content}"
        "<sendtime>2012-08-16 01:05:39</sendtime></psrerecv></smsrerecv>",
        **options,
    )
    assert (reply.mobile, reply.receiver, reply.received_at) == ("13866194295", "admin", TIME)
    return reply


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("xOPLrbChPw==", "你谁啊?"),
        ("xOPLrbChPw", "你谁啊?"),
        ("xOPL\nrbCh\r\n Pw==\n", "你谁啊?"),
        ("gf1/", b"\x81\xfd\x7f".decode("gb18030")),
        ("gf1_", b"\x81\xfd\x7f".decode("gb18030")),
        ("", ""),
        (base64.b64encode("€ 䶮 😀\0".encode("gb18030")).decode(), "€ 䶮 😀\0"),
    ],
)
def test_the_text_of_a_reply(content: str, text: str) -> None:
    reply = read_reply(f"<content>{content}</content>")
    assert reply.text == text
    assert reply.raw == text.encode("gb18030")
    assert reply.raw_fields is None


@pytest.mark.parametrize("text", ["取消预约", "退订", "好", "我要取消今天的预约，谢谢", "T", "ok>>??"])
def test_a_plus_that_became_a_blank_is_read_as_a_plus_and_marked(text: str) -> None:
    content = base64.b64encode(text.encode("gb18030")).decode()
    reply = read_reply(f"<content>{content.replace('+', ' ')}</content>")
    assert reply.text == text
    assert (reply.raw_fields is not None) is ("+" in content.strip("+"))


@pytest.mark.parametrize(
    "content", ["TD", "T", "td", "yes", "1", "12", "1234", "0000", "OK", "退订", "STOP", "取消 预约", "AAAA", "zcu2qR"]
)
def test_a_text_that_never_was_base64_is_kept_verbatim_and_marked(content: str) -> None:
    reply = read_reply(f"<content>{content}</content>")
    assert (reply.text, reply.raw) == (content, content.encode())
    assert reply.raw_fields is not None


def test_a_word_that_may_be_base64_is_marked() -> None:
    reply = read_reply("<content>stop</content>")
    assert reply.raw_fields is not None
    assert reply.raw_fields["content"] == "stop"


@pytest.mark.parametrize("content", ["你好", "yes!", "abcde", "ab=cd", "a\ufffd", "=x"])
def test_content_that_is_not_base64_is_kept_verbatim(content: str) -> None:
    reply = read_reply(f"<content>{content}</content>")
    assert (reply.text, reply.raw) == (content, content.encode())
    assert reply.raw_fields is not None
    assert reply.raw_fields["content"] == content


def test_a_reply_without_a_text_is_malformed() -> None:
    reply = read_reply("")
    assert (reply.text, reply.raw) == ("", b"")
    assert reply.raw_fields == {"mobile": "13866194295", "receiver": "admin", "sendtime": "2012-08-16 01:05:39"}


def test_invalid_bytes_are_replaced_in_the_text_and_kept_in_raw() -> None:
    reply = read_reply(f"<content>{base64.b64encode(b'ok' + bytes([255]) + b'!').decode()}</content>")
    assert reply.text == "ok\ufffd!"
    assert reply.raw == b"ok\xff!"
    assert reply.raw_fields is not None


def test_the_encoding_of_replies_can_be_set() -> None:
    assert read_reply("<content>5L2g5aW9</content>", encoding="utf-8").text == "你好"


def test_a_reply_without_receiver_or_time_is_malformed() -> None:
    [reply] = parse_replies("<smsrerecv><psrerecv><mobile>1</mobile><content>u9jP8w==</content></psrerecv></smsrerecv>")
    assert reply == Reply("1", None, "回象", "回象".encode("gbk"), None, {"mobile": "1", "content": "u9jP8w=="})


def test_a_reply_without_mobile_is_rejected() -> None:
    poll = parse_replies("<smsrerecv><psrerecv><content>u9jP8w==</content></psrerecv></smsrerecv>")
    assert [bad.reason for bad in poll.rejected] == ["it has no mobile"]


# Polls: what was cut off


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ('<?xml version="1.0" encoding="utf-8"?>', ()),
        ("<?xml vers", ()),
        ("<!-- x", ()),
        ("<sms", ()),
        ("<smsreport", ()),
        ("<smsreport/", ()),
        ("<smsreport>", ()),
        ("<smsreport><psre", ()),
        (f"<smsreport>{RECORD_ONE}", (ONE,)),
        (f"<smsreport>{RECORD_ONE}</smsrep", (ONE,)),
        (f"<smsreport>{RECORD_ONE}{RECORD_TWO[:-1]}", (ONE,)),
        (f"<smsreport>{RECORD_ONE}{RECORD_TWO}<psreport><mobile>138<![CDATA[", (ONE, TWO)),
        # The first of two documents was cut off.
        (f"<smsreport>{RECORD_ONE}<smsreport>{RECORD_TWO}</smsreport>", (ONE, TWO)),
        (f"<smsreport>{RECORD_ONE}</smsreport><smsreport>{RECORD_TWO}", (ONE, TWO)),
        (f"<smsreport>{RECORD_ONE}</smsreport>{RECORD_TWO}<psreport>", (ONE, TWO)),
    ],
)
def test_a_document_that_was_cut_off_gives_its_complete_records(text: str, records: tuple[DeliveryReport, ...]) -> None:
    with pytest.raises(IncompletePollError) as caught:
        parse_reports(text)
    assert str(caught.value) == (f"the gateway's answer ends in the middle; {len(records)} complete records came")
    assert caught.value.poll == Poll(records, (), text.encode())
    assert caught.value.raw == text.encode()
    assert caught.value.may_have_been_sent


@pytest.mark.parametrize(
    "text", [None, "", "failure;查询频繁", "hello", "<html>", "<!DOCTYPE x><smsreport/>", "<smsreport/>"]
)
@pytest.mark.parametrize("parse", POLLS)
def test_an_answer_known_to_be_cut_off_is_never_complete(parse: Callable[..., Poll[Any]], text: str | None) -> None:
    with pytest.raises(IncompletePollError) as caught:
        parse(text, raw=b"body", complete=False, empty_texts=["", "查询频繁"])
    assert caught.value.poll == Poll(raw=b"body")
    assert caught.value.raw == b"body"


def test_an_answer_known_to_be_cut_off_gives_its_complete_records() -> None:
    with pytest.raises(IncompletePollError) as caught:
        parse_reports(BOTH, complete=False)
    assert caught.value.poll.records == (ONE, TWO)


def test_rejected_records_of_a_document_that_was_cut_off_are_kept(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(IncompletePollError) as caught:
        parse_reports(f"<smsreport><psreport/>{RECORD_ONE}<psreport>")
    assert caught.value.poll.records == (ONE,)
    assert len(caught.value.poll.rejected) == 1
    assert len(caplog.records) == 1


def test_the_vendors_sample_cut_anywhere_loses_nothing_silently() -> None:
    whole = parse_reports(VENDOR_REPORTS).records
    first = VENDOR_REPORTS.index("<")
    last = VENDOR_REPORTS.rindex(">") + 1
    for cut in range(first + 1, last):
        text = VENDOR_REPORTS[:cut]
        with pytest.raises(IncompletePollError) as caught:
            parse_reports(text)
        assert caught.value.poll == Poll(whole[: text.count("</psreport>")], (), text.encode())


@given(st.lists(reports, min_size=1, max_size=4), st.data())
def test_a_document_cut_anywhere_gives_its_complete_records(written: list[DeliveryReport], data: st.DataObject) -> None:
    document = report_document(written)
    cut = data.draw(st.integers(1, len(document) - 1))
    with pytest.raises(IncompletePollError) as caught:
        parse_reports(document[:cut])
    assert caught.value.poll.records == tuple(written[: document[:cut].count("</psreport>")])
    assert caught.value.poll.rejected == ()


@given(st.lists(replies, min_size=1, max_size=3), st.data())
def test_a_document_cut_at_any_byte_gives_its_complete_records(written: list[Reply], data: st.DataObject) -> None:
    document = reply_document(written).encode()
    part = document[: data.draw(st.integers(1, len(document) - 1))]
    with pytest.raises(IncompletePollError) as caught:
        parse_replies(part.decode("utf-8", "replace"), raw=part)
    assert caught.value.poll == Poll(tuple(written[: part.count(b"</psrerecv>")]), (), part)


# Everything


@given(st.lists(reports, max_size=5))
def test_reports_survive_a_document(written: list[DeliveryReport]) -> None:
    assert parse_reports(report_document(written), raw=b"x") == Poll(tuple(written), (), b"x")


@given(st.lists(replies, max_size=5))
def test_replies_survive_a_document(written: list[Reply]) -> None:
    assert parse_replies(reply_document(written), raw=b"x") == Poll(tuple(written), (), b"x")


# The pieces are separated by blanks, so the blank itself is added below.
PIECES = (
    "<smsreport> </smsreport> <psreport> </psreport> <smsrerecv> </smsrerecv> <psrerecv> </psrerecv> <mobile> "
    "</mobile> <![CDATA[ ]]> <!-- --> <!DOCTYPE <?xml ?> <x: /> < > & = ; - 138 failure; success; memberSmsNum=1"
)
pieces = st.sampled_from([*PIECES.split(" "), " ", "\x00", "\ud800", RECORD_ONE])


@given(
    st.one_of(
        st.none(),
        st.text(st.characters()),
        st.lists(pieces).map("".join),
        st.lists(pieces).map(lambda some: "<smsreport>" + "".join(some)),
    ),
    st.booleans(),
    st.sampled_from(PARSERS),
)
def test_any_text_gives_a_model_or_a_documented_error(
    text: str | None, complete: bool, parse: Callable[..., Any]
) -> None:
    result = outcome(parse, text, **({"complete": complete} if parse in POLLS else {}))
    if isinstance(result, JzySoapError):
        assert isinstance(result, (GatewayError, MalformedReplyError, IncompletePollError))
        assert parse in POLLS or not isinstance(result, IncompletePollError)
    else:
        nothing = type(None)
        models = {parse_send: (str, nothing), parse_balance: (Balance,), parse_password_change: (nothing,)}
        assert type(result) in models.get(parse, (Poll,))
        assert complete or parse not in POLLS
    assert type(pickle.loads(pickle.dumps(result))) is type(result)  # noqa: S301  # our own


@given(st.lists(pieces).map("".join))
def test_no_complete_record_is_lost_silently(noise: str) -> None:
    text = f"<smsreport>{noise}{RECORD_TWO}</smsreport>"
    try:
        poll = parse_reports(text)
    except IncompletePollError as error:
        poll = error.poll
    kept = [one.mobile for one in poll] + [str(one.raw_fields) for one in poll] + [bad.source for bad in poll.rejected]
    assert TWO.mobile in "".join(kept)


def test_a_poll_of_50000_records_is_read_in_seconds() -> None:
    document = f"<smsreport>{(RECORD_ONE + RECORD_TWO) * 25_000}</smsreport>"
    assert len(parse_reports(document, raw=b"x")) == 50_000
    # The second document is read record by record.
    with pytest.raises(IncompletePollError) as caught:
        parse_reports(document[:-1], raw=b"x")
    assert len(caught.value.poll) == 50_000


@pytest.mark.parametrize(
    "unit",
    ["<![CDATA[", "<!--", "<?", "<psreport ", "</psreport>", '<a b="" ', "&#", "<a:", "\n", "<psreport>\x01", "<", " "],
)
def test_no_text_is_read_in_quadratic_time(unit: str) -> None:
    # Quadratic time would be minutes here.
    many = unit * 20_000
    for text in (many, f"<smsreport>{many}", f"failure;{many}x", f"success{many}x", f"memberSmsNum={many}x;"):
        for parse in PARSERS:
            assert isinstance(outcome(parse, text), (JzySoapError, Poll, Balance, str))
