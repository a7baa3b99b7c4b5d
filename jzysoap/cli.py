"""The command line: a demonstration that needs no account, and a look at a service definition.

Nothing here sends to a gateway other than its own sandbox.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar
from xml.sax.saxutils import escape

from jzysoap import wsdl
from jzysoap._version import __version__
from jzysoap.bindings import Bindings
from jzysoap.client import Client
from jzysoap.config import configure
from jzysoap.errors import JzySoapError
from jzysoap.masking import mask_number
from jzysoap.models import Poll
from jzysoap.transport import Transport
from jzysoap.wire import Reply, Request

if TYPE_CHECKING:
    from jzysoap.sandbox import Exchange

T = TypeVar("T")

# What a shell reports of a program that the signal ended.
_INTERRUPTED = 130
_BROKEN_PIPE = 141

# The numbers are those of the vendor page's samples; no message leaves this machine.
_MESSAGES = (
    (("13866194295", "15375427702"), "【签名】您的验证码是 1234"),
    (("15275427712",), "【签名】您的包裹已到，请凭取件码领取"),
)
_REPLY = "收到，谢谢"
_POLLS = 50
_PAUSE = 0.2
_SHOWN = 2000
_LABEL = 16
_NAME = re.compile(r"<(?:[^<>\s:/]+:)?([^<>\s:/]+)[^<>]*>\Z")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        argv: its arguments, without the program's name; None for the process's own.

    Returns:
        The exit status: 0; 1 after an error, told in one line on stderr; 130 after Ctrl-C; 141 when nobody reads the
        output any more.

    Raises:
        SystemExit: the arguments are wrong (2), or only ask for help or the version (0).
    """
    try:
        try:
            _run(argv)
        finally:
            _flush()
    except JzySoapError as error:
        return _complain(error)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError as error:
        try:
            _flush()
        except OSError:
            # What is still buffered would fail once more, and aloud, at the interpreter's end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE if isinstance(error, BrokenPipeError) else _complain(error)
    return 0


