"""The command line: a demonstration that needs no account, and what can be done with a service definition.

Nothing here sends to a gateway other than its own sandbox.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import secrets
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from xml.sax.saxutils import escape

from jzysoap._version import __version__
from jzysoap.client.sync import Client
from jzysoap.definition import source as wsdl
from jzysoap.definition.bindings import Bindings, changes
from jzysoap.model.errors import ConfigurationError, WsdlError
from jzysoap.model.http import HttpReply, HttpRequest
from jzysoap.model.masking import mask_number
from jzysoap.model.sent import JzySoapError
from jzysoap.model.values import Poll
from jzysoap.settings.environment import from_environment
from jzysoap.settings.options import Config, configure

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
_RECORDED = "userApi-wsdl"
_NOBODY = {"username": "-", "password": "-"}
_COUNTING = ("CACHE_DIR", "VERIFY", "CERT", "PROXIES", "ARGUMENTS")
_NAME = re.compile(r"<(?:[^<>\s:/]+:)?([^<>\s:/]+)[^<>]*>\Z")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        argv: its arguments, without the program's name; None for the process's own.

    Returns:
        The exit status: 0; 1 after an error, told in one line on stderr; 130 after Ctrl-C; 141 when nobody reads the
        output any more. Of ``wsdl diff``: 1 when what is sent would change, 2 after an error.

    Raises:
        SystemExit: the arguments are wrong (2), or only ask for help or the version (0).
    """
    options = argparse.Namespace(failure=1)
    try:
        try:
            _parser().parse_args(argv, options)
            status = _run(options)
        finally:
            _flush()
    except JzySoapError as error:
        return _complain(error, options.failure)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError as error:
        try:
            _flush()
        except OSError:
            # What is still buffered would fail once more, and aloud, at the interpreter's end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE if isinstance(error, BrokenPipeError) else _complain(error, options.failure)
    return status


