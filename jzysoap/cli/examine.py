"""The examination of ``jzysoap doctor``: step by step, what works between an account and its gateway.

Nothing is sent and nothing is polled: the only call is one for the balance, which changes nothing. Its password is
tried once, since some gateways lock an account after several wrong ones.
"""

from __future__ import annotations

import argparse
import contextlib
import ssl
import sys
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

from jzysoap.cli.account import Account, find_account
from jzysoap.cli.definition import describe_arguments
from jzysoap.cli.findings import STEPS, Finding, find, skip
from jzysoap.cli.reach import examine_way
from jzysoap.cli.texts import translate
from jzysoap.client.sync import Client
from jzysoap.definition import source
from jzysoap.definition.bindings import changes
from jzysoap.definition.collect import fetch_request
from jzysoap.interface.soap import SoapInterface
from jzysoap.model.errors import (
    AccountRefusedError,
    AuthenticationError,
    ConfigurationError,
    RateLimitedError,
    WsdlError,
)
from jzysoap.model.http import HttpReply, origin
from jzysoap.model.sent import JzySoapError
from jzysoap.model.values import Balance
from jzysoap.settings.options import Config
from jzysoap.transport.surroundings import is_loopback
from jzysoap.transport.sync import Transport

MAX_CLOCK_DIFFERENCE = 60.0
"""Seconds by which two clocks may differ."""


def examine(options: argparse.Namespace) -> Iterator[Finding]:
    """Yield the finding of each step, as soon as it is known."""
    try:
        account = find_account(options)
    except ConfigurationError as error:
        yield find("account", "failed", str(error), "account")
        yield from skip(STEPS[1:-1], "after-failure")
        yield _examine_encoding()
        return
    config = account.config
    address, name = account.sources
    yield find("account", "ok", f"{config.base_url} ({address}), {config.username} ({name})")
    arguments, finding = _examine_password(account)
    yield finding
    yield _examine_encryption(config)
    reached = True
    for finding in examine_way(config):
        reached &= finding.status != "failed"
        yield finding
    if reached:
        yield from _examine_gateway(config, arguments)
    else:
        yield from skip(("definition", "clock", "credentials", "balance"), "after-failure")
    yield _examine_encoding()


def _examine_password(account: Account) -> tuple[dict[str, Any] | None, Finding]:
    """Return the arguments for a client, None without a password, and the finding."""
    try:
        arguments, found = account.authenticate()
    except ConfigurationError as error:
        return None, find("password", "failed", str(error), "password")
    if found.keyring:
        return arguments, find("password", "warning", f"{found.source} ({found.keyring})", "password")
    return arguments, find("password", "ok", found.source)


def _examine_encryption(config: Config) -> Finding:
    scheme, host, _ = origin(config.base_url)
    if scheme == "https":
        return find("encryption", "ok", "https")
    if is_loopback(host):
        return find("encryption", "ok", translate("doctor.on-loopback"))
    return find("encryption", "warning", translate("doctor.plain"), "plain")


def _examine_gateway(config: Config, arguments: dict[str, Any] | None) -> Iterator[Finding]:
    gateway = _Gateway(config)
    try:
        finding, usable = _examine_definition(config, gateway)
        yield finding
        yield _examine_clock(config, gateway)
    finally:
        gateway.close()
    if not usable:
        yield from skip(("credentials", "balance"), "after-failure")
    elif arguments is None:
        yield from skip(("credentials", "balance"), "no-password")
    else:
        yield from _examine_credentials(config, arguments)


class _Gateway:
    """A gateway that is asked for documents, never for an operation.

    Attributes:
        replies: all that it answered, with the time of each.
    """

    def __init__(self, config: Config) -> None:
        self.replies: list[tuple[HttpReply, float]] = []
        self._transport = Transport(config)
        self._limits = config.timeout
        self._headers = SoapInterface(config).headers

    def get(self, url: str) -> HttpReply:
        """Return the reply to a request for a document.

        Raises:
            JzySoapError: no reply came.
        """
        reply = self._transport.exchange(fetch_request(url, self._headers, self._limits))
        self.replies.append((reply, time.time()))
        return reply

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


