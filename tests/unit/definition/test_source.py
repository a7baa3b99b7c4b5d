"""The choice of a definition: live, saved, pinned, given. All definitions are made up."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from jzysoap.definition import source as wsdl
from jzysoap.definition.bindings import Bindings
from jzysoap.definition.cache import Cache
from jzysoap.definition.compiler import compile_bindings
from jzysoap.model.errors import ConfigurationError, NotSentError, OutcomeUnknownError
from jzysoap.model.http import HttpReply
from jzysoap.settings.options import Config
from tests.kit.cached import read_entry, write_entry
from tests.kit.definitions import DOCUMENTED, URL, definition, load_bindings
from tests.kit.soap import bare_envelope
from tests.unit.definition.gateway import BASE, HTML, LIVE, NOW, OTHER, Clock, Gateway, configured, load_error

DAY = 86400.0
SPELLED_OTHERWISE = LIVE.replace(b"?><", b"?>\n<", 1)


def namespace(bindings: Bindings) -> str:
    return bindings.templates["sendSms"].pieces[0].decode().rpartition('xmlns:ns0="')[2].partition('"')[0]


# -- live, saved ------------------------------------------------------------------------------------------------------


def test_the_gateways_definition_comes_first(config: Config, gateway: Gateway, clock: Clock) -> None:
    bindings, source = load_bindings(config, gateway.fetch, clock=clock)
    assert source == "live"
    assert bindings == compile_bindings(URL, {URL: LIVE})
    assert gateway.asked == [f"{BASE}/services/userApi?wsdl"]


def test_the_default_clock_is_the_systems(config: Config, gateway: Gateway) -> None:
    assert [load_bindings(config, gateway.fetch)[1] for _ in range(2)] == ["live", "saved"]


def test_a_young_saved_definition_is_used(config: Config, gateway: Gateway, clock: Clock) -> None:
    live, _ = load_bindings(config, gateway.fetch, clock=clock)
    gateway.served[URL] = OTHER
    clock.now += DAY - 1
    assert load_bindings(config, gateway.fetch, clock=clock) == (live, "saved")
    assert len(gateway.asked) == 1


def test_an_old_definition_is_fetched_again(config: Config, gateway: Gateway, clock: Clock) -> None:
    load_bindings(config, gateway.fetch, clock=clock)
    gateway.served[URL] = SPELLED_OTHERWISE
    clock.now += DAY
    assert load_bindings(config, gateway.fetch, clock=clock)[1] == "live"
    clock.now += DAY - 1
    assert load_bindings(config, gateway.fetch, clock=clock)[1] == "saved"


def test_a_definition_saved_in_the_future_is_fetched_again(config: Config, gateway: Gateway, clock: Clock) -> None:
    load_bindings(config, gateway.fetch, clock=clock)
    clock.now -= 1
    assert load_bindings(config, gateway.fetch, clock=clock)[1] == "live"


def test_an_age_of_zero_asks_each_time(tmp_path: Path, gateway: Gateway, clock: Clock) -> None:
    config = configured(tmp_path, wsdl_max_age=0)
    assert [load_bindings(config, gateway.fetch, clock=clock)[1] for _ in range(3)] == ["live"] * 3
    assert len(gateway.asked) == 3
    gateway.served[URL] = NotSentError("refused")
    assert load_bindings(config, gateway.fetch, clock=clock)[1] == "saved"


def test_each_gateway_has_its_own_definition(tmp_path: Path, gateway: Gateway, clock: Clock) -> None:
    other = "http://other.invalid:9003/sms"
    gateway.served[f"{other}/services/userApi?wsdl"] = OTHER
    for _ in range(2):
        assert namespace(load_bindings(configured(tmp_path), gateway.fetch, clock=clock)[0]) == "urn:gateway"
        found, _ = load_bindings(configured(tmp_path, base_url=other), gateway.fetch, clock=clock)
        assert namespace(found) == "urn:changed"
    assert len(gateway.asked) == 2


def test_nothing_is_saved_without_a_cache(tmp_path: Path, gateway: Gateway, clock: Clock) -> None:
    config = configured(tmp_path, cache_dir=False)
    assert [load_bindings(config, gateway.fetch, clock=clock)[1] for _ in range(2)] == ["live", "live"]
    assert not (tmp_path / "cache").exists()


UNAVAILABLE = [
    (NotSentError("cannot connect to gateway.invalid"), "cannot connect to gateway.invalid"),
    (OutcomeUnknownError("no answer within 20 s"), "no answer within 20 s"),
    (HttpReply(404, {}, b"no"), "HTTP 404: check base_url"),
    (HttpReply(500, {}, LIVE), "HTTP 500"),
    (HttpReply(206, {}, LIVE), "HTTP 206"),
    (HttpReply(200, {}, LIVE, "it is larger than 4194304 bytes"), "it is larger than 4194304 bytes"),
    (HttpReply(302, {"location": "http://elsewhere.invalid/wsdl"}, b""), "redirects to another server"),
    (HTML, "its root element is html"),
    (b"<html><p>Welcome</html>", "it is an HTML page"),
    (b"", "it is empty"),
    (b" \r\n", "it is empty"),
    (b"<definitions/>", "its root element is definitions"),
    (LIVE[:-30], "it is not well-formed XML"),
    (b"success", "it is not well-formed XML"),
    (LIVE.replace(b"<definitions", b"<!DOCTYPE a><definitions", 1), "it has a DOCTYPE"),
    (definition().replace(b'type="x:string"', b'type="x:none"'), "cannot be read"),
]


@pytest.mark.parametrize(("served", "why"), UNAVAILABLE)
def test_if_fetching_fails_the_saved_definition_is_used_with_a_warning(
    config: Config, gateway: Gateway, clock: Clock, caplog: pytest.LogCaptureFixture, served: Any, why: str
) -> None:
    live, _ = load_bindings(config, gateway.fetch, clock=clock)
    gateway.served[URL] = served
    clock.now += DAY
    with caplog.at_level(logging.DEBUG, "jzysoap"):
        assert load_bindings(config, gateway.fetch, clock=clock) == (live, "saved")
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert URL in record.getMessage()
    assert "saved on 2023-11-1" in record.getMessage()
    assert why in record.getMessage()
    # The served document was not saved.
    gateway.served[URL] = LIVE
    clock.now += DAY
    assert load_bindings(config, gateway.fetch, clock=clock) == (live, "live")


@pytest.mark.parametrize(("served", "why"), UNAVAILABLE)
def test_if_nothing_is_saved_a_failed_fetch_is_an_error(
    config: Config, gateway: Gateway, clock: Clock, served: Any, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.served[URL] = served
    error = load_error(config, gateway, clock)
    assert why in str(error)
    assert (error.source, error.readable) == (URL, False)
    assert not caplog.records
    if isinstance(served, Exception):
        assert error.__cause__ is served
    if isinstance(served, Exception) or (isinstance(served, HttpReply) and served.status != 302):
        assert str(error).startswith(f"cannot get the definition at {URL}, nothing was sent: ")
        assert error.retry == "later"
    # Nothing was saved, so the next client asks again.
    gateway.served[URL] = LIVE
    assert load_bindings(config, gateway.fetch, clock=clock)[1] == "live"


def test_an_entity_bomb_is_not_expanded(config: Config, gateway: Gateway, clock: Clock) -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE a [<!ENTITY e0 "xxxxxxxxxx">{levels}]><definitions '
    for used in ("", 'name="&e9;" '):
        gateway.served[URL] = LIVE.replace(b"<definitions ", (bomb + used).encode(), 1)
        started = time.process_time()
        assert "is not a service definition: it " in str(load_error(config, gateway, clock))
        assert time.process_time() - started < 10


def test_a_closed_client_says_so(config: Config, gateway: Gateway, clock: Clock) -> None:
    load_bindings(config, gateway.fetch, clock=clock)
    gateway.served[URL] = ConfigurationError("the client is closed: make a new one")
    clock.now += DAY
    with pytest.raises(ConfigurationError, match="is closed"):
        load_bindings(config, gateway.fetch, clock=clock)


def test_a_failure_is_remembered_for_minutes(
    config: Config, gateway: Gateway, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    load_bindings(config, gateway.fetch, clock=clock)
    gateway.served[URL] = NotSentError("refused")
    clock.now += DAY
    for _ in range(3):
        assert load_bindings(config, gateway.fetch, clock=clock)[1] == "saved"
        clock.now += 99
    assert (len(gateway.asked), len(caplog.records)) == (2, 3)
    assert "fetching it failed minutes ago" in caplog.records[-1].getMessage()
    clock.now += 3
    assert load_bindings(config, gateway.fetch, clock=clock)[1] == "saved"
    assert (len(gateway.asked), len(caplog.records)) == (3, 4)
    gateway.served[URL] = SPELLED_OTHERWISE
    clock.now += 300
    assert load_bindings(config, gateway.fetch, clock=clock)[1] == "live"


@pytest.mark.parametrize(
    "served",
    [definition(operations=["login", "logout"]), definition(ports=["http"]), definition(arguments=["string a"])],
)
def test_an_unusable_definition_of_the_gateway_is_an_error(
    config: Config, gateway: Gateway, clock: Clock, served: bytes
) -> None:
    """It may be another service's, so the saved definition would be wrong."""
    load_bindings(config, gateway.fetch, clock=clock)
    gateway.served[URL] = served
    clock.now += DAY
    error = load_error(config, gateway, clock)
    assert f"the definition at {URL} cannot be used" in str(error)
    assert error.readable
    clock.now -= DAY
    assert load_bindings(config, gateway.fetch, clock=clock)[1] == "saved"


