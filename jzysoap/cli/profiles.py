"""The commands ``jzysoap profile``: accounts that have a name, with their passwords in the system's keyring."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from jzysoap.cli import keyrings, profile_file
from jzysoap.cli.arguments import Parser, add_command, add_output_option
from jzysoap.cli.credentials import ask, has_terminal, read_line
from jzysoap.cli.output import print_line, print_message, print_records
from jzysoap.cli.texts import translate
from jzysoap.model.errors import ConfigurationError
from jzysoap.model.masking import Secret
from jzysoap.settings.environment import from_mapping


def add_arguments(parser: Parser) -> None:
    """Add the arguments of ``jzysoap profile``."""
    actions = parser.add_actions("action", translate("general.actions"))

    one = add_command(actions, "add", translate("account.add"), translate("account.add-more"))
    one.add_argument("name", metavar="NAME", help=translate("account.profile-name"))
    one.add_argument("--base-url", required=True, metavar="URL", help=translate("account.add-base-url"))
    one.add_argument("--username", required=True, metavar="NAME", help=translate("account.add-username"))
    one.add_argument("--password-fd", type=int, metavar="N", help=translate("account.add-password-fd"))
    one.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help=translate("account.option"))
    one.add_argument("--replace", action="store_true", help=translate("account.replace"))
    one.set_defaults(run=_add)

    one = add_command(actions, "list", translate("account.list"))
    add_output_option(one)
    one.set_defaults(run=_list)

    for name, run in (("use", _use), ("remove", _remove)):
        one = add_command(actions, name, translate(f"account.{name}"))
        one.add_argument("name", metavar="NAME", help=translate("account.profile-name"))
        one.set_defaults(run=run)


def _add(options: argparse.Namespace) -> int:
    profiles = profile_file.load()
    if not profile_file.NAME.fullmatch(options.name):
        raise ConfigurationError(translate("account.name-bad", name=options.name))
    if options.name in profiles.accounts and not options.replace:
        raise ConfigurationError(translate("account.name-taken", name=options.name))
    account = {"base_url": options.base_url, "username": options.username, **_read_options(options.option)}
    checked = from_mapping(account, {"password": "-"})
    password = None if options.password_fd is None else read_line(options.password_fd)
    # An address without the slash at its end is what the password is stored under.
    account["base_url"] = checked["base_url"]
    profiles.accounts[options.name] = account
    profiles.default = profiles.default or options.name
    profiles.save()
    print_line(translate("account.added", name=options.name))
    _store_password(password, account["base_url"], options.username)
    return 0


def _read_options(given: Sequence[str]) -> dict[str, str]:
    found = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign:
            raise ConfigurationError(translate("account.option-form"))
        if name not in profile_file.KEYS or name in ("base_url", "username"):
            raise ConfigurationError(translate("account.option-bad", name=name))
        found[name] = value
    return found


def _store_password(given: Secret | None, base_url: str, username: str) -> None:
    """Store the password of an account in the keyring, or say that it was not stored."""
    try:
        # Asked for only if there is a place for it.
        keyrings.check()
        password = given or Secret()
        if given is None and has_terminal():
            password = ask(translate("account.add-prompt", username=username), empty=True)
        if not password:
            raise ConfigurationError(translate("account.none-given"))
        keyrings.store(base_url, username, password)
    except ConfigurationError as error:
        print_message(translate("account.not-stored", why=error))
    else:
        print_line(translate("account.stored"))


def _list(options: argparse.Namespace) -> int:
    profiles = profile_file.load()
    accounts = sorted(profiles.accounts.items())
    fields = ("name", "base_url", "username", "default")
    rows = [
        (name, str(one.get("base_url", "")), str(one.get("username", "")), name == profiles.default)
        for name, one in accounts
    ]
    headings = tuple(translate(f"account.{key}") for key in ("name", "address", "account", "default"))
    yes = translate("account.yes")
    table = [headings, *((*row[:3], yes if row[3] else "") for row in rows)]
    print_records(fields, rows, options.output, table)
    return 0


def _use(options: argparse.Namespace) -> int:
    profiles = profile_file.load()
    profiles.get(options.name)
    profiles.default = options.name
    profiles.save()
    print_line(translate("account.in-use", name=options.name))
    return 0


def _remove(options: argparse.Namespace) -> int:
    profiles = profile_file.load()
    account = profiles.get(options.name)
    del profiles.accounts[options.name]
    if profiles.default == options.name:
        profiles.default = None
    profiles.save()
    print_line(translate("account.removed", name=options.name))
    key = [account.get(name) for name in ("base_url", "username")]
    if not any([one.get(name) for name in ("base_url", "username")] == key for one in profiles.accounts.values()):
        try:
            keyrings.forget(*map(str, key))
        except ConfigurationError as error:
            print_message(translate("account.not-forgotten", error=error))
    return 0
