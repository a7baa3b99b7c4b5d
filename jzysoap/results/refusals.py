"""What the gateway's words after ``failure;`` mean: one table of words, and the error that each row stands for.

The vendor documents no such words. The table is ours; its sources are in docs/protocol.md#refusals.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from jzysoap.encoding.charsets import is_garbled
from jzysoap.model.errors import (
    AccountRefusedError,
    AuthenticationError,
    ContentRejectedError,
    GatewayError,
    InsufficientBalanceError,
    NumberRejectedError,
    RateLimitedError,
)

# Words by the error that they mean. A text that fits no row, or several, is a plain GatewayError.
_MEANINGS: Mapping[type[GatewayError], str] = {
    # Not 号码停用, 时间戳过期, 密码过期, 链接失效, 签名过期: these are not about the account.
    AccountRefusedError: "(?<![码机戳间接名板版])(?<![码机戳间接名板版][已被])(?<![码机戳间接名板版]已[经被])"
    "(?:锁定|锁住|停用|禁用|冻结|过期|到期|失效|封停|封禁)"
    "|[帐账][号户][已被]{0,2}(?:锁|停|封|关闭|注销)|(?:[帐账][号户]|用户|企业)未(?:激活|启用|审核|认证)|[帐账][号户].{0,4}禁止"
    "|未授权|未经授权|未开通|有效期已|无权|权限不足|(?:无|没有?|缺少).{0,6}权限|授权(?:失败|错误)"
    "|(?:account|user|api ?key|service|workspace)[^,;.]{0,30}(?:locked|disabled|suspended|expired|frozen|blocked)"
    "|permission|not allowed|forbidden|access denied",
    AuthenticationError: "密码错误|密码不正确|密码不对|密码有误|用户名或密码|用户名错误|用户不存在|用户名不存在"
    "|[帐账][号户]或密码|[帐账][号户]错误|[帐账][号户]不存在|[帐账][号户]不正确|身份验证|认证失败|鉴权失败|登[录陆]失败"
    "|password|authenticat|unauthori[sz]ed|user(?: ?name)? does not exist|no such user",
    InsufficientBalanceError: "余额不足|余额不够|条数不足|数量不足|数量不够|短信不足|欠费|insufficient",
    RateLimitedError: "频繁|过快|太快|频率|频次|流速|超速|超频|速度"
    "|too (?:often|fast|frequent|many requests)|rate (?:limit|exceeded)|frequent query",
    ContentRejectedError: "敏感|非法内容|内容非法|内容不合法|关键字|关键词|违禁|屏蔽词|签名|内容过长|内容超长|内容为空"
    "|内容重复|模[板版]|退订|(?:内容|文本|短信|链接|网址|变量|落款|抬头|后缀)[^号,，.。;；:：]{0,6}(?:报备|备案|审核|审批)"
    "|^(?:[尚还]?未|没有)?(?:报备|备案|审核|审批)"
    "|sensitive|illegal content|keyword|signature|template",
    NumberRejectedError: "号码(?:错误|无效|非法|格式|不正确)|手机号(?:错误|无效|非法|格式|不正确)"
    "|(?:错误|无效|非法)的?(?:手机)?号码|空号|黑名单|(?:invalid|wrong) (?:mobile|number|phone)|blacklist",
}
_ADDRESS = "(?<![a-z])ip(?![a-z])"
# Phrases after which a send may or may not have happened: timeouts and internal errors.
_UNSURE = (
    "超时|系统错误|系统繁忙|系统忙|内部错误|服务器错误|网络错误|未知|异常|故障|数据库|无响应|连接.{0,6}(?:失败|断)"
    "|部分|(?<![不未])成功|处理中|重复提交"
    "|time[ -]?d?[ -]?out|exception|(?:system|unknown|internal|server|sql) error|connection|\\bnull\\b|ORA-[0-9]"
)
_FULL_WIDTH = str.maketrans("０１２３４５６７８９＋", "0123456789+")
# A mainland number, with its prefix and with separators or without; or any number after + or 00.
_NUMBER = (
    "(?<![0-9])(?:(?:(?:[+]|00)?86[ -]?)?(1[ .-]{0,2}[3-9](?:[ .-]{0,2}[0-9]){9})"
    "|((?:[+]|00)[1-9][0-9]{6,14}))(?![0-9])"
)


def gateway_error(text: str, secrets: Collection[str] = (), **attributes: Any) -> GatewayError:
    """Return the error for the words after ``failure;``.

    If the words speak of a timeout or an internal error, the gateway may have acted, whatever else they say; so it may
    if the words cannot be read.

    Args:
        text: those words, verbatim.
        secrets: texts that the error's message must not show.
        attributes: more attributes of the error.
    """
    # Compiled when first needed: most processes never see a refusal.
    if re.search(_UNSURE, text, re.IGNORECASE):
        return GatewayError(text, secrets=secrets, may_have_been_sent=True, **attributes)
    kind = _find_kind(text)
    if kind is NumberRejectedError:
        return kind(text, secrets=secrets, numbers=find_numbers(text), **attributes)
    unreadable = kind is GatewayError and is_garbled(text)
    return kind(text, secrets=secrets, may_have_been_sent=unreadable or None, **attributes)


def find_numbers(text: str) -> tuple[str, ...]:
    """Return the mobile numbers that a text names, each once, as ``send`` spells them; a foreign one as it is written.

    Only a foreign number with ``+`` or ``00`` is told from other digits.
    """
    found = re.finditer(_NUMBER, text.translate(_FULL_WIDTH))
    return tuple(dict.fromkeys(re.sub("[ .-]", "", one[1]) if one[1] else one[2] for one in found))


def _find_kind(text: str) -> type[GatewayError]:
    kinds = [kind for kind, pattern in _MEANINGS.items() if re.search(pattern, text, re.IGNORECASE)]
    if re.search(_ADDRESS, text, re.IGNORECASE):
        # Whatever list or register an address is missing from: neither numbers nor texts nor a password will mend it.
        return RateLimitedError if RateLimitedError in kinds else AccountRefusedError
    if AccountRefusedError in kinds and AuthenticationError in kinds:
        # An account that wrong passwords have locked: another password would not open it.
        kinds.remove(AuthenticationError)
    return kinds[0] if len(kinds) == 1 else GatewayError