def _run(options: argparse.Namespace) -> int:
    if options.command == "demo":
        _demo(wire=options.wire)
    elif options.action == "show":
        _show_wsdl(options.source)
    elif options.action == "fetch":
        _fetch_wsdl(options.base_url, options.out, accept=options.accept)
    else:
        return _diff_wsdl(options.old, options.new)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="jzysoap", description="A client for an SMS gateway that speaks SOAP.")
    parser.add_argument("--version", action="version", version=f"jzysoap {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    what = "send, poll and receive against a gateway of its own on loopback; needs the extra 'sandbox', no account"
    demo = commands.add_parser("demo", help=what, description=what.capitalize() + ".")
    demo.add_argument(
        "--wire", action="store_true", help="also show the bytes that go over; password, numbers and texts are masked"
    )

    definition = commands.add_parser("wsdl", help="look at a service definition, record one, compare two")
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

    what = "record a gateway's definition with all that it imports, or accept what has changed in it"
    fetch = actions.add_parser(
        "fetch",
        help=what,
        description=what.capitalize() + ". JZYSOAP_CACHE_DIR, _VERIFY, _CERT, _PROXIES and _ARGUMENTS count as they "
        "do for a client.",
    )
    fetch.add_argument("base_url", metavar="BASE_URL", help="the gateway's address, such as http://host:9003")
    fetch.add_argument(
        "--out", metavar="DIR", help=f"where to, to be given as wsdl= later (without --accept: {_RECORDED})"
    )
    fetch.add_argument("--accept", action="store_true", help="make it the one that clients of this gateway use")

    what = "tell what differs between two definitions in what they mean; exit with 1 if what is sent would change"
    diff = actions.add_parser("diff", help=what, description=what.capitalize() + ", with 2 after an error.")
    diff.set_defaults(failure=2)
    for name in ("old", "new"):
        diff.add_argument(name, metavar=name.upper(), help="as SOURCE of 'show', or a directory of 'fetch'")
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
    definition, bindings = _definition(source)
    name = f"bundled:{wsdl.BUNDLED}" if source == "bundled" else source
    _say_table([("definition", name), ("sha256", definition.sha256), ("port", bindings.port), ("SOAP", bindings.soap)])
    _say()
    _say_table([("operation", "action", "argument", "taken for", "matched"), *_matches(bindings)])


def _definition(source: str) -> tuple[wsdl.Definition, Bindings]:
    # Only the definition is asked for; the address and the account of a client are of no use here.
    config = configure({**_NOBODY, "base_url": "http://localhost", "wsdl": source})
    with _fetching(config) as fetch:
        definition = wsdl.get(config.wsdl or source, fetch)
    return definition, definition.compile(source)


@contextlib.contextmanager
def _fetching(config: Config) -> Iterator[wsdl.Fetch]:
    # requests takes long to import; most commands do without.
    from jzysoap.transport.sync import Transport

    transport = Transport(config)
    headers = {"User-Agent": f"jzysoap/{__version__}", "Accept-Encoding": "gzip"}
    try:
        yield lambda url: transport.exchange(
            HttpRequest("GET", url, headers, None, wsdl.FETCH_TIMEOUT, wsdl.MAX_DOCUMENT)
        )
    finally:
        transport.close()


def _fetch_wsdl(base_url: str, out: str | None, *, accept: bool) -> None:
    variables = {f"JZYSOAP_{name}" for name in _COUNTING}
    given = from_environment(
        lambda name: os.environ.get(name, "") if name in variables else "",
        "JZYSOAP_",
        {**_NOBODY, "base_url": base_url},
    )
    config = configure(given)
    came: list[HttpReply] = []
    with _fetching(config) as fetch:

        def keeping(url: str) -> HttpReply:
            came.append(fetch(url))
            return came[-1]

        definition = wsdl.get(wsdl.live_address(config), keeping)
    bindings = definition.compile(definition.url, config.arguments)
    rows = [
        ("definition", definition.url),
        ("sha256", definition.sha256),
        ("documents", str(len(definition.documents))),
    ]
    if out is not None or not accept:
        # A redirect's reply comes before the document's own.
        first = next(reply for reply in came if reply.status == 200)
        kind, server = first.headers.get("content-type", "none"), first.headers.get("server", "none")
        folder = Path(out or _RECORDED)
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in wsdl.to_files(definition, content_type=kind, server=server).items():
            (folder / name).write_bytes(data)
        rows.append(("written to", str(folder)))
    if accept:
        for change in _since(config, bindings):
            rows.append(("changes", change))
        wsdl.save(config, definition)
        if wsdl.last_saved(config) != definition:
            raise ConfigurationError("it cannot be accepted, since nothing can be saved: check JZYSOAP_CACHE_DIR")
        rows.append(("accepted", f"for {config.base_url}"))
    _say_table(rows)


def _since(config: Config, bindings: Bindings) -> list[str]:
    """What is sent otherwise than with the definition that was saved last."""
    saved = wsdl.last_saved(config)
    if saved is None:
        return ["none was saved before"]
    try:
        return changes(saved.compile(saved.url, config.arguments), bindings) or ["nothing in what is sent"]
    except WsdlError:
        return ["the one that was saved could not be used"]


def _diff_wsdl(old: str, new: str) -> int:
    (one, one_bound), (other, other_bound) = _definition(old), _definition(new)
    sent = changes(one_bound, other_bound)
    before, after = one.outline(old), other.outline(new)
    kept = [
        f"{key}: {before.get(key, 'none')} becomes {after.get(key, 'none')}"
        for key in [*before, *(key for key in after if key not in before)]
        if before.get(key) != after.get(key)
    ]
    for heading, lines in (("what is sent changes:", sent), ("the definition changes:", kept)):
        if lines:
            _say(heading)
        for line in lines:
            _say(f"  {line}")
    if not sent:
        _say("what is sent stays the same")
    return 1 if sent else 0


def _matches(bindings: Bindings) -> Iterator[tuple[str, ...]]:
    for name, operation in bindings.templates.items():
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


def _complain(error: Exception, status: int) -> int:
    print("jzysoap:", " ".join(str(error).split()), file=sys.stderr)
    return status
