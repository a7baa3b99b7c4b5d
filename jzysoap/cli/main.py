"""The command line: the table of commands, the exit statuses and the errors of the program ``jzysoap``.

Importing this module must stay fast, and so must ``jzysoap --help``: a command's module is imported when the arguments
name the command.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Sequence
from importlib import import_module
from typing import Any

from jzysoap._version import __version__
from jzysoap.cli.arguments import Parser, add_command, write
from jzysoap.cli.texts import translate

COMMANDS = {
    "send": "send",
    "balance": "balance",
    "reports": "watch",
    "replies": "watch",
    "worker": "worker",
    "outbox": "outbox",
    "password": "password",
    "profile": "profiles",
    "doctor": "doctor",
    "sandbox": "sandbox",
    "wsdl": "definition",
    "demo": "demo",
}
"""The commands, and the module of ``jzysoap.cli`` of each. It has ``add_arguments(parser)``, which sets the default
``run`` of the parser: a function that takes the read arguments and returns the exit status."""

SHELLS = ("bash", "zsh", "fish")
"""The shells that completion is made for."""

# The statuses that a shell reports of a program ended by SIGINT or SIGPIPE.
_INTERRUPTED = 130
_BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: the arguments without the program's name; None for those of the process.

    Returns:
        The exit status: 0; 1 after an error, which is printed as one line on stderr; 129, 130 or 143 after SIGHUP,
        Ctrl-C or SIGTERM; 141 if nobody reads the output any more. That of ``wsdl diff`` is 1 if what is sent would
        change, and 2 after an error.

    Raises:
        SystemExit: the arguments are wrong (2), or only ask for help, the version or the completion (0).
    """
    arguments = sys.argv[1:] if argv is None else argv
    options = argparse.Namespace(failure=1, debug=False)
    try:
        try:
            build_parser(arguments).parse_args(arguments, options)
            status = _run(options)
        finally:
            _flush()
    except KeyboardInterrupt as interrupt:
        return getattr(interrupt, "status", _INTERRUPTED)
    except OSError as error:
        status = _BROKEN_PIPE if isinstance(error, BrokenPipeError) else _report(error, options)
        try:
            _flush()
        except OSError:
            from jzysoap.cli.output import discard

            discard(sys.stdout)
        return status
    except Exception as error:
        from jzysoap.model.sent import JzySoapError

        if not isinstance(error, JzySoapError):
            raise
        return _report(error, options)
    return status


def build_parser(named: Collection[str]) -> Parser:
    """Return the parser, with the arguments of those commands alone that are among some words."""
    parser = Parser(prog="jzysoap", description=translate("general.description"))
    parser.add_argument(
        "--version", action="version", version=f"jzysoap {__version__}", help=translate("general.version")
    )
    parser.add_argument("--completion", action=_Completion, choices=SHELLS, help=translate("general.completion"))
    commands = parser.add_actions("command", translate("general.commands"))
    for name, module in COMMANDS.items():
        command = add_command(commands, name, translate(f"general.{name}"))
        if name in named:
            import_module(f"jzysoap.cli.{module}").add_arguments(command)
    return parser


class _Completion(argparse.Action):
    """Print the completion for a shell, and exit."""

    def __call__(self, parser: argparse.ArgumentParser, _: argparse.Namespace, shell: Any, *__: Any) -> None:
        from jzysoap.cli.extras import need

        write(need("shtab").complete(build_parser(COMMANDS), shell), sys.stdout)
        parser.exit()


def _run(options: argparse.Namespace) -> int:
    from jzysoap.cli.signals import raising

    with raising():
        status: int = options.run(options)
    return status


def _report(error: Exception, options: argparse.Namespace) -> int:
    from jzysoap.cli.output import print_error

    print_error(error, trace=options.debug)
    status: int = options.failure
    return status


def _flush() -> None:
    # In a process without stdout, where it is None, this does nothing.
    print(end="", flush=True)