def _examine_definition(config: Config, gateway: _Gateway) -> tuple[Finding, bool]:
    """Return the finding, and True if a client has a definition that it can use."""
    if config.interface == "servlet":
        return Finding("definition", "skipped", translate("doctor.servlet")), True
    location = source.live_address(config)
    saved = source.last_saved(config)
    try:
        definition = source.get(location, gateway.get)
        if config.wsdl_sha256 not in (None, definition.sha256):
            found = translate("doctor.other-hash", location=location, digest=definition.sha256)
            return find("definition", "failed", found, "hash"), False
        bindings = definition.compile(location, config.arguments)
    except JzySoapError as error:
        found = str(error) if saved is None else f"{error} ({translate('doctor.saved')})"
        return find(
            "definition", "failed", found, _advise_definition(error, location, gateway), url=location
        ), saved is not None
    ways = sorted({row[-1].replace(" ", "-") for row in describe_arguments(bindings)})
    matched = ", ".join(translate(f"doctor.{way}") for way in ways)
    found = translate("doctor.definition", location=location, matched=matched, digest=definition.sha256[:12])
    if saved is not None and not config.wsdl_accept_changes:
        with contextlib.suppress(WsdlError):
            changed = changes(saved.compile(saved.url, config.arguments), bindings)
            if changed:
                found = translate("doctor.changed", changes="; ".join(changed))
                return find("definition", "warning", found, "changed-definition", url=config.base_url), True
    return find("definition", "ok", found), True


def _advise_definition(error: JzySoapError, location: str, gateway: _Gateway) -> str:
    if "://" not in location or (isinstance(error, WsdlError) and error.readable):
        return "wrong-definition"
    cause = error.__cause__
    if cause is not None and isinstance(cause.__cause__, ssl.SSLError):
        # Through a proxy, this is the first connection to the gateway itself.
        return "tls-untrusted"
    status = gateway.replies[-1][0].status if gateway.replies else 407
    return {404: "not-found", 407: "fetch"}.get(status, "no-definition")


def _examine_clock(config: Config, gateway: _Gateway) -> Finding:
    if not gateway.replies:
        # The definition was not asked for: any answer says what time it is there, also one without a page.
        with contextlib.suppress(JzySoapError):
            gateway.get(config.base_url + source.PATH)
    for reply, received_at in gateway.replies:
        with contextlib.suppress(ValueError):
            theirs = parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
            ahead = received_at - theirs
            if abs(ahead) <= MAX_CLOCK_DIFFERENCE:
                return find("clock", "ok", translate("doctor.same-time", seconds=round(abs(ahead))))
            key = "doctor.ahead" if ahead > 0 else "doctor.behind"
            return find("clock", "warning", translate(key, seconds=round(abs(ahead))), "clock")
    return Finding("clock", "skipped", translate("doctor.no-date"))


def _examine_credentials(config: Config, arguments: dict[str, Any]) -> Iterator[Finding]:
    try:
        with Client(**arguments) as client:
            balance = client.balance()
    except RateLimitedError as error:
        # The gateway says so of an account that it knows.
        yield find("credentials", "warning", str(error), "too-often")
        yield from skip(("balance",), "after-failure")
    except JzySoapError as error:
        advice = "call"
        if isinstance(error, AuthenticationError):
            advice = "credentials"
        elif isinstance(error, AccountRefusedError):
            advice = "refused"
        yield find("credentials", "failed", str(error), advice)
        yield from skip(("balance",), "after-failure")
    else:
        yield find("credentials", "ok", translate("doctor.accepted"))
        yield _examine_balance(config, balance)


def _examine_balance(config: Config, balance: Balance) -> Finding:
    left = balance[config.channel]
    name = config.channel.name.lower()
    unknown = translate("general.unknown")
    counts = {one: getattr(balance, one) for one in ("member", "gateway", "card")}
    shown = ", ".join(
        f"{translate(f'account.{one}')} {unknown if count is None else count}" for one, count in counts.items()
    )
    channel = translate(f"account.{name}")
    if left is None:
        return find("balance", "warning", shown, "balance-unknown", channel=channel)
    if left <= 0:
        return find("balance", "failed", shown, "balance-empty", channel=channel)
    return find("balance", "ok", shown)


def _examine_encoding() -> Finding:
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        "短信".encode(encoding)
    except UnicodeError:
        return find("encoding", "warning", encoding, "encoding")
    return find("encoding", "ok", encoding)
