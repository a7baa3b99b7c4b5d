"""The commands ``jzysoap wsdl``: show a service definition, record a gateway's, compare two.

The only requests that they send are for definitions; no operation is called.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from jzysoap._version import __version__
from jzysoap.cli.arguments import Parser, add_command
from jzysoap.cli.outline import outline
from jzysoap.cli.output import print_line, print_table
from jzysoap.cli.texts import translate
from jzysoap.definition import source as origins
from jzysoap.definition.bindings import Bindings, changes
from jzysoap.definition.collect import Definition, Fetch, fetch_request
from jzysoap.definition.local import BUNDLED, MAIN, SOURCE
from jzysoap.model.errors import ConfigurationError, WsdlError
from jzysoap.model.http import HttpReply
from jzysoap.model.masking import mask_text
from jzysoap.settings.environment import from_environment
from jzysoap.settings.options import Config, configure
from jzysoap.transport.sync import Transport

# A client's options need an account; a definition is fetched without one.
_NO_ACCOUNT = {"username": "-", "password": "-"}
_FETCHED = "userApi-wsdl"
# The options of a client that `fetch` reads from the environment.
_READ = ("CACHE_DIR", "VERIFY", "CERT", "PROXIES", "ARGUMENTS")
# The start tag at the end of a text, and its local name.
_START_TAG = re.compile(r"<(?:[^<>\s:/]+:)?([^<>\s:/]+)[^<>]*>\Z")


def add_arguments(parser: Parser) -> None:
    """Add the arguments of ``jzysoap wsdl``."""
    actions = parser.add_actions("action", translate("general.actions"))

    one = add_command(actions, "show", translate("wsdl.show"))
    address = translate("wsdl.source", address=f"http://host:9003{origins.PATH}")
    one.add_argument("source", nargs="?", default="bundled", metavar="SOURCE", help=address)
    one.set_defaults(run=_run_show)

    one = add_command(actions, "fetch", translate("wsdl.fetch"), translate("wsdl.fetch-variables"))
    one.add_argument("base_url", metavar="BASE_URL", help=translate("wsdl.base-url", address="http://host:9003"))
    one.add_argument("--out", metavar="DIR", help=translate("wsdl.out", folder=_FETCHED))
    one.add_argument("--accept", action="store_true", help=translate("wsdl.accept"))
    one.set_defaults(run=_run_fetch)

    one = add_command(actions, "diff", translate("wsdl.diff"))
    for name in ("old", "new"):
        one.add_argument(name, metavar=name.upper(), help=translate("wsdl.compared"))
    one.set_defaults(run=lambda options: diff(options.old, options.new), failure=2)


def _run_show(options: argparse.Namespace) -> int:
    show(options.source)
    return 0


def _run_fetch(options: argparse.Namespace) -> int:
    folder = options.out or (None if options.accept else _FETCHED)
    fetch(options.base_url, folder, accept=options.accept)
    return 0


def show(source: str) -> None:
    """Print the hash of a definition, its port, and each operation with its arguments.

    Raises:
        JzySoapError: the definition cannot be loaded or used.
    """
    definition, bindings = _load(source)
    name = f"bundled:{BUNDLED}" if source == "bundled" else source
    print_table([("definition", name), ("sha256", definition.sha256), ("port", bindings.port), ("SOAP", bindings.soap)])
    print_line()
    print_table([("operation", "action", "argument", "stands for", "matched"), *describe_arguments(bindings)])


def fetch(base_url: str, folder: str | None, *, accept: bool) -> None:
    """Get a gateway's definition and print where it was written to, or what accepting it changes.

    Args:
        base_url: the gateway's address.
        folder: the directory to write the definition to; None to write nothing.
        accept: True to save it as the definition that the clients of this gateway use.

    Raises:
        JzySoapError: the definition cannot be loaded, used or saved.
        OSError: the directory cannot be written to.
    """
    variables = {f"JZYSOAP_{name}" for name in _READ}
    read = {name: value for name, value in os.environ.items() if name in variables}
    given = from_environment(read, "JZYSOAP_", {**_NO_ACCOUNT, "base_url": base_url})
    config = configure(given)
    replies: list[HttpReply] = []
    with _fetching(config) as get:

        def get_and_keep(url: str) -> HttpReply:
            replies.append(get(url))
            return replies[-1]

        definition = origins.get(origins.live_address(config), get_and_keep)
    bindings = definition.compile(definition.url, config.arguments)
    rows = [
        ("definition", definition.url),
        ("sha256", definition.sha256),
        ("documents", str(len(definition.documents))),
    ]
    if folder is not None:
        # Replies that redirect come before that of the main document.
        first = next(reply for reply in replies if reply.status == 200)
        _write(definition, Path(folder), first)
        rows.append(("written to", str(Path(folder))))
    if accept:
        for change in _changes_since_saved(config, bindings):
            rows.append(("changes", change))
        origins.save(config, definition)
        if origins.last_saved(config) != definition:
            raise ConfigurationError(
                "the definition cannot be accepted, since nothing can be saved: check JZYSOAP_CACHE_DIR"
            )
        rows.append(("accepted", f"for {config.base_url}"))
    print_table(rows)


def diff(old: str, new: str) -> int:
    """Print what differs in meaning between two definitions.

    Returns:
        1 if what is sent would change, else 0.

    Raises:
        JzySoapError: a definition cannot be loaded or used.
    """
    (before, bound_before), (after, bound_after) = _load(old), _load(new)
    sent = changes(bound_before, bound_after)
    old_outline, new_outline = outline(before, old), outline(after, new)
    described = [
        f"{key}: {old_outline.get(key, 'none')} becomes {new_outline.get(key, 'none')}"
        for key in [*old_outline, *(key for key in new_outline if key not in old_outline)]
        if old_outline.get(key) != new_outline.get(key)
    ]
    for heading, lines in (("what is sent changes:", sent), ("the definition changes:", described)):
        if lines:
            print_line(heading)
        for line in lines:
            print_line(f"  {line}")
    if not sent:
        print_line("what is sent stays the same")
    return 1 if sent else 0


def describe_arguments(bindings: Bindings) -> Iterator[tuple[str, ...]]:
    """Yield a row for each argument: operation, action, its name in the definition, what it stands for, how matched.

    Operation and action stand in the first row of an operation only.
    """
    for name, operation in bindings.templates.items():
        # The fixed bytes before an argument end with the start tag of its element.
        tags = [_START_TAG.search(piece.decode()) for piece in operation.pieces[: len(operation.slots)]]
        found = [tag[1] if tag else "?" for tag in tags]
        by_name = all(one.lower() == slot.lower() for one, slot in zip(found, operation.slots, strict=True))
        head = (name, operation.action or '""')
        for one, slot in zip(found, operation.slots, strict=True):
            yield (*head, one, slot, "by name" if by_name else "by position")
            head = ("", "")


def to_files(definition: Definition, *, content_type: str, server: str) -> dict[str, bytes]:
    """Return the files of a directory that holds a definition for ``wsdl=``, by name.

    The documents are verbatim, so that their hash stays the same; ``SOURCE`` says which address each had.

    Args:
        definition: the definition.
        content_type, server: headers of the reply that had the main document.
    """
    files: dict[str, bytes] = {}
    lines = [
        "What:      a service definition with all that it imports, byte for byte as it was served.",
        f"URL:       {definition.url} (Content-Type: {mask_text(content_type)})",
        f"Server:    {mask_text(server)}",
        f"Date:      {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(definition.fetched_at))}",
    ]
    for number, (where, document) in enumerate(definition.documents.items()):
        kind = "wsdl" if b"schemas.xmlsoap.org/wsdl/" in document else "xsd"
        name = f"import{number}.{kind}" if number else MAIN
        files[name] = document
        lines.append(f"{'Import:' if number else 'Main:':11}{name} {where}")
        lines.append(f"           {hashlib.sha256(document).hexdigest()}")
    lines.append(f"SHA-256:   {definition.sha256}")
    files[SOURCE] = "".join(f"{line}\n" for line in lines).encode()
    return files


def _load(source: str) -> tuple[Definition, Bindings]:
    # The address and the account are needed to make options, and not used.
    config = configure({**_NO_ACCOUNT, "base_url": "http://localhost", "wsdl": source})
    with _fetching(config) as get:
        definition = origins.get(config.wsdl or source, get)
    return definition, definition.compile(source)


@contextlib.contextmanager
def _fetching(config: Config) -> Iterator[Fetch]:
    transport = Transport(config)
    headers = {"User-Agent": f"jzysoap/{__version__}", "Accept-Encoding": "gzip"}
    try:
        yield lambda url: transport.exchange(fetch_request(url, headers))
    finally:
        transport.close()


def _write(definition: Definition, folder: Path, reply: HttpReply) -> None:
    kind, server = reply.headers.get("content-type", "none"), reply.headers.get("server", "none")
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in to_files(definition, content_type=kind, server=server).items():
        (folder / name).write_bytes(data)


def _changes_since_saved(config: Config, bindings: Bindings) -> list[str]:
    """Return what is sent differently than with the definition that was saved last, one line each."""
    saved = origins.last_saved(config)
    if saved is None:
        return ["none was saved before"]
    try:
        return changes(saved.compile(saved.url, config.arguments), bindings) or ["nothing in what is sent"]
    except WsdlError:
        return ["the one that was saved could not be used"]
