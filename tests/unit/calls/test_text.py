"""Message text. All texts are made up."""

from __future__ import annotations

import re
import traceback
from typing import Any, cast

import pytest
from hypothesis import given, strategies as st

from jzysoap.calls.text import (
    PART,
    SINGLE,
    check_gbk,
    check_text,
    count_segments,
    gbk_safe,
    has_other_signature,
    name_character,
    sign,
    utf16_units,
)
from jzysoap.model.errors import InvalidMessageError

XML_CHARACTERS = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
any_text = st.text(st.characters())


@pytest.mark.parametrize("text", ["短信测试", "a\tb\r\nc", " x ", "😀", "\x7f\x85\ue000\ufffd\U0010ffff"])
def test_a_text_that_xml_can_carry_stays_the_same(text: str) -> None:
    assert check_text(text) is text


@pytest.mark.parametrize("wrong", [None, 1234, b"abc", ["a"]])
def test_other_types_are_refused(wrong: object) -> None:
    with pytest.raises(InvalidMessageError) as caught:
        check_text(wrong)
    assert str(caught.value) == f"text must be text, not {type(wrong).__name__}"
    assert (caught.value.field, caught.value.text, caught.value.position) == ("text", None, None)


@pytest.mark.parametrize("blank", ["", "  ", "\r\n\t", "\u3000"])
def test_a_blank_text_is_refused(blank: str) -> None:
    with pytest.raises(InvalidMessageError, match=r"^signature is empty$") as caught:
        check_text(blank, field="signature")
    assert (caught.value.field, caught.value.text) == ("signature", blank)


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\x00", "U+0000 a control character"),
        ("\x0b", "U+000B a control character"),
        ("\x1f", "U+001F a control character"),
        ("\ud800", "U+D800 a lone surrogate"),
        ("\udfff", "U+DFFF a lone surrogate"),
        ("\ufffe", "U+FFFE"),
        ("\uffff", "U+FFFF"),
    ],
)
def test_a_character_that_xml_cannot_carry_is_named_with_its_position(character: str, name: str) -> None:
    text = f"验证码 1234😀{character}5\x01"
    with pytest.raises(InvalidMessageError) as caught:
        check_text(text)
    assert str(caught.value) == f"text has {name} at position 9 (counted from 0), which XML cannot carry"
    assert (caught.value.field, caught.value.text, caught.value.position) == ("text", text, 9)
    assert text[9] == character


@given(any_text)
def test_any_text_is_carried_or_refused_without_being_shown(text: str) -> None:
    if text.strip() and XML_CHARACTERS.fullmatch(text):
        assert check_text(text) == text
        return
    with pytest.raises(InvalidMessageError) as caught:
        check_text(text)
    assert caught.value.text == text
    assert len(text) < 4 or text not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("signature", ["嘉之元", "【嘉之元】"])
def test_a_signature_is_added_once(signature: str) -> None:
    assert sign("您好", signature) == "【嘉之元】您好"
    assert sign("【嘉之元】您好", signature) == "【嘉之元】您好"
    assert sign("【嘉之】您好", signature) == "【嘉之元】【嘉之】您好"
    assert sign("您好【嘉之元】", signature) == "【嘉之元】您好【嘉之元】"


@pytest.mark.parametrize("front", ["\ufeff", "\u200b", "\u2060 ", "\ufe0f", " \u3000"])
def test_a_signature_behind_what_nobody_sees_is_not_added_again(front: str) -> None:
    assert sign(f"{front}【签名】好", "签名") == "【签名】好"
    assert sign(f"{front}好", "签名") == f"【签名】{front}好"
    assert sign(f"{front}【签名】好", "") == f"{front}【签名】好"


def test_another_signature_is_noticed() -> None:
    for text in ("【别的】好", "\ufeff【别的】好", "【签名 】好"):
        assert has_other_signature(text, "签名")
        assert not has_other_signature(text, "")
    for text in ("【签名】好", "\u200b【签名】好", "好【别的】", "【】好", "好", "\ufeff"):
        assert not has_other_signature(text, "签名")


@pytest.mark.parametrize("nothing", ["", "【】"])
def test_an_empty_signature_changes_nothing(nothing: str) -> None:
    assert sign("您好", nothing) == "您好"


@given(st.text(), st.text())
def test_signing_twice_is_signing_once(text: str, signature: str) -> None:
    once = sign(text, signature)
    assert once.endswith(text)
    assert sign(once, signature) == once


@pytest.mark.parametrize(("text", "units"), [("", 0), ("短信", 2), ("a😀b", 4), ("\ud83d", 1), ("\ud83d\ude00", 2)])
def test_units_are_those_of_utf_16(text: str, units: int) -> None:
    assert utf16_units(text) == units


@given(any_text)
def test_a_character_is_one_unit_or_two(text: str) -> None:
    assert utf16_units(text) == len(text) + sum(character > "\uffff" for character in text)


@pytest.mark.parametrize(
    ("length", "segments"), [(0, 1), (1, 1), (70, 1), (71, 2), (134, 2), (135, 3), (201, 3), (202, 4)]
)
def test_one_message_has_70_units_and_each_of_several_67(length: int, segments: int) -> None:
    assert (SINGLE, PART) == (70, 67)
    assert count_segments("信" * length) == segments


