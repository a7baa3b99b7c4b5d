"""The operations as a caller sees them: checked arguments in, a ``Call`` out that says what to ask and how to parse it.

The wire's spelling of arguments is at home here. Nothing here knows SOAP, the servlet or a socket.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic, TypeVar

from jzysoap.calls.numbers import recipients, sort_recipients, split
from jzysoap.calls.text import check_text, has_other_signature, segments_of, sign, utf16_units
from jzysoap.model.errors import InvalidMessageError
from jzysoap.model.events import RawReply
from jzysoap.model.masking import Secret, SecretNumber
from jzysoap.model.operations import Operation
from jzysoap.model.sent import Batch, Outcome, Sent
from jzysoap.model.values import Balance, Channel, DeliveryReport, Estimate, Poll, Reply
from jzysoap.results.parse import (
    Answer,
    parse_balance,
    parse_password_change,
    parse_replies,
    parse_reports,
    parse_send,
)
from jzysoap.settings import checks
from jzysoap.settings.options import Config

logger = logging.getLogger("jzysoap")

T_co = TypeVar("T_co", covariant=True)

MASK_TEXTS_FROM = 4
"""Characters from which on a message text is masked in an error, such as a code alone. Masking may garble some of the
gateway's words, which is the price."""

MASK_NUMBERS_UP_TO = 10
"""Recipients of a call up to which their numbers are masked in other spellings too, such as BASE64. Plain numbers are
always masked. For thousands, a refusal would cost more than the send."""


@dataclass(frozen=True, slots=True, eq=False)
class Call(Generic[T_co]):
    """One call of one operation.

    Attributes:
        operation: the operation.
        parse: makes the model of an answer.
        arguments: by their names on the wire, without the credentials.
        numbers: how many recipients the call has.
        segments: how many messages each recipient costs.
        plain_password: True if the password is sent in the clear on every interface.
        secrets: texts that an error's message must not show, besides the password.
        not_after: the moment after which it must not be sent, as in ``HttpRequest``, for a second try too.
        on_reply: called with the answer to a poll, before the client's own ``on_reply``.
    """

    operation: Operation
    parse: Callable[[Answer], T_co] = field(repr=False)
    arguments: Mapping[str, str] = field(default_factory=dict, repr=False)
    numbers: int = 0
    segments: int = 0
    plain_password: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)
    not_after: float | None = None
    on_reply: Callable[[RawReply], object] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One batch of a send: its recipients and its call."""

    mobiles: tuple[str, ...] = field(repr=False)
    call: Call[str | None]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A send, checked and split: one call for each batch.

    Attributes:
        parts: the batches, in the order of the recipients.
        segments: how many messages each recipient costs.
        on_batch_started: called with each batch before it leaves.
        on_batch: called with each batch once its outcome is known.
    """

    parts: tuple[Part, ...]
    segments: int
    on_batch_started: Callable[[Batch], object] | None = field(default=None, repr=False)
    on_batch: Callable[[Batch], object] | None = field(default=None, repr=False)

    def result(self, done: tuple[Batch, ...] = ()) -> Sent:
        """Return the outcome of a send of which these batches are done and the others were not sent."""
        rest = (Batch(part.mobiles, Outcome.NOT_SENT) for part in self.parts[len(done) :])
        return Sent((*done, *rest), self.segments)


def send(
    config: Config,
    mobile: object,
    text: object,
    *,
    channel: Channel | None = None,
    extension: str | None = None,
    signature: str | None = None,
    long: bool | None = None,
    batch_size: int | None = None,
    on_batch_started: Callable[[Batch], object] | None = None,
    on_batch: Callable[[Batch], object] | None = None,
    more: Mapping[str, str] | None = None,
) -> Plan:
    """Plan a send (docs/protocol.md#send). None stands for the client's own setting.

    Args:
        config: the client's options.
        mobile, text, channel, extension, signature, long, batch_size, on_batch_started, on_batch: as in
            ``Client.send``.
        more: further arguments, by their names on the wire, for a client with another table of operations.

    Raises:
        InvalidMessageError: naming the argument; nothing is sent.
    """
    message = compose(config, text, channel=channel, extension=extension, signature=signature, long=long, more=more)
    if message.segments > config.max_segments:
        raise InvalidMessageError(
            f"text costs {message.segments:,} messages for each recipient: max_segments of the client is "
            f"{config.max_segments:,}",
            field="text",
            text=message.arguments["content"],
        )
    mobiles = recipients(mobile, international=config.international, allowed=config.allow_recipients)
    if config.max_recipients is not None and len(mobiles) > config.max_recipients:
        raise InvalidMessageError(
            f"mobile holds {len(mobiles):,} recipients: max_recipients of the client is {config.max_recipients:,}",
            field="mobile",
        )
    batches = split(mobiles, _checked("batch_size", checks.batch_size, batch_size, config.batch_size))
    parts = [Part(batch, _address(message, batch)) for batch in batches]
    hook = checks.any_hook if config.asynchronous else checks.hook
    return Plan(
        tuple(parts),
        message.segments,
        _checked("on_batch_started", hook, on_batch_started, None),
        _checked("on_batch", hook, on_batch, None),
    )


