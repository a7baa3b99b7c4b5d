"""The command ``jzysoap password``: change the account's password, and say whether it may have been changed."""

from __future__ import annotations

import argparse

from jzysoap.cli import keyrings
from jzysoap.cli.account import find_account
from jzysoap.cli.arguments import Parser, add_account_options
from jzysoap.cli.credentials import ask, has_terminal, read_line
from jzysoap.cli.output import print_line, print_message
from jzysoap.cli.texts import translate
from jzysoap.client.sync import Client
from jzysoap.model.errors import ConfigurationError
from jzysoap.model.masking import Secret
from jzysoap.model.sent import JzySoapError


def add_arguments(parser: Parser) -> None:
    """Add the arguments of ``jzysoap password``."""
    add_account_options(parser)
    parser.add_argument("--new-password-fd", type=int, metavar="N", help=translate("account.new-password-fd"))
    parser.add_argument("--base64", action="store_true", help=translate("account.base64"))
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    account = find_account(options)
    arguments, found = account.authenticate()
    new = _read_new(options.new_password_fd)
    with Client(**arguments) as client:
        try:
            client.change_password(new, base64=options.base64)
        except JzySoapError as error:
            key = "account.maybe-changed" if error.may_have_been_sent else "account.not-changed"
            raise JzySoapError(translate(key, error=error), error.may_have_been_sent) from error
        except KeyboardInterrupt:
            print_message(translate("account.maybe-interrupted"))
            raise
    print_line(translate("account.changed", username=account.config.username))
    if found.kind == "variable":
        print_message(translate("account.source-outdated", source=found.source))
    else:
        _update_keyring(account.config.base_url, account.config.username, new)
    return 0


def _read_new(descriptor: int | None) -> Secret:
    """Return the new password.

    Raises:
        ConfigurationError: there is none, or it was typed differently the second time.
    """
    if descriptor is not None:
        return read_line(descriptor)
    if not has_terminal():
        raise ConfigurationError(translate("account.no-new-password"))
    new = ask(translate("account.new-prompt"))
    if ask(translate("account.again-prompt")) != new:
        raise ConfigurationError(translate("account.not-equal"))
    return new


def _update_keyring(base_url: str, username: str, new: Secret) -> None:
    """Replace the account's password in the keyring, if it is there."""
    try:
        if keyrings.find(base_url, username) is None:
            return
    except ConfigurationError:
        # Where no keyring can be read, there is nothing to replace.
        return
    try:
        keyrings.store(base_url, username, new)
    except ConfigurationError as error:
        print_message(translate("account.keyring-outdated", error=error))
    else:
        print_line(translate("account.keyring-updated"))