def _run(argv: Sequence[str] | None) -> None:
    options = _parser().parse_args(argv)
    if options.command == "demo":
        _demo(wire=options.wire)
    else:
        _show_wsdl(options.source)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="jzysoap", description="A client for an SMS gateway that speaks SOAP.")
    parser.add_argument("--version", action="version", version=f"jzysoap {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    what = "send, poll and receive against a gateway of its own on loopback; needs the extra 'sandbox', no account"
    demo = commands.add_parser("demo", help=what, description=what.capitalize() + ".")
    demo.add_argument(
        "--wire", action="store_true", help="also show the bytes that go over; password, numbers and texts are masked"
    )

    definition = commands.add_parser("wsdl", help="look at a service definition")
    actions = definition.add_subparsers(dest="action", required=True, metavar="ACTION")
    what = "show how a definition binds: its port, its operations, what each argument is taken for"
    show = actions.add_parser("show", help=what, description=what.capitalize() + ".")
    show.add_argument(
        "source",
        nargs="?",
        default="bundled",
        metavar="SOURCE",
        help=f"a path, an address (http://host:9003{wsdl.PATH}), 'bundled' (the default) or 'bundled:NAME'",
    )
    return parser


def _demo(*, wire: bool) -> None:
    # Optional to install, and only needed here.
    from jzysoap.sandbox import Sandbox

    username, password = "demo", secrets.token_hex(8)
    masks = _masks(password)
    with (
        Sandbox(username=username, password=password, soap_batch_ids=True) as sandbox,
        Client(sandbox.url, username, password, cache_dir=False) as client,
    ):
        seen = 0

        def show(label: str, *values: object) -> None:
            nonlocal seen
            for value in values:
                _say(f"{label:{_LABEL}}{value!r}")
            exchanges = sandbox.exchanges
            for exchange in exchanges[seen:] if wire else ():
                _say_exchange(exchange, masks)
            seen = len(exchanges)

        _say(f"{'gateway':{_LABEL}}{sandbox.url} (the sandbox, on loopback: nobody is texted)")
        show("balance before", client.balance())
        for mobiles, text in _MESSAGES:
            show("sent", client.send(mobiles, text))
        show("balance after", client.balance())
        show("report", *_collect(client.reports, sum(len(mobiles) for mobiles, _ in _MESSAGES)))
        sandbox.gateway.inject_reply(_MESSAGES[0][0][0], _REPLY)
        (reply,) = _collect(client.replies, 1)
        show("reply", reply)
        _say(f"{'its text':{_LABEL}}{reply.text}")


def _collect(poll: Callable[[], Poll[T]], count: int) -> list[T]:
    """Polls until as many records are in.

    Raises:
        JzySoapError: they do not come.
    """
    records: list[T] = []
    for _ in range(_POLLS):
        records += poll()
        if len(records) >= count:
            return records
        time.sleep(_PAUSE)
    raise JzySoapError(f"{len(records)} of {count} records came in {_POLLS} polls", retry="later")


def _masks(password: str) -> dict[str, str]:
    """What may not be shown of the wire, and what is shown in its place."""
    texts = [password, b64encode(password.encode()).decode()]
    texts += [text for _, text in _MESSAGES] + [_REPLY, b64encode(_REPLY.encode("gb18030")).decode()]
    masks = {escape(text): "***" for text in texts}
    masks.update((number, mask_number(number)) for mobiles, _ in _MESSAGES for number in mobiles)
    return masks


def _say_exchange(exchange: Exchange, masks: dict[str, str]) -> None:
    request = _message(exchange.request_line, exchange.request_headers, exchange.request_body)
    reply = _message(f"HTTP {exchange.status}", exchange.reply_headers, exchange.reply_body)
    for mark, lines in ((">", request), ("<", reply)):
        for line in lines:
            for secret, mask in masks.items():
                line = line.replace(secret, mask)
            _say(f"  {mark} {line}".rstrip())
        _say()


def _message(start: str, headers: Iterable[tuple[str, str]], body: bytes) -> Iterator[str]:
    yield start
    yield from (f"{name}: {value}" for name, value in headers)
    if body:
        yield ""
        if len(body) <= _SHOWN:
            yield from body.decode("utf-8", "backslashreplace").splitlines()
        else:
            yield f"({len(body):,} bytes)"


def _show_wsdl(source: str) -> None:
    # Only the definition is asked for; the address and the account of a client are of no use here.
    config = configure(
        {"base_url": "http://localhost", "username": "-", "password": "-", "wsdl": source, "cache_dir": False}
    )
    transport = Transport(config)

    def fetch(url: str) -> Reply:
        headers = {"User-Agent": f"jzysoap/{__version__}", "Accept-Encoding": "gzip"}
        return transport.exchange(Request("GET", url, headers, None, wsdl.FETCH_TIMEOUT, wsdl.MAX_DOCUMENT))

    try:
        bindings, _ = wsdl.load(config, fetch)
    finally:
        transport.close()
    name = f"bundled:{wsdl.BUNDLED}" if source == "bundled" else source
    _say_table([("definition", name), ("port", bindings.port), ("SOAP", bindings.soap)])
    _say()
    _say_table([("operation", "action", "argument", "taken for", "matched"), *_matches(bindings)])


def _matches(bindings: Bindings) -> Iterator[tuple[str, ...]]:
    for name, operation in bindings.operations.items():
        # The element that holds an argument is what the fixed bytes before it end with.
        ends = [_NAME.search(piece.decode()) for piece in operation.pieces[: len(operation.slots)]]
        found = [end[1] if end else "?" for end in ends]
        by_name = all(one.lower() == slot.lower() for one, slot in zip(found, operation.slots, strict=True))
        head = (name, operation.action or '""')
        for one, slot in zip(found, operation.slots, strict=True):
            yield (*head, one, slot, "by name" if by_name else "by position")
            head = ("", "")


def _say_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        _say("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def _say(line: str = "") -> None:
    # A terminal that cannot spell Chinese still gets every line.
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def _flush() -> None:
    # Unlike sys.stdout.flush(), this stands a process that was started without a stdout.
    print(end="", flush=True)


def _complain(error: Exception) -> int:
    print("jzysoap:", " ".join(str(error).split()), file=sys.stderr)
    return 1