def test_the_order_of_the_arguments_can_be_given_later(tmp_path: Path, gateway: Gateway, clock: Clock) -> None:
    kinds = [one.split(" ")[0] for one in DOCUMENTED[:6]]
    gateway.served[URL] = definition(arguments=[f"{kind} a{place}b" for place, kind in enumerate(kinds)])
    error = load_error(configured(tmp_path), gateway, clock)
    assert "arguments=[…]" in str(error)
    named = configured(tmp_path, arguments=[one.split(" ")[1] for one in DOCUMENTED[:6]])
    assert [load_bindings(named, gateway.fetch, clock=clock)[1] for _ in range(2)] == ["live", "saved"]
    # Without an order, the saved definition cannot be used, so the gateway's is fetched.
    gateway.served[URL] = LIVE
    assert load_bindings(configured(tmp_path), gateway.fetch, clock=clock)[1] == "live"


# -- pinned -----------------------------------------------------------------------------------------------------------


def test_only_the_pinned_definition_is_accepted(tmp_path: Path, gateway: Gateway, clock: Clock) -> None:
    digest = hashlib.sha256(LIVE).hexdigest()
    config = configured(tmp_path, wsdl_sha256=digest.upper())
    assert [load_bindings(config, gateway.fetch, clock=clock)[1] for _ in range(2)] == ["live", "saved"]
    gateway.served[URL] = OTHER
    clock.now += DAY
    error = load_error(config, gateway, clock)
    assert str(error) == (f"the definition at {URL} has sha256 {hashlib.sha256(OTHER).hexdigest()}, not wsdl_sha256")
    gateway.served[URL] = NotSentError("refused")
    assert load_bindings(config, gateway.fetch, clock=clock)[1] == "saved"


