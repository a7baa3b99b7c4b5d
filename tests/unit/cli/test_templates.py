"""Message templates: columns in braces and nothing else, and values that cannot turn a message into another one."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from jzysoap.cli.inputerror import InputError
from jzysoap.cli.templates import parse_template

VALUE = "s3cret"


def fill(text: str, *, allow_values: bool = False, **values: str) -> str:
    return parse_template(text).fill(values, 7, allow_values=allow_values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("您好", "您好"),
        ("{姓名}", "张三"),
        ("{ 姓名 }您好，{余额}元。{姓名}", "张三您好，1.5元。张三"),
        ("{姓名}{余额}", "张三1.5"),
        ("{{姓名}}", "{姓名}"),
        ("{{{姓名}}}", "{张三}"),
        ("a}}b{{c", "a}b{c"),
        ("{{{{{姓名}", "{{张三"),
        ("%s $姓名 \\{姓名}", "%s $姓名 \\张三"),
    ],
)
def test_columns_are_filled_in(text: str, expected: str) -> None:
    assert fill(text, 姓名="张三", 余额="1.5") == expected


def test_a_value_is_not_read_again() -> None:
    assert fill("{a}{b}", a="{b}", b="{{x}}") == "{b}{{x}}"


def test_the_columns_are_named_once_in_order() -> None:
    template = parse_template("{b}{a}{b}{{c}}")
    assert template.columns == ("b", "a")
    assert repr(template) == "<Template with 2 columns>"


@given(st.text(alphabet="ab{} \n", max_size=12))
def test_what_parses_is_what_python_would_make_of_it(text: str) -> None:
    values = {"a": "1", "b": "2", "ab": "3", "ba": "4"}
    try:
        template = parse_template(text)
    except InputError:
        return
    if set(template.columns) <= values.keys() and not any(f"{{{blank}" in text for blank in " \n"):
        try:
            expected = text.format_map(values)
        except (KeyError, ValueError):
            # A heading with blanks around it, which are ignored here.
            assert " " in text or "\n" in text
        else:
            assert template.fill(values, 1) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ab{", "the template has a single brace at character 3: write {{ or }} for a brace in the message"),
        ("}", "the template has a single brace at character 1"),
        ("{a}}", "the template has a single brace at character 4"),
        ("{a{b}", "the template has a single brace at character 1"),
        ("{{{a}", "the template has a single brace"),
        ("x{}", "the braces at character 2 of the template hold no column"),
        ("{  }", "the braces at character 1 of the template hold no column"),
        ("{a.b}", "the braces at character 1 of the template hold more than a column: . [ ] ! : are not allowed there"),
        ("{a[0]}", "the braces at character 1"),
        ("{a!r}", "the braces at character 1"),
        ("{a:>9}", "the braces at character 1"),
        ("{{{a.__class__}", "the braces at character 3"),
    ],
)
def test_anything_else_in_braces_is_refused(text: str, expected: str) -> None:
    if text == "{{{a}":
        assert fill(text, a="1") == "{1"
        return
    with pytest.raises(InputError) as caught:
        parse_template(text)
    assert str(caught.value).startswith(expected)


def test_missing_columns_are_all_named() -> None:
    template = parse_template("{a}{b}{c}{d}")
    template.check_columns(["d", "c", "b", "a", "e", "e"])
    with pytest.raises(InputError) as caught:
        template.check_columns(["a", "d"])
    assert str(caught.value) == "the file lacks columns that the template names: 'b', 'c'; it has: 'a', 'd'"
    with pytest.raises(InputError) as caught:
        template.check_columns(["a", "b", "c", "a", "d", "d"])
    assert str(caught.value) == "the template names columns that the file has more than once: 'a', 'd'"
    with pytest.raises(InputError, match="lacks columns"):
        template.check_columns([])


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("【银行】", "【 or 】, the signs of a signature"),
        (f"{VALUE}】", "【 or 】, the signs of a signature"),
        # Its compatibility form is 【.
        ("︻", "【 or 】, the signs of a signature"),
        ("a\nb", "a line break"),
        ("a\r", "a line break"),
        ("a\u2028b", "a line break"),
        ("a\x85b", "a line break"),
        ("http://x", "an internet address"),
        (f"见HTTPS://{VALUE}", "an internet address"),
        ("weixin://x", "an internet address"),
        ("www.x", "an internet address"),
        ("请看www.x", "an internet address"),
        ("t.cn/abc", "an internet address"),
        ("请看t.cn/abc", "an internet address"),
        ("a-b.example.com:80/", "an internet address"),
        ("例子.中国/x", "an internet address"),
        ("x.xn--fiqs8s/", "an internet address"),
        ("1.2.3.4/x", "an internet address"),
        ("1.2.3.4:80/x", "an internet address"),
        ("ｔ．ｃｎ／ａ", "an internet address"),
        ("t.\u200bcn/a", "an internet address"),
    ],
)
def test_a_value_that_could_change_the_message_is_refused(value: str, why: str) -> None:
    with pytest.raises(InputError) as caught:
        fill("{姓名}{余额}", 姓名="张三", 余额=value)
    assert str(caught.value) == (
        f"row 7, column '余额': the value has {why}, which could change what the message says; if all values of the "
        "file are yours, use --allow-values"
    )
    assert fill("{余额}", 余额=value, allow_values=True) == value


@pytest.mark.parametrize(
    "value",
    [
        "张三",
        "",
        "O'Neil, Ann-Marie (Dr.)",
        "2026/01/31",
        "31.01.2026/12",
        "1.5kg/箱",
        "3.5元/月",
        "1,234.50",
        "a@example.com",
        "example.com",
        "男/女",
        "[x] {y} 〔z〕",
        "电话：010-8888",
        "awww.",
    ],
)
def test_other_values_are_taken(value: str) -> None:
    assert fill("{姓名}", 姓名=value) == value


def test_the_error_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JZYSOAP_LANG", "zh")
    with pytest.raises(InputError) as caught:
        fill("{姓名}", 姓名=f"www.{VALUE}")
    assert str(caught.value) == (
        "第 7 行 '姓名' 列：值中有网址，可能改变短信的含义；如果文件中的值都可信，请使用 --allow-values"
    )
    with pytest.raises(InputError) as caught:
        parse_template("{")
    assert str(caught.value) == "模板第 1 个字符是单独的花括号：短信中的花括号请写成 {{ 或 }}"