def resume(
    config: Config, mobiles: tuple[str, ...], arguments: Mapping[str, str], not_after: float
) -> Call[str | None]:
    """Return the call of a batch that was planned before, and whose arguments were stored since.

    Args:
        config: the client's options; its ``allow_recipients`` may have changed.
        mobiles: the recipients, in the wire's spelling.
        arguments: the other arguments of the planned call, by their names on the wire.
        not_after: the moment after which it must not be sent.

    Raises:
        InvalidMessageError: a recipient is not allowed, or not usable, any more.
    """
    recipients(mobiles, international=config.international, allowed=config.allow_recipients)
    content = arguments["content"]
    secrets = (Secret(content),) if len(content) >= MASK_TEXTS_FROM else ()
    segments = segments_of(utf16_units(content))
    message = Call(config.operations["sendSms"], parse_send, arguments, segments=segments, secrets=secrets)
    return replace(_address(message, mobiles), not_after=not_after)


def compose(
    config: Config,
    text: object,
    *,
    channel: Channel | None = None,
    extension: str | None = None,
    signature: str | None = None,
    long: bool | None = None,
    more: Mapping[str, str] | None = None,
) -> Call[str | None]:
    """Return the call that sends a text, still without its recipients.

    Args:
        config, text, channel, extension, signature, long, more: as in ``send``.

    Raises:
        InvalidMessageError: naming the argument.
    """
    bare = check_text(text)
    name = _checked("signature", checks.signature, signature, config.signature)
    message = sign(bare, name)
    if name and has_other_signature(bare, name):
        logger.warning("the text begins with another signature than the one that is set: subscribers will see both")
    segments = segments_of(utf16_units(message))
    arguments = {
        "smstype": str(int(_checked("channel", checks.channel, channel, config.channel))),
        "content": message,
        "isLongSms": str(int(_checked("long", checks.flag, long, segments > 1))),
        "extenno": _checked("extension", checks.extension, extension, config.extension),
        **(more or {}),
    }
    operation = config.operations["sendSms"]
    for name, value in (more or {}).items():
        if name not in {argument.name for argument in operation.arguments} or not isinstance(value, str):
            raise InvalidMessageError(f"{name} must be an argument of sendSms, and its value text", field=name)
    secrets = tuple(Secret(one) for one in (message, bare) if len(one) >= MASK_TEXTS_FROM)
    return Call(operation, parse_send, arguments, segments=segments, secrets=secrets)


def estimate(config: Config, mobile: object, message: Call[Any]) -> Estimate:
    """Return what a composed message would cost for these recipients.

    Raises:
        InvalidMessageError: ``mobile`` is neither a number nor an iterable.
    """
    found = sort_recipients(mobile, international=config.international, allowed=config.allow_recipients)
    return Estimate(len(found.valid), message.segments, found.invalid, found.duplicate)


def balance(config: Config) -> Call[Balance]:
    """Ask for the balance (docs/protocol.md#balance)."""
    return Call(config.operations["getRestMoney"], parse_balance)


def reports(config: Config, on_reply: Callable[[RawReply], object] | None = None) -> Call[Poll[DeliveryReport]]:
    """Poll for delivery reports (docs/protocol.md#delivery-reports)."""
    parse = partial(parse_reports, empty_texts=config.empty_texts)
    return Call(config.operations["getSmsReport"], parse, on_reply=on_reply)


def replies(config: Config, on_reply: Callable[[RawReply], object] | None = None) -> Call[Poll[Reply]]:
    """Poll for replies (docs/protocol.md#replies)."""
    parse = partial(parse_replies, empty_texts=config.empty_texts, encoding=config.reply_encoding)
    return Call(config.operations["getRecvSMS"], parse, on_reply=on_reply)


def change_password(config: Config, new: object, *, base64: bool) -> Call[None]:
    """Change the account's password (docs/protocol.md#change-of-password); only the servlet has this operation.

    Raises:
        InvalidMessageError: the new password is not made of ASCII letters and digits.
    """
    if not isinstance(new, str) or not re.fullmatch(r"[0-9A-Za-z]{1,64}", new):
        raise InvalidMessageError("new must be a password of ASCII letters and digits, at most 64", field="new")
    _checked("base64", checks.flag, base64, False)
    encoded = checks.encode_password(new, "ascii")
    return Call(
        config.operations["updatePassword"],
        parse_password_change,
        {"newPassword": encoded if base64 else Secret(new)},
        plain_password=not base64,
        secrets=(Secret(new), encoded, Secret(encoded.rstrip("="))),
    )


def _address(message: Call[str | None], mobiles: tuple[str, ...]) -> Call[str | None]:
    """Return the call that sends a composed message to these recipients."""
    arguments = {**message.arguments, "mobile": ",".join(mobiles)}
    secrets = message.secrets
    if len(mobiles) <= MASK_NUMBERS_UP_TO:
        secrets = (*secrets, *map(SecretNumber, mobiles))
    return Call(message.operation, parse_send, arguments, len(mobiles), message.segments, secrets=secrets)


def _checked(name: str, check: Callable[[Any], Any], value: Any, default: Any) -> Any:
    if value is None:
        return default
    try:
        return check(value)
    except ValueError as error:
        raise InvalidMessageError(f"{name} {error}", field=name) from None