def test_segments_count_emoji_twice_and_the_signature() -> None:
    assert count_segments("😀" * 35) == 1
    assert count_segments("😀" * 36) == 2
    assert count_segments("信" * 66, signature="签名") == 1
    assert count_segments("信" * 67, signature="签名") == 2
    assert count_segments("【签名】" + "信" * 66, signature="【签名】") == 1


def test_the_limits_can_be_set() -> None:
    assert count_segments("a" * 160, single=160, part=153) == 1
    assert count_segments("a" * 161, single=160, part=153) == 2


@pytest.mark.parametrize(("name", "limits"), [("single", {"single": 0}), ("part", {"part": -1})])
def test_a_limit_below_one_is_refused(name: str, limits: dict[str, int]) -> None:
    with pytest.raises(InvalidMessageError, match=f"^{name} must be at least 1$") as caught:
        count_segments("a", **cast("Any", limits))
    assert caught.value.field == name


@pytest.mark.parametrize("helper", [count_segments, gbk_safe])
def test_the_helpers_accept_text_only(helper: Any) -> None:
    with pytest.raises(InvalidMessageError, match=r"^text must be text, not bytes$"):
        helper(b"abc")


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\u00a0", "U+00A0 NO-BREAK SPACE"),
        ("€", "U+20AC EURO SIGN"),
        ("•", "U+2022 BULLET"),
        ("™", "U+2122 TRADE MARK SIGN"),
        ("\u200b", "U+200B ZERO WIDTH SPACE"),
        ("䶮", "U+4DAE CJK UNIFIED IDEOGRAPH-4DAE"),
        ("😀", "U+1F600 GRINNING FACE"),
        ("\x80", "U+0080 a control character"),
        ("\ud800", "U+D800 a lone surrogate"),
        ("\ue000", "U+E000"),
    ],
)
def test_a_character_that_gbk_lacks_is_named_with_its_position(character: str, name: str) -> None:
    advice = "gbk_safe(text) returns a text that it can"
    with pytest.raises(InvalidMessageError) as caught:
        check_gbk(f"短信{character}x")
    assert str(caught.value) == (f"text has {name} at position 2 (counted from 0), which GBK cannot encode: {advice}")
    with pytest.raises(InvalidMessageError) as caught:
        check_gbk(f"短信{character}x{character}€", field="signature")
    assert str(caught.value) == (
        f"signature has {name} at position 2 (counted from 0), which GBK cannot encode, and 2 more: {advice}"
    )
    assert (caught.value.position, caught.value.text) == (2, f"短信{character}x{character}€")


@pytest.mark.parametrize("text", ["", "短信测试", "“引号”—…·《》￥￡", "龍飛", "é ü", "abc\x01"])
def test_text_in_gbk_stays_the_same(text: str) -> None:
    check_gbk(text)
    assert gbk_safe(text) is text


def test_the_error_of_the_codec_is_not_shown() -> None:
    with pytest.raises(InvalidMessageError) as caught:
        check_gbk("验证码€")
    assert "UnicodeEncodeError" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a\u00a0b\u2009c\u3000d", "a b c\u3000d"),
        ("5€", "5EUR"),
        ("• 一 ‣ 二", "· 一 · 二"),
        ("X™®©", "X(TM)(R)(C)"),
        ("£5 ¥5 ¢5", "￡5 ￥5 ￠5"),
        ("«x» ‹y› „z‚", "《x》 〈y〉 “z‘"),
        ("ze\u200bro\ufeff \u200ewidth\u00ad", "zero width"),
        ("1\ufe0f\u20e3", "1"),
        ("❤\ufe0f", "?"),
        ("ñ Ñ ç ö ß ø Łódź", "n N c o ss o Lódz"),
        ("e\u0301", "e"),
        ("½ ﬁ ², ①", "1/2 fi 2, ①"),
        ("a\u2028b\u2029c\x85d", "a\nb\nc\nd"),
        ("1−2", "1-2"),
        ("✓ ✗ ➜", "√ × →"),
        ("😀 䶮 가 \ud800 \x80", "? ? ? ? ?"),
    ],
)
def test_gbk_safe_returns_the_nearest_readable_text(text: str, safe: str) -> None:
    assert gbk_safe(text) == safe


@given(any_text)
def test_the_result_of_gbk_safe_is_safe_and_stays_the_same(text: str) -> None:
    safe = gbk_safe(text)
    check_gbk(safe)
    assert gbk_safe(safe) == safe
    if text.encode("gbk", "replace").decode("gbk") == text:
        assert safe == text


def test_characters_of_every_kind_have_a_safe_form() -> None:
    # All characters of the basic plane, where GBK's are, and one in 31 of the others.
    for code in (*range(0x10000), *range(0x10000, 0x110000, 31)):
        gbk_safe(chr(code)).encode("gbk")


def test_gbk_safe_keeps_the_characters_of_gbk() -> None:
    assert gbk_safe("“短信”€…ａ１") == "“短信”EUR…ａ１"


@pytest.mark.parametrize(
    ("character", "name"),
    [("a", "U+0061 LATIN SMALL LETTER A"), ("\x01", "U+0001 a control character"), ("\uffff", "U+FFFF")],
)
def test_a_character_is_named(character: str, name: str) -> None:
    assert name_character(character) == name