def test_a_saved_definition_with_another_hash_is_not_used(tmp_path: Path, gateway: Gateway, clock: Clock) -> None:
    load_bindings(configured(tmp_path), gateway.fetch, clock=clock)
    config = configured(tmp_path, wsdl_sha256=hashlib.sha256(OTHER).hexdigest())
    gateway.served[URL] = NotSentError("refused")
    assert "refused" in str(load_error(config, gateway, clock))
    gateway.served[URL] = OTHER
    assert load_bindings(config, gateway.fetch, clock=clock)[1] == "live"


def test_a_file_can_be_pinned_too(tmp_path: Path, gateway: Gateway, clock: Clock) -> None:
    (tmp_path / "own.wsdl").write_bytes(LIVE)
    path = str(tmp_path / "own.wsdl")
    digest = hashlib.sha256(LIVE).hexdigest()
    assert load_bindings(configured(tmp_path, wsdl=path, wsdl_sha256=digest), gateway.fetch, clock=clock)[1] == "given"
    assert "has sha256" in str(load_error(configured(tmp_path, wsdl=path, wsdl_sha256="0" * 64), gateway, clock))


# -- given, bundled ---------------------------------------------------------------------------------------------------


def test_another_address_can_be_given(tmp_path: Path, gateway: Gateway, clock: Clock) -> None:
    config = configured(tmp_path, wsdl="https://docs.invalid/api.wsdl")
    gateway.served["https://docs.invalid/api.wsdl"] = OTHER
    for source in ("live", "saved"):
        bindings, found = load_bindings(config, gateway.fetch, clock=clock)
        assert (namespace(bindings), found) == ("urn:changed", source)
    assert gateway.asked == ["https://docs.invalid/api.wsdl"]


