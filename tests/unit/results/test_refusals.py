"""The gateway's words after ``failure;``: which error they mean, and what it holds.

The words are made up, or from the tables that docs/protocol.md#refusals names. The numbers are samples.
"""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from jzysoap.model.errors import (
    AccountRefusedError,
    AuthenticationError,
    ContentRejectedError,
    GatewayError,
    InsufficientBalanceError,
    NumberRejectedError,
    RateLimitedError,
)
from jzysoap.results.refusals import find_numbers, gateway_error


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("密码错误", AuthenticationError),
        ("用户名或密码不正确", AuthenticationError),
        ("用户不存在", AuthenticationError),
        ("帐号错误", AuthenticationError),
        ("账户或密码错误", AuthenticationError),
        ("Invalid PASSWORD", AuthenticationError),
        ("余额不足", InsufficientBalanceError),
        ("短信数量不足", InsufficientBalanceError),
        ("Insufficient balance", InsufficientBalanceError),
        ("查询频繁", RateLimitedError),  # sighting 4
        ("同一号码发送过快", RateLimitedError),
        ("too many requests", RateLimitedError),
        ("内容含有敏感词", ContentRejectedError),
        ("非法内容", ContentRejectedError),
        ("包含关键字:密码", ContentRejectedError),
        ("未加签名", ContentRejectedError),
        ("号码错误", NumberRejectedError),
        ("手机号码无效", NumberRejectedError),
        ("手机号格式不对", NumberRejectedError),
        ("号码在黑名单中", NumberRejectedError),
        ("invalid mobile", NumberRejectedError),
        *[
            (words, AccountRefusedError)
            for words in (
                "账号已锁定",
                "帐号被锁定",
                "帐户停用",
                "账户已被禁用",
                "该用户已冻结",
                "用户已过期",
                "账号过期",
                "账号未激活",
                "账户已关闭",
                "服务到期",
                "接口已停用",
                "锁定",
                "IP未授权",
                "IP地址未绑定",
                "您的IP在黑名单中",
                "非法IP",
                "未授权的ip:10.0.0.1",
                "IP鉴权失败",
                "请求IP不在已报备IP中",
                "IP is not in the whitelist",
                "Unauthorized IP address",
                "Restricted IP access",
                "Account is blocked",
                "User locked",
                "API Key is disabled",
                "没有权限",
                "没有该通道权限",
                "用户未审核",
                "账户有效期已过",
                "产品未开通",
                "密码错误次数过多,账号已锁定",  # another password would not help
            )
        ],
        *[
            (words, ContentRejectedError)
            for words in (
                "签名未报备",
                "签名未审核",
                "短信签名不存在",
                "未报备",
                "模板未报备",
                "模版不匹配",
                "内容未报备",
                "文本未审核通过",
                "短信内容未备案",
                "未带退订",
                "签名已停用",
                "模板已过期",
                "报备未通过",
                "invalid signature",
                "template not exist",
            )
        ],
        ("IP访问频繁", RateLimitedError),
        ("超过ip最大请求速度", RateLimitedError),
        ("链接已失效", GatewayError),
        ("密码已过期", GatewayError),
        ("账户余额不足,已停用", GatewayError),
        ("号码已停用", GatewayError),
        ("时间戳过期", GatewayError),
        ("号码未报备", GatewayError),
        ("", GatewayError),
        ("提交失败", GatewayError),
        ("通道关闭", GatewayError),
        ("a description of tips", GatewayError),
        # A text with two meanings has none.
        ("密码错误或余额不足", GatewayError),
    ],
)
def test_words_with_one_meaning_have_their_own_error(words: str, kind: type[GatewayError]) -> None:
    error = gateway_error(words)
    assert type(error) is kind
    assert error.text == words
    assert not error.may_have_been_sent


@pytest.mark.parametrize(
    "words",
    [
        "超时",
        "系统错误",
        "系统异常,余额不足",
        "系统繁忙",
        "未知错误",
        "Timeout",
        "read timed out",
        "java.lang.Exception",
        "数据库错误",
    ],
)
def test_words_about_timeouts_and_internal_errors_leave_the_outcome_open(words: str) -> None:
    error = gateway_error(words)
    assert type(error) is GatewayError
    assert error.may_have_been_sent
    assert error.text == words


def test_the_words_are_masked_in_the_message_and_verbatim_on_the_attribute() -> None:
    error = gateway_error("号码错误:13866194295\x1b[1m pass-word", ("pass-word",))
    assert str(error) == "the gateway refused a recipient: 号码错误:138****4295 [1m ***"
    assert error.text == "号码错误:13866194295\x1b[1m pass-word"


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("号码错误", ()),
        ("号码错误:13866194295", ("13866194295",)),
        ("号码错误:13866194295,13800001234;13866194295", ("13866194295", "13800001234")),
        ("号码错误[8613866194295][+8613800001234][008613800001235]", ("13866194295", "13800001234", "13800001235")),
        ("138-6619-4295 号码无效", ("13866194295",)),
        ("13866194295 13800001234 号码无效", ("13866194295", "13800001234")),
        ("１３８６６１９４２９５是空号", ("13866194295",)),
        ("黑名单:+85251234567、0085251234568", ("+85251234567", "0085251234568")),
        ("号码错误(20160315114500123)", ()),
        ("号码错误,流水号1386619429512", ()),
    ],
)
def test_a_refused_recipient_is_named(words: str, numbers: tuple[str, ...]) -> None:
    error = gateway_error(words)
    assert isinstance(error, NumberRejectedError)
    assert error.numbers == numbers
    assert not any(number in str(error) or number in repr(error) for number in numbers)


@given(
    st.lists(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), unique=True, max_size=5), st.sampled_from(",;、| /\n")
)
def test_every_number_of_a_list_is_found(numbers: list[str], between: str) -> None:
    assert find_numbers(f"号码错误:{between.join(numbers)}。") == tuple(numbers)


@given(st.text())
def test_any_words_have_an_error(words: str) -> None:
    error = gateway_error(words)
    assert error.text == words
    assert all(number.strip("+").isdigit() for number in find_numbers(words))
