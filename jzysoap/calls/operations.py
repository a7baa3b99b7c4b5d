"""The operations: arguments in, a ``Call`` out that says what to ask for and how to read the answer.

The wire's spelling of arguments is at home here. Nothing here knows SOAP, the servlet or a socket.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Literal, TypeVar

from jzysoap.calls.numbers import recipients, split
from jzysoap.calls.text import check_gbk, check_text, count_segments, is_long, sign
from jzysoap.model.errors import InvalidMessageError
from jzysoap.model.masking import Secret, spellings
from jzysoap.model.sent import Batch
from jzysoap.model.values import Balance, Channel, DeliveryReport, Poll, Reply
from jzysoap.results.parse import (
    parse_balance,
    parse_password_change,
    parse_replies,
    parse_reports,
    parse_send,
)
from jzysoap.settings import checks
from jzysoap.settings.config import Config

T_co = TypeVar("T_co", covariant=True)

_TELLING = 6
"""Characters from which on a text is hidden where the gateway repeats it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an interface got out of a reply.

    Attributes:
        text: the result string; None for nil.
        raw: the reply's body.
        secrets: what no text of an error may show.
        complete: False when the reply was cut off.
    """

    text: str | None = field(repr=False)
    raw: bytes = field(default=b"", repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    complete: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Call(Generic[T_co]):
    """One call of one operation.

    Attributes:
        operation: its name on the wire, as the web service spells it.
        kind: ``send`` acts and must never be repeated unseen; a ``poll`` may consume what it returns; a ``query`` does
            neither.
        read: the answer to a model.
        arguments: by their names on the wire, without the credentials.
        numbers: how many recipients it has.
        segments: what each of them costs.
        plain_password: whether its password goes in the clear, whatever the interface does else.
        secrets: what no text of an error may show, beside the password.
    """

    operation: Literal["sendSms", "getRestMoney", "getSmsReport", "getRecvSMS", "updatePassword"]
    kind: Literal["send", "query", "poll"]
    read: Callable[[Answer], T_co] = field(repr=False)
    arguments: Mapping[str, str] = field(default_factory=dict, repr=False)
    numbers: int = 0
    segments: int = 0
    plain_password: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One batch of a send: its recipients and its call."""

    mobiles: tuple[str, ...] = field(repr=False)
    call: Call[str | None]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A send, checked and split: one call a batch.

    Attributes:
        parts: the batches, in the order of the recipients.
        segments: what each recipient costs.
        on_batch: called with each batch once its outcome is known.
    """

    parts: tuple[Part, ...]
    segments: int
    on_batch: Callable[[Batch], object] | None = field(default=None, repr=False)


def send(
    config: Config,
    mobile: object,
    text: object,
    *,
    channel: Channel | None,
    extension: str | None,
    signature: str | None,
    long: bool | None,
    batch_size: int | None,
    on_batch: Callable[[Batch], object] | None = None,
) -> Plan:
    """Vendor page, "SMS发送接口". None stands for the client's own setting.

    Raises:
        InvalidMessageError: naming the argument; nothing leaves.
    """
    bare = check_text(text)
    message = sign(bare, _checked("signature", checks.signature, signature, config.signature))
    if config.interface == "servlet" and not config.utf8_servlet:
        check_gbk(message)
    if long is not None:
        _checked("long", checks.flag, long, False)
    mobiles = recipients(mobile, international=config.international, allowed=config.allow_recipients)
    segments = count_segments(message)
    # What is shorter may stand anywhere in the gateway's words.
    secrets = tuple(Secret(one) for one in (message, bare) if len(one) >= _TELLING)
    arguments = {
        "smstype": str(int(_checked("channel", checks.channel, channel, config.channel))),
        "content": message,
        "isLongSms": str(int(is_long(message) if long is None else long)),
        "extenno": _checked("extension", checks.extension, extension, config.extension),
    }
    size = _checked("batch_size", checks.batch_size, batch_size, config.batch_size)
    return Plan(
        tuple(
            Part(
                batch,
                Call(
                    "sendSms",
                    "send",
                    lambda answer: parse_send(answer.text, secrets=answer.secrets),
                    {**arguments, "mobile": ",".join(batch)},
                    len(batch),
                    segments,
                    secrets=secrets,
                ),
            )
            for batch in split(mobiles, size)
        ),
        segments,
        _checked("on_batch", checks.hook, on_batch, None),
    )


def balance() -> Call[Balance]:
    """Vendor page, "查看用户账号信息接口"."""
    return Call("getRestMoney", "query", lambda answer: parse_balance(answer.text, secrets=answer.secrets))


def reports(config: Config) -> Call[Poll[DeliveryReport]]:
    """Vendor page, "获取下行状态报告接口"."""
    return Call("getSmsReport", "poll", partial(_read_poll, parse_reports, config))


def replies(config: Config) -> Call[Poll[Reply]]:
    """Vendor page, "上行回复接口"."""
    parse = partial(parse_replies, encoding=config.reply_encoding)
    return Call("getRecvSMS", "poll", partial(_read_poll, parse, config))


def change_password(new: object, *, base64: bool) -> Call[None]:
    """Vendor page, "修改密码接口"; only the servlet has it.

    Raises:
        InvalidMessageError: the new password is not of ASCII letters and digits.
    """
    if not isinstance(new, str) or not re.fullmatch(r"[0-9A-Za-z]{1,64}", new):
        raise InvalidMessageError("new must be a password of ASCII letters and digits, at most 64", field="new")
    _checked("base64", checks.flag, base64, False)
    encoded = checks.encode_password(new, "ascii")
    return Call(
        "updatePassword",
        "send",
        lambda answer: parse_password_change(answer.text, secrets=answer.secrets),
        {"newPassword": encoded if base64 else Secret(new)},
        plain_password=not base64,
        secrets=spellings(new, encoded, encoded.rstrip("=")),
    )


def _read_poll(parse: Callable[..., Any], config: Config, answer: Answer) -> Any:
    return parse(
        answer.text,
        raw=answer.raw,
        complete=answer.complete,
        empty_texts=config.empty_texts,
        secrets=answer.secrets,
    )


def _checked(name: str, check: Callable[[Any], Any], value: Any, default: Any) -> Any:
    if value is None:
        return default
    try:
        return check(value)
    except ValueError as error:
        raise InvalidMessageError(f"{name} {error}", field=name) from None