def test_a_file_can_be_given(tmp_path: Path, gateway: Gateway, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own 定义.wsdl").write_bytes(OTHER)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / "own 定义.wsdl", "own 定义.wsdl", "~/own 定义.wsdl"):
        bindings, source = load_bindings(configured(tmp_path, wsdl=path), gateway.fetch, clock=clock)
        assert (namespace(bindings), source) == ("urn:changed", "given")
    # The file is read again each time.
    (tmp_path / "own 定义.wsdl").write_bytes(LIVE)
    bindings, _ = load_bindings(configured(tmp_path, wsdl="own 定义.wsdl"), gateway.fetch, clock=clock)
    assert namespace(bindings) == "urn:gateway"
    assert not gateway.asked


# -- saved files ------------------------------------------------------------------------------------------------------


def kept(directory: Path) -> dict[str, Any]:
    return {path.name: read_entry(path) for path in (directory / "cache").iterdir()}


def test_saved_files_are_json_without_anything_of_the_account(tmp_path: Path, gateway: Gateway, clock: Clock) -> None:
    config = configured(tmp_path, username="the-account", password="the-password")
    bindings, _ = load_bindings(config, gateway.fetch, clock=clock)
    entries = list(kept(tmp_path).values())
    assert bindings.to_json() in entries
    (saved,) = (entry for entry in entries if "documents" in entry)
    assert saved == {"url": URL, "fetched_at": NOW, "documents": {URL: base64.b64encode(LIVE).decode()}}
    assert len(entries) == 2
    assert "the-" not in json.dumps(entries)


@pytest.mark.parametrize(
    "entry",
    [
        "null",
        "[]",
        "{}",
        "not json",
        "",
        '{"url": 1, "fetched_at": 1.0, "documents": {}}',
        '{"url": [], "fetched_at": 1.0, "documents": {}}',
        '{"url": "u", "fetched_at": 1.0, "documents": {}}',
        '{"url": "u", "fetched_at": 1.0, "documents": []}',
        '{"url": "u", "fetched_at": 1.0, "documents": {"u": 1}}',
        '{"url": "u", "fetched_at": 1.0, "documents": {"u": "***"}}',
        '{"url": "u", "fetched_at": 1.0, "documents": {"u": "\\u4e00"}}',
        '{"url": "u", "fetched_at": "then", "documents": {"u": ""}}',
        '{"url": "u", "fetched_at": null, "documents": {"u": ""}}',
        '{"url": "u", "fetched_at": NaN, "documents": {"u": ""}}',
        '{"url": "u", "fetched_at": -1, "documents": {"u": ""}}',
        '{"url": "u", "fetched_at": 1e300, "documents": {"u": ""}}',
        '{"url": "u", "fetched_at": Infinity, "documents": {"u": ""}}',
        json.dumps({"url": "u", "fetched_at": 10**400, "documents": {"u": ""}}),
        # Well-formed, but not a definition.
        json.dumps({"url": "u", "fetched_at": NOW, "documents": {"u": ""}}),
        json.dumps({"url": "u", "fetched_at": NOW, "documents": {"u": "PGh0bWwvPg=="}}),
    ],
)
def test_a_corrupt_entry_is_ignored(entry: str, config: Config, tmp_path: Path, gateway: Gateway, clock: Clock) -> None:
    live, _ = load_bindings(config, gateway.fetch, clock=clock)
    for path in (tmp_path / "cache").iterdir():
        write_entry(path, entry)
    gateway.served[URL] = NotSentError("refused")
    assert "refused" in str(load_error(config, gateway, clock))
    clock.now += DAY
    assert "refused" in str(load_error(config, gateway, clock))
    gateway.served[URL] = LIVE
    assert load_bindings(config, gateway.fetch, clock=clock) == (live, "live")
    assert load_bindings(config, gateway.fetch, clock=clock) == (live, "saved")


@pytest.mark.parametrize("failure", ['"then"', "null", "true", "1e300", "NaN", "17e8"])
def test_a_corrupt_time_of_failure_is_ignored(
    failure: str, config: Config, tmp_path: Path, gateway: Gateway, clock: Clock
) -> None:
    load_bindings(config, gateway.fetch, clock=clock)
    before = set(kept(tmp_path))
    clock.now += DAY
    gateway.served[URL] = NotSentError("refused")
    load_bindings(config, gateway.fetch, clock=clock)
    (name,) = set(kept(tmp_path)) - before
    assert read_entry(tmp_path / "cache" / name) == clock.now
    write_entry(tmp_path / "cache" / name, failure)
    gateway.served[URL] = LIVE
    assert load_bindings(config, gateway.fetch, clock=clock)[1] == "live"


def test_corrupt_bindings_are_compiled_again(config: Config, tmp_path: Path, gateway: Gateway, clock: Clock) -> None:
    live, _ = load_bindings(config, gateway.fetch, clock=clock)
    (name,) = (name for name, entry in kept(tmp_path).items() if "soap" in entry)
    for entry in ({}, {**live.to_json(), "operations": {}}, live.to_json()):
        write_entry(tmp_path / "cache" / name, json.dumps(entry))
        assert load_bindings(config, gateway.fetch, clock=clock) == (live, "saved")
        assert kept(tmp_path)[name] == live.to_json()


def test_bindings_of_another_version_are_not_used(
    config: Config, tmp_path: Path, gateway: Gateway, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_bindings(config, gateway.fetch, clock=clock)
    for path in (tmp_path / "cache").iterdir():
        entry = read_entry(path)
        if "soap" in entry:
            write_entry(path, json.dumps({**entry, "port": "as the old version had it"}))
    assert load_bindings(config, gateway.fetch, clock=clock)[0].port == "as the old version had it"
    monkeypatch.setattr(wsdl, "__version__", "999")
    assert load_bindings(config, gateway.fetch, clock=clock)[0].port == "port0"


def test_an_unusable_cache_does_not_prevent_loading(config: Config, tmp_path: Path, gateway: Gateway) -> None:
    (tmp_path / "cache").write_text("a file")
    assert Cache(str(tmp_path / "cache")).read("x") is None
    assert [load_bindings(config, gateway.fetch)[1] for _ in range(2)] == ["live", "live"]


FRESH = """
import io
import sys

import requests
from urllib3 import HTTPResponse

from jzysoap import Client

class Adapter(requests.adapters.BaseAdapter):
    def send(self, request, **options):
        assert request.method == "POST", request.url
        assert request.headers["SOAPAction"] == '"urn:getRestMoney"'
        response = requests.Response()
        response.status_code = 200
        response.raw = HTTPResponse(io.BytesIO(ANSWER), status=200, preload_content=False)
        return response

    def close(self):
        pass

ANSWER = sys.argv[2].encode()
with Client("http://gateway.invalid", "test", "pw123", cache_dir=sys.argv[1], adapter=Adapter()) as client:
    print(client.balance().card, "zeep" in sys.modules)
"""
ANSWER = bare_envelope("<r><return>kaSmsNum=49964</return></r>")


def test_a_process_with_a_young_saved_definition_never_imports_zeep(
    config: Config, tmp_path: Path, gateway: Gateway
) -> None:
    load_bindings(config, gateway.fetch)
    done = subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, "-W", "error", "-c", FRESH, str(tmp_path / "cache"), ANSWER],
        capture_output=True,
        check=False,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("49964 False\n", "")
