"""A gateway's definition that differs from the saved one. All are made up, but for the recorded ones."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from jzysoap.definition import source as wsdl
from jzysoap.definition.bindings import Bindings, Template, changes
from jzysoap.definition.cache import Cache
from jzysoap.definition.collect import Definition
from jzysoap.definition.compiler import compile_bindings
from jzysoap.model.errors import NotSentError, WsdlError
from jzysoap.model.http import HttpReply
from jzysoap.settings.options import Config, configure
from tests.kit.cached import read_entry, write_entry
from tests.kit.definitions import DOCUMENTED, URL, definition, load_bindings
from tests.kit.recordings import USABLE, load as recorded

DAY = 86400.0
SAVED = definition()
CHANGED = definition(namespace="urn:changed")


class Gateway:
    """A gateway that serves one definition, and its clock."""

    def __init__(self, directory: Path) -> None:
        self.served: Any = SAVED
        self.now = 1_700_000_000.0
        self.asked = 0
        self._directory = directory

    def config(self, **arguments: object) -> Config:
        given = {"base_url": "http://gateway.invalid", "username": "test", "password": "pw123"}
        return configure({**given, "cache_dir": self._directory, **arguments})

    def load(self, **arguments: object) -> tuple[Bindings, str]:
        return load_bindings(self.config(**arguments), self._fetch, clock=lambda: self.now)

    def _fetch(self, url: str) -> HttpReply:
        assert url == URL
        self.asked += 1
        if isinstance(self.served, Exception):
            raise self.served
        return HttpReply(200, {}, self.served)


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    """A gateway whose definition was saved a day ago."""
    made = Gateway(tmp_path / "cache")
    made.load()
    made.now += DAY
    return made


def compiled(document: bytes) -> Bindings:
    return compile_bindings(URL, {URL: document})


def test_a_definition_that_changes_what_is_sent_is_not_used(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    gateway.served = CHANGED
    assert gateway.load() == (compiled(SAVED), "saved")
    (record,) = caplog.records
    message = record.getMessage()
    assert record.levelno == logging.WARNING
    assert message.startswith(f"the definition of {URL} would change what is sent, so the one saved on 2023-11-1")
    assert "sendSms: its element {urn:gateway}sendSms becomes {urn:changed}sendSms; " in message
    assert "getRecvSMS: its arguments' namespace urn:gateway becomes urn:changed. " in message
    assert message.endswith("accept it: wsdl_accept_changes=True, or: jzysoap wsdl fetch --accept")


def test_the_warning_is_repeated_while_the_change_lasts(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    gateway.served = CHANGED
    for _ in range(3):
        assert gateway.load() == (compiled(SAVED), "saved")
    assert (gateway.asked, len(caplog.records)) == (4, 3)
    gateway.served = SAVED
    assert gateway.load() == (compiled(SAVED), "live")
    assert len(caplog.records) == 3


def test_an_accepted_change_is_used(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    gateway.served = CHANGED
    with caplog.at_level(logging.INFO, "jzysoap"):
        assert gateway.load(wsdl_accept_changes=True) == (compiled(CHANGED), "live")
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert "has changed since 2023-11-1" in record.getMessage()
    assert "{urn:gateway}sendSms becomes {urn:changed}sendSms" in record.getMessage()
    # The saved definition is used by every client.
    assert gateway.load() == (compiled(CHANGED), "saved")


def test_a_pinned_hash_accepts_a_change(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    gateway.served = CHANGED
    digest = Definition(URL, {URL: CHANGED}, 0.0).sha256
    assert gateway.load(wsdl_sha256=digest) == (compiled(CHANGED), "live")
    assert not caplog.records


@pytest.mark.parametrize(
    "same",
    [
        SAVED.replace(b"?><", b"?>\n<!-- new --><", 1),
        SAVED.replace(b"10.0.0.1", b"10.0.0.2"),
        SAVED.replace(b"x:", b"y:").replace(b"xmlns:x=", b"xmlns:y="),
        definition(arguments=[one.replace("int ", "string ") for one in DOCUMENTED[:6]]),
        definition(ports=["http", "1.2", "1.1"]),
    ],
    ids=["comment", "address", "prefix", "types", "ports"],
)
def test_a_definition_that_sends_the_same_is_used_silently(
    same: bytes, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    assert same != SAVED
    gateway.served = same
    with caplog.at_level(logging.INFO, "jzysoap"):
        assert gateway.load()[1] == "live"
    assert not caplog.records
    saved = wsdl.last_saved(gateway.config())
    assert saved is not None
    assert list(saved.documents.values()) == [same]


def test_an_unusable_saved_definition_is_replaced(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path / "cache")
    kinds = [one.split(" ")[0] for one in DOCUMENTED[:6]]
    gateway.served = definition(arguments=[f"{kind} a{place}b" for place, kind in enumerate(kinds)])
    assert gateway.load(arguments=[one.split(" ")[1] for one in DOCUMENTED[:6]])[1] == "live"
    gateway.served = CHANGED
    gateway.now += DAY
    assert gateway.load() == (compiled(CHANGED), "live")


def test_saved_bindings_with_corrupt_messages_are_replaced(gateway: Gateway, tmp_path: Path) -> None:
    for path in (tmp_path / "cache").iterdir():
        data = read_entry(path)
        if isinstance(data, dict) and "operations" in data:
            data["operations"]["sendSms"][1][0] = "no XML"
            write_entry(path, json.dumps(data))
    gateway.served = CHANGED
    assert gateway.load() == (compiled(CHANGED), "live")


def test_a_failed_fetch_is_not_a_change(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    gateway.served = NotSentError("nothing was sent to gateway.invalid: the connection was refused")
    assert gateway.load() == (compiled(SAVED), "saved")
    (record,) = caplog.records
    assert record.getMessage().endswith(
        f"cannot get the definition at {URL}, nothing was sent: the connection was refused"
    )


def test_a_definition_can_be_saved_by_hand(gateway: Gateway) -> None:
    config = gateway.config()
    assert wsdl.live_address(config) == URL
    wsdl.save(config, Definition(URL, {URL: CHANGED}, gateway.now))
    assert gateway.load() == (compiled(CHANGED), "saved")
    assert wsdl.last_saved(gateway.config(wsdl="http://other.invalid/a.wsdl")) is None
    Cache(config.cache_dir).write(f"definition {URL}", "corrupt")
    assert wsdl.last_saved(config) is None


# -- differences ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("new", "lines"),
    [
        (definition(ports=["1.2"]), ["SOAP 1.1 becomes 1.2"]),
        (
            definition(arguments=[*DOCUMENTED[:3], DOCUMENTED[4], DOCUMENTED[3], DOCUMENTED[5]]),
            [
                "sendSms: its arguments username, password, smstype, content, mobile, isLongSms becomes "
                "username, password, smstype, mobile, content, isLongSms"
            ],
        ),
        (
            definition(query=["string arg0", "string arg1"]),
            [
                f"{name}: its arguments username, password becomes arg0 (username), arg1 (password)"
                for name in ("getRestMoney", "getSmsReport", "getRecvSMS")
            ],
        ),
        (
            SAVED.replace(b'soapAction="urn:sendSms"', b'soapAction=""'),
            ['sendSms: its action "urn:sendSms" becomes ""'],
        ),
        (
            SAVED.replace(b'elementFormDefault="qualified"', b""),
            [
                f"{name}: its arguments' namespace urn:gateway becomes none"
                for name in ("sendSms", "getRestMoney", "getSmsReport", "getRecvSMS")
            ],
        ),
    ],
    ids=["version", "order", "names", "action", "form"],
)
def test_each_difference_in_what_is_sent_is_a_line(new: bytes, lines: list[str]) -> None:
    assert changes(compiled(SAVED), compiled(new)) == lines


def test_an_optional_operation_that_is_gone_is_a_line() -> None:
    saved = compiled(SAVED)
    more = saved._replace(templates={**saved.templates, "getBlacklist": saved.templates["getRestMoney"]})
    assert changes(more, saved) == ["getBlacklist: the operation is gone"]
    assert changes(saved, more) == []


def test_a_change_of_style_is_a_line() -> None:
    from tests.unit.definition.test_compiler_rpc import rpc

    literal, encoded = compiled(rpc(use='use="literal"')), compiled(rpc())
    found = changes(literal, encoded)
    assert "sendSms: its encoding style none becomes http://schemas.xmlsoap.org/soap/encoding/" in found
    xsd = "{http://www.w3.org/2001/XMLSchema}"
    assert f"getRestMoney: its arguments' types none becomes {xsd}string" in found
    assert len(found) == 8


@pytest.mark.parametrize("name", USABLE)
def test_only_equal_messages_have_no_differences(name: str) -> None:
    every = {other: compile_bindings(recorded(other).url, recorded(other).documents) for other in USABLE}
    for bindings in every.values():
        found = changes(every[name], bindings)
        same = (bindings.soap, bindings.templates) == (every[name].soap, every[name].templates)
        assert (found == []) == same
        assert len(found) == len(changes(bindings, every[name]))
        assert all(one.isprintable() and len(one) < 500 for one in found)


@pytest.mark.parametrize(
    "pieces",
    [
        (b"", b"", b""),
        (b"<a", b"", b""),
        (b"<a>", b"", b"</a>"),
        (b"<a><b/>", b"", b"</a>"),
        (b"<a><b><c/><d/>", b"", b"</b></a>"),
        (b"<a><!---->", b"", b"</a>"),
    ],
)
def test_malformed_messages_cannot_be_compared(pieces: tuple[bytes, ...]) -> None:
    bindings = compiled(SAVED)
    malformed = Template("", pieces, ("username", "password"))
    with pytest.raises(ValueError, match="not messages"):
        changes(bindings, Bindings("1.1", "port0", {**bindings.templates, "getRestMoney": malformed}))


def test_differences_are_masked_and_short() -> None:
    long = definition(namespace="urn:13800000001:" + "a" * 500)
    (element, _) = changes(compiled(SAVED), compiled(long))[:2]
    assert "138****0001" in element
    assert len(element) < 500


def test_an_unusable_definition_cannot_be_accepted(gateway: Gateway) -> None:
    gateway.served = definition(operations=["login"])
    with pytest.raises(WsdlError, match="lacks the operation sendSms"):
        gateway.load(wsdl_accept_changes=True)
