"""The text of an answer's bytes, and the recognition of web pages. All texts are made up."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, strategies as st

from jzysoap.encoding.charsets import decode, is_garbled, looks_like_html

DEFAULTS = [None, "", "iso-8859-1", "ISO8859_1", "latin1", "us-ascii", "windows-1252", "cp1251", "iso-8859-15"]
UNUSABLE = [
    "hex",
    "rot13",
    "base64",
    "zip",
    "bz2",
    "uu",
    "quopri",
    "idna",
    "punycode",
    "utf-7",
    "undefined",
    "unicode_escape",
    "raw_unicode_escape",
    "charmap",
    "mbcs",
    "oem",
    "no such charset",
    "gbk\0",
    "é",
    "x" * 10_000,
]
CHINESE = "failure;查询频繁"


@pytest.mark.parametrize("declared", [*DEFAULTS, *UNUSABLE, "utf-8", "gbk", "gb2312", "GB18030", "big5", "utf-16"])
def test_chinese_in_utf_8_is_recognised_whatever_is_declared(declared: str | None) -> None:
    assert decode(CHINESE.encode(), declared) == CHINESE


@pytest.mark.parametrize("declared", [*DEFAULTS, *UNUSABLE, "utf-8", "gbk", "gb2312", "GB18030", "utf-16", "utf-32"])
def test_chinese_in_gbk_is_recognised_unless_another_charset_is_declared(declared: str | None) -> None:
    assert decode(CHINESE.encode("gbk"), declared) == CHINESE


@pytest.mark.parametrize("declared", ["gbk", "gb2312", "gb18030", "cp936", " GBK "])
def test_declared_gbk_is_read_as_its_superset(declared: str) -> None:
    assert decode("䶮€".encode("gb18030") + b"\xa1\xa1", declared) == "䶮€\u3000"


@pytest.mark.parametrize("declared", [None, "utf-8", "gbk", "rot13", "hex", "utf-16", "utf-7", "cp037"])
def test_ascii_is_ascii(declared: str | None) -> None:
    assert decode(b"success;337017332\r\n", declared) == "success;337017332\r\n"
    assert decode(b"", declared) == ""


@pytest.mark.parametrize(("charset", "text"), [("big5", "餘額不足"), ("shift_jis", "残高不足"), ("koi8-r", "сбой")])
def test_a_charset_declared_on_purpose_is_used(charset: str, text: str) -> None:
    assert decode(text.encode(charset), charset) == text


@pytest.mark.parametrize("declared", [None, "iso-8859-1", "utf-8"])
def test_western_text_in_utf_8_is_recognised(declared: str | None) -> None:
    assert decode("café".encode(), declared) == "café"


def test_a_declaration_that_the_bytes_contradict_is_not_used() -> None:
    assert decode(b"\xce\xc4\xff", "utf-8") == "文\ufffd"
    assert decode("余额不足".encode() + b"\xff", "big5") == "余额不足\ufffd"


@given(st.text("系统繁忙余额不足请充值合肥测试，。！", min_size=4), st.data())
def test_undecodable_bytes_cost_only_themselves(text: str, data: st.DataObject) -> None:
    for charset, declared in (("utf-8", "utf-8"), ("utf-8", None), ("gb18030", "gbk"), ("gb18030", None)):
        at = data.draw(st.integers(0, len(text)))
        head, tail = text[:at], text[at:]
        stray = data.draw(st.sampled_from([b"\xff", b"\xa0<", b"\xff\xff"]))
        whole = head.encode(charset) + stray + tail.encode(charset)
        if charset == "utf-8" or stray != b"\xa0<":
            expected = head + stray.decode("utf-8", "replace") + tail
            assert decode(b"failure;" + whole, declared) == f"failure;{expected}"


@given(st.text("系统繁忙余额不足请充值合肥测试", min_size=5))
def test_a_character_cut_in_two_costs_only_itself(text: str) -> None:
    for charset in ("utf-8", "gbk"):
        cut = text[:3].encode(charset)[:-1] + b"<a>" + text[3:].encode(charset)
        assert decode(cut, charset) == decode(cut) == f"{text[:2]}\ufffd<a>{text[3:]}"


@pytest.mark.parametrize("word", ["系统忙", "未知", "系统繁忙", "上", "山", "未知μ"])
@pytest.mark.parametrize("declared", [None, "ISO-8859-1", "us-ascii", "windows-1252", "nonsense"])
def test_undeclared_chinese_that_is_valid_utf_8_too_is_chinese(word: str, declared: str | None) -> None:
    assert decode(f"failure;{word}\r\n".encode("gbk"), declared) in (
        f"failure;{word}\r\n",
        # A single letter is likelier to be one: "É".
        word.encode("gbk").decode("utf-8", "ignore").join(("failure;", "\r\n")) if len(word) == 1 else "",
    )


@pytest.mark.parametrize("text", ["café", "Müller", "25 °C", "déjà vu", "naïve – “no”", "5 £", "Ångström"])
def test_western_words_in_utf_8_are_no_chinese(text: str) -> None:
    assert decode(text.encode()) == decode(text.encode(), "iso-8859-1") == text


@pytest.mark.parametrize(
    "text", ["????", "失败？？", "\ufffd\ufffd", "锟斤拷", "ϵͳæ", "ÏµÍ³·±Ã¦", "绯荤粺绻佸繖", "\ue000", "ç³»ç»Ÿ"]
)
def test_garbled_words_are_recognised(text: str) -> None:
    assert is_garbled(text)


@pytest.mark.parametrize(
    "text", ["系统繁忙", "no such user", "", "-1", "余额不足，请充值（1）…“x”！", "why?", "1·2", "価格"]
)
def test_other_words_are_not_garbled(text: str) -> None:
    assert not is_garbled(text)


@pytest.mark.parametrize(
    ("mark", "charset"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_byte_order_mark_decides(mark: bytes, charset: str) -> None:
    assert decode(mark + CHINESE.encode(charset), "gbk") == CHINESE
    assert decode(mark, "gbk") == ""
    assert decode(mark + CHINESE.encode(charset)[:-1]).startswith(CHINESE[:-1])


@pytest.mark.parametrize("charset", ["utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize("text", ["success", CHINESE])
def test_declared_utf_16_without_a_mark_is_used_if_there_are_zero_bytes(charset: str, text: str) -> None:
    assert decode(text.encode(charset), charset) == text


def test_a_last_character_cut_in_two_does_not_change_the_charset() -> None:
    for cut in (1, 2):
        assert decode("张三".encode()[:-cut], "gbk") == "张\ufffd"


@given(st.binary(), st.one_of(st.none(), st.text(), st.sampled_from([*DEFAULTS, *UNUSABLE, "gbk", "utf-16", "hz"])))
def test_any_bytes_become_text(data: bytes, declared: str | None) -> None:
    assert isinstance(decode(data, declared), str)


@given(
    st.text(
        st.characters(
            min_codepoint=0x2E80, max_codepoint=0xFFEF, exclude_categories=["Cs"], exclude_characters="\ufeff"
        ),
        min_size=1,
    )
)
def test_east_asian_utf_8_survives_any_declaration(text: str) -> None:
    assert decode(text.encode(), "gbk") == text


@pytest.mark.parametrize("page", ["<!DOCTYPE html>\n<p>", "<!doctype HTML PUBLIC", "\r\n<HTML>", "x" * 4000 + "<html "])
def test_a_web_page_is_recognised(page: str) -> None:
    assert looks_like_html(page)


@pytest.mark.parametrize("text", ["", "<a>html</a>", "success", "x" * 4096 + "<html>"])
def test_other_texts_are_not_web_pages(text: str) -> None:
    assert not looks_like_html(text)
