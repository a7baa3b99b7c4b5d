"""The command line: the arguments, the exit statuses and the errors of the program ``jzysoap``.

Importing this module must stay fast: each command is imported when it runs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from jzysoap._version import __version__
from jzysoap.cli.output import flush
from jzysoap.definition.source import PATH
from jzysoap.model.masking import escape_unprintable
from jzysoap.model.sent import JzySoapError

# The statuses that a shell reports of a program ended by SIGINT or SIGPIPE.
_INTERRUPTED = 130
_BROKEN_PIPE = 141

_FETCHED = "userApi-wsdl"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: the arguments without the program's name; None for those of the process.

    Returns:
        The exit status: 0; 1 after an error, which is printed as one line on stderr; 130 after Ctrl-C; 141 if nobody
        reads the output any more. That of ``wsdl diff`` is 1 if what is sent would change, and 2 after an error.

    Raises:
        SystemExit: the arguments are wrong (2), or only ask for help or the version (0).
    """
    options = argparse.Namespace(failure=1)
    try:
        try:
            _parser().parse_args(argv, options)
            status = _run(options)
        finally:
            flush()
    except JzySoapError as error:
        return _print_error(error, options.failure)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError as error:
        try:
            flush()
        except OSError:
            # What is still buffered would fail once more when the interpreter ends, with a message on stderr.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE if isinstance(error, BrokenPipeError) else _print_error(error, options.failure)
    return status


def _run(options: argparse.Namespace) -> int:
    if options.command == "demo":
        from jzysoap.cli.demo import demonstrate

        demonstrate(wire=options.wire)
        return 0
    if options.command == "sandbox":
        from jzysoap.cli.sandbox import serve

        serve(options)

    from jzysoap.cli import definition

    if options.action == "show":
        definition.show(options.source)
    elif options.action == "fetch":
        folder = options.out or (None if options.accept else _FETCHED)
        definition.fetch(options.base_url, folder, accept=options.accept)
    else:
        return definition.diff(options.old, options.new)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="jzysoap", description="A client for an SMS gateway that speaks SOAP.")
    parser.add_argument("--version", action="version", version=f"jzysoap {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    what = "send, poll and receive against a sandbox on loopback; needs the extra 'sandbox', but no account"
    demo = commands.add_parser("demo", help=what, description=what.capitalize() + ".")
    demo.add_argument(
        "--wire", action="store_true", help="also show the requests and replies; password, numbers and texts are masked"
    )

    _add_sandbox(commands)

    wsdl = commands.add_parser("wsdl", help="look at a service definition, record one, compare two")
    actions = wsdl.add_subparsers(dest="action", required=True, metavar="ACTION")
    what = "show how a definition is understood: its port, its operations, what each argument stands for"
    show = actions.add_parser("show", help=what, description=what.capitalize() + ".")
    show.add_argument(
        "source",
        nargs="?",
        default="bundled",
        metavar="SOURCE",
        help=f"a path, an address (http://host:9003{PATH}), 'bundled' (the default) or 'bundled:NAME'",
    )

    what = "record a gateway's definition with all its imports, or accept the changes in it"
    fetch = actions.add_parser(
        "fetch",
        help=what,
        description=what.capitalize() + ". JZYSOAP_CACHE_DIR, _VERIFY, _CERT, _PROXIES and _ARGUMENTS are read, as a "
        "client reads them.",
    )
    fetch.add_argument("base_url", metavar="BASE_URL", help="the gateway's address, such as http://host:9003")
    fetch.add_argument(
        "--out", metavar="DIR", help=f"the directory to write to, for wsdl= later (without --accept: {_FETCHED})"
    )
    fetch.add_argument("--accept", action="store_true", help="have the clients of this gateway use this definition")

    what = "show what differs in meaning between two definitions; exit with 1 if what is sent would change"
    diff = actions.add_parser("diff", help=what, description=what.capitalize() + ", with 2 after an error.")
    diff.set_defaults(failure=2)
    for name in ("old", "new"):
        diff.add_argument(name, metavar=name.upper(), help="as SOURCE of 'show', or a directory written by 'fetch'")
    return parser


def _add_sandbox(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    what = "run a gateway on this machine with a page that shows what is sent; needs the extra 'sandbox'"
    sandbox = commands.add_parser(
        "sandbox",
        help=what,
        description=what.capitalize() + ". JZYSOAP_SANDBOX_PASSWORD is the password of the accounts, 'secret1' unless "
        "set; JZYSOAP_SANDBOX_TOKEN is the token that the page and the API demand.",
    )
    sandbox.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    sandbox.add_argument("--port", type=int, default=9003, help="the port (9003); 0 for any free one")
    sandbox.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="a name under which it is reached; repeatable"
    )
    sandbox.add_argument("--token-file", metavar="FILE", help="a file with the token, instead of the variable")
    sandbox.add_argument("--account", action="append", metavar="NAME", help="an account (test); repeatable")
    sandbox.add_argument("--balance", type=int, default=1000, metavar="N", help="messages on each channel (1000)")
    sandbox.add_argument(
        "--report-delay", type=float, default=0.0, metavar="SECONDS", help="how late delivery reports come (0)"
    )
    sandbox.add_argument(
        "--soap-batch-ids",
        action="store_true",
        help="return batch ids over SOAP too, which the vendor's gateway does not",
    )
    sandbox.add_argument("--max-messages", type=int, default=1000, metavar="N", help="messages that are kept (1000)")
    sandbox.add_argument("--db", metavar="FILE", help="a file that keeps messages and queues over a restart")


def _print_error(error: Exception, status: int) -> int:
    print("jzysoap:", escape_unprintable(" ".join(str(error).split())), file=sys.stderr)
    return status
