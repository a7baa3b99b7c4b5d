"""The demonstration ``jzysoap demo``: a client sends, polls and receives against a sandbox on loopback.

No message leaves this machine.
"""

from __future__ import annotations

import argparse
import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar
from xml.sax.saxutils import escape

from jzysoap.cli.arguments import Parser
from jzysoap.cli.output import print_line
from jzysoap.cli.texts import translate
from jzysoap.client.sync import Client
from jzysoap.model.masking import mask_number
from jzysoap.model.sent import JzySoapError
from jzysoap.model.values import Poll
from jzysoap.sandbox import Exchange, Sandbox

T = TypeVar("T")

# The numbers are those of the vendor page's samples.
_MESSAGES = (
    (("13866194295", "15375427702"), "【签名】您的验证码是 1234"),
    (("15275427712",), "【签名】您的包裹已到，请凭取件码领取"),
)
_REPLY = "收到，谢谢"

POLLS = 50
"""The number of polls after which missing records are an error."""

PAUSE = 0.2
"""Seconds between two polls."""

# Bodies above so many bytes are not shown.
_MAX_SHOWN = 2000
_LABEL_WIDTH = 16


def add_arguments(parser: Parser) -> None:
    """Add the arguments of ``jzysoap demo``."""
    parser.add_argument("--wire", action="store_true", help=translate("demo.wire"))
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    demonstrate(wire=options.wire)
    return 0


def demonstrate(*, wire: bool) -> None:
    """Run the demonstration.

    Args:
        wire: True to show the requests and replies too, with password, numbers and texts masked.

    Raises:
        JzySoapError: a step failed.
        OSError: the sandbox cannot listen, or stdout cannot be written to.
    """
    username, password = "demo", secrets.token_hex(8)
    masks = _masks(password)
    with (
        Sandbox(username=username, password=password, soap_batch_ids=True) as sandbox,
        Client(sandbox.url, username, password, cache_dir=False) as client,
    ):
        shown = 0

        def show(label: str, *values: object) -> None:
            nonlocal shown
            for value in values:
                print_line(f"{label:{_LABEL_WIDTH}}{value!r}")
            exchanges = sandbox.exchanges
            for exchange in exchanges[shown:] if wire else ():
                _print_exchange(exchange, masks)
            shown = len(exchanges)

        print_line(f"{'gateway':{_LABEL_WIDTH}}{sandbox.url} (the sandbox, on loopback: nobody is texted)")
        show("balance before", client.balance())
        for mobiles, text in _MESSAGES:
            show("sent", client.send(mobiles, text))
        show("balance after", client.balance())
        show("report", *collect(client.reports, sum(len(mobiles) for mobiles, _ in _MESSAGES)))
        sandbox.gateway.inject_reply(_MESSAGES[0][0][0], _REPLY)
        (reply,) = collect(client.replies, 1)
        show("reply", reply)
        print_line(f"{'its text':{_LABEL_WIDTH}}{reply.text}")


def collect(poll: Callable[[], Poll[T]], count: int) -> list[T]:
    """Poll until so many records were received.

    Raises:
        JzySoapError: fewer were received in ``POLLS`` polls.
    """
    records: list[T] = []
    for _ in range(POLLS):
        records += poll()
        if len(records) >= count:
            return records
        time.sleep(PAUSE)
    raise JzySoapError(f"{len(records)} of {count} records came in {POLLS} polls", retry="later")


def _masks(password: str) -> dict[str, str]:
    """Return the texts that must not be shown, in the wire's spelling, and what is shown instead of each."""
    texts = [password, b64encode(password.encode()).decode()]
    texts += [text for _, text in _MESSAGES] + [_REPLY, b64encode(_REPLY.encode("gb18030")).decode()]
    masks = {escape(text): "***" for text in texts}
    masks.update((number, mask_number(number)) for mobiles, _ in _MESSAGES for number in mobiles)
    return masks


def _print_exchange(exchange: Exchange, masks: dict[str, str]) -> None:
    request = _lines(exchange.request_line, exchange.request_headers, exchange.request_body)
    reply = _lines(f"HTTP {exchange.status}", exchange.reply_headers, exchange.reply_body)
    for mark, lines in ((">", request), ("<", reply)):
        for line in lines:
            for secret, mask in masks.items():
                line = line.replace(secret, mask)
            print_line(f"  {mark} {line}".rstrip())
        print_line()


def _lines(start: str, headers: Iterable[tuple[str, str]], body: bytes) -> Iterator[str]:
    yield start
    yield from (f"{name}: {value}" for name, value in headers)
    if body:
        yield ""
        if len(body) <= _MAX_SHOWN:
            yield from body.decode("utf-8", "backslashreplace").splitlines()
        else:
            yield f"({len(body):,} bytes)"
