"""Masks. All numbers, texts and passwords are made up."""

from __future__ import annotations

import base64
import copy
import html
import json
import pickle
import re
import unicodedata
import urllib.parse
from typing import Any

import pytest
from hypothesis import given, strategies as st

from jzysoap.model.masking import (
    EVIDENCE,
    MAX_SHOWN,
    Secret,
    SecretBytes,
    mask_evidence,
    mask_number,
    mask_text,
    spell,
)

any_text = st.text(st.characters())


@given(any_text)
def test_a_secret_shows_nothing_and_is_its_text(text: str) -> None:
    secret = Secret(text)
    assert {repr(secret), f"{secret!r}", ascii(secret), str([secret])[1:-1]} == {"'***'"}
    assert secret == text
    assert f"{secret}" == text
    assert type(str(secret)) is str


@pytest.mark.parametrize("value", [Secret("geheim"), SecretBytes(b"geheim")])
def test_a_copy_of_a_secret_is_a_secret(value: Any) -> None:
    for other in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):  # noqa: S301  # our own
        assert other == value
        assert type(other) is type(value)
        assert "geheim" not in repr(other)


@given(st.binary())
def test_secret_bytes_show_only_their_length(data: bytes) -> None:
    secret: Any = SecretBytes(data)
    shown = f"<{len(data)} bytes>"
    assert {repr(secret), str(secret), f"{secret}", "%s" % secret, f"{secret!a}"} == {shown}  # noqa: UP031  # as logging
    assert secret == data
    assert bytes(secret) == data


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13812345678", "138****5678"),
        ("+8613812345678", "+86****5678"),
        ("138 1234-5678", "138****5678"),
        ("0085291234567", "008****4567"),
        ("1" * 5000, "111****1111"),
        ("1381234567", "**********"),
        ("110", "***"),
        ("", ""),
        # A message text given as mobile: its code could be in its last four characters.
        ("您的验证码是 1234", "***********"),
        ("Your code is 1234", "***********"),
        ("a" * 5000, "***********"),
        ("1 2 3 4 5 6 7", "***********"),
        ("1-1-1-1-1-1", "***********"),
        ("\x1b[2J\n13812345678", "***********"),
        ("13812345678\n", "***********"),
        ("138\x001234\ud8005678", "***********"),
    ],
)
def test_a_number_shows_its_ends(number: str, shown: str) -> None:
    assert mask_number(number) == shown


@given(any_text | st.from_regex(r"[+0-9 -]{0,40}", fullmatch=True))
def test_a_mask_shows_seven_digits_at_most_and_never_more_than_half(number: str) -> None:
    shown = mask_number(number)
    assert shown.isprintable()
    assert len(shown) <= 11
    assert len(re.sub(r"[*+]", "", shown)) in (0, 6, 7)
    if "*" * len(shown) != shown:
        assert len(re.findall(r"\d", number)) >= 10


@pytest.mark.parametrize(
    ("text", "secrets", "shown"),
    [
        ("余额不足", (), "余额不足"),
        ("", ("x",), ""),
        ("号码13812345678错误", (), "号码138****5678错误"),
        ("123456", (), "123456"),
        ("1234567", (), "*******"),
        ("１２３４５６７８９０１", (), "１２３****８９０１"),
        ("the password geheim is Z2VoZWlt", ("Z2VoZWlt", "geheim"), "the password *** is ***"),
        ("aa", ("", "a"), "******"),
        ("  a\r\nFORGED log line\x1b[31m\x85\u2028b ", (), "a FORGED log line [31m b"),
        ("\u202egnp.exe\ud800", (), "gnp.exe"),
        ("\x00\x01", (), ""),
    ],
)
def test_a_foreign_text_is_masked_and_cleaned(text: str, secrets: tuple[str, ...], shown: str) -> None:
    assert mask_text(text, secrets) == shown


def test_a_secret_in_another_secret_is_masked() -> None:
    for secrets in (("geheim", "so geheim!"), ("so geheim!", "geheim")):
        assert mask_text("ist so geheim! und geheim", secrets) == "ist *** und ***"


def test_a_long_text_is_masked_before_it_is_cut() -> None:
    assert mask_text("字" * MAX_SHOWN) == "字" * MAX_SHOWN
    assert mask_text("字" * (MAX_SHOWN + 1)) == "字" * (MAX_SHOWN - 1) + "…"
    # If the text were cut first, the beginning of a secret at the cut would stay.
    assert mask_text("字" * (MAX_SHOWN - 3) + "geheim", ["geheim"]) == "字" * (MAX_SHOWN - 3) + "***"


@given(any_text, st.lists(st.text("abcdef", min_size=3), max_size=3))
def test_masked_text_shows_no_secret(text: str, secrets: list[str]) -> None:
    shown = mask_text("".join([text, *secrets, text]), iter(secrets))
    assert len(shown) <= MAX_SHOWN
    assert not re.search(r"\d{8}", shown)
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in shown)
    assert mask_text(shown) == shown


SECRET = "验证码 <1234> & 勿告诉/他人 é\"'"


@pytest.mark.parametrize("shown", sorted(spell(SECRET)), ids=range(len(spell(SECRET))))
def test_every_spelling_of_a_secret_is_masked(shown: str) -> None:
    assert mask_text(f"敏感词 {shown}!", [SECRET]) == "敏感词 ***!"
    for charset in ("utf-8", "gb18030", "utf-16-le"):
        assert mask_evidence(f"<{shown}>".encode(charset), [SECRET]) == "<***>".encode(charset)


def test_spellings_are_those_of_the_usual_encoders() -> None:
    assert {
        *(urllib.parse.quote_plus(SECRET, encoding=one).lower() for one in ("utf-8", "gbk")),
        urllib.parse.quote(SECRET, safe=""),
        html.escape(SECRET),
        html.escape(SECRET, quote=False),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        SECRET.encode("ascii", "xmlcharrefreplace").decode(),
        base64.b64encode(SECRET.encode()).decode(),
    } <= spell(SECRET)


@pytest.mark.parametrize("part", [SECRET[:10], SECRET[3:12], SECRET[-8:], SECRET[:6]])
def test_a_part_of_a_secret_is_masked(part: str) -> None:
    assert mask_text(f"敏感词 {part}...", [SECRET]) == "敏感词 ***..."


@pytest.mark.parametrize(
    "number", ["138.6619.4295", "13866 194295", "138-6619-4295", "1 3 8 6 6 1 9 4 2 9 5", "138\u00a06619\u00a04295"]
)
def test_a_number_with_separators_is_masked(number: str) -> None:
    assert mask_text(f"空号 {number}。") == "空号 138****4295。"


def test_long_secrets_take_little_time() -> None:
    """Only what may be shown is looked for: the spellings do not grow with a secret of megabytes."""
    assert max(map(len, spell("字" * 1_000_000))) < 100 * EVIDENCE
    assert mask_text("x" * 10_000_000, ["y" * 1_000_000]).endswith("…")
