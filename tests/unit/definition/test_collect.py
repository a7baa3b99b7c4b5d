"""The documents of a definition: imports and redirects. All are made up, but for the recorded ones that are named."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from jzysoap.cli.definition import to_files
from jzysoap.definition.collect import Definition, collect, drive
from jzysoap.definition.local import read_local
from jzysoap.model.errors import WsdlError
from jzysoap.model.http import HttpReply
from jzysoap.settings.options import Config
from tests.kit.definitions import URL, definition, load_bindings
from tests.kit.recordings import load as recorded
from tests.unit.definition.gateway import BASE, HTML, LIVE, Clock, Gateway, configured, load_error

SCHEMA = b'<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:gateway"/>'


@pytest.mark.parametrize(
    ("location", "address"),
    [
        ("userApi?xsd=1", f"{BASE}/services/userApi?xsd=1"),
        ("?xsd=1", f"{BASE}/services/userApi?xsd=1"),
        ("/types.xsd", f"{BASE}/types.xsd"),
        ("../types.xsd", f"{BASE}/types.xsd"),
        (f"{BASE}/types.xsd", f"{BASE}/types.xsd"),
        (f"{BASE}:80/types.xsd", f"{BASE}:80/types.xsd"),
        ("HTTP://GATEWAY.invalid/types.xsd", "HTTP://GATEWAY.invalid/types.xsd"),
    ],
)
@pytest.mark.parametrize("kind", ["include", "redefine"])
def test_imports_are_fetched_and_saved(
    kind: str, location: str, address: str, config: Config, gateway: Gateway, clock: Clock
) -> None:
    gateway.served[URL] = definition(schema=f'<x:{kind} schemaLocation="{location}"/>')
    gateway.served[address] = SCHEMA
    documents = drive(collect(URL), gateway.fetch)
    assert documents == {URL: gateway.served[URL], address: SCHEMA}
    assert list(documents) == gateway.asked == [URL, address]
    if kind == "include":
        assert load_bindings(config, gateway.fetch, clock=clock)[1] == "live"
        gateway.served.clear()
        assert load_bindings(config, gateway.fetch, clock=clock)[1] == "saved"


@pytest.mark.parametrize("name", ["cxf-3.3.2-jaxws-sei-webparam", "jaxws-ri-2.3.0.2"])
def test_all_documents_of_a_recorded_definition_are_collected(name: str) -> None:
    stack = recorded(name)
    assert drive(collect(stack.url), lambda url: HttpReply(200, {}, stack.fetch(url))) == stack.documents


def test_imports_without_a_location_are_ignored(gateway: Gateway) -> None:
    gateway.served[URL] = definition(schema='<x:import namespace="urn:a"/>', extra='<import namespace="urn:b"/>')
    assert list(drive(collect(URL), gateway.fetch)) == [URL]


@pytest.mark.parametrize(
    "location",
    [
        "http://elsewhere.invalid/a.xsd",
        "https://gateway.invalid/a.xsd",
        "http://gateway.invalid:8080/a.xsd",
        "//elsewhere.invalid/a.xsd",
        "http://gateway.invalid@elsewhere.invalid/a.xsd",
        "file:///etc/passwd",
        "file://gateway.invalid/etc/passwd",
        "http://[x",
        "http://gateway.invalid:x/",
    ],
)
@pytest.mark.parametrize("place", ["extra", "schema"])
def test_nothing_is_imported_from_another_server(
    place: str, location: str, config: Config, gateway: Gateway, clock: Clock
) -> None:
    """A request to another server would carry the client's headers."""
    element = {
        "extra": f'<import namespace="u" location="{location}"/>',
        "schema": f'<x:include schemaLocation="{location}"/>',
    }
    gateway.served[URL] = definition(**{place: element[place]})  # type: ignore[arg-type]  # both are texts
    error = load_error(config, gateway, clock)
    assert str(error).startswith(f"the definition at {URL} imports {location.replace('//e', 'http://e', 1)}"[:60])
    assert (" which is malformed. Save" if "[" in location else " from another server, which is never asked") in str(
        error
    )
    assert "give the path of the definition as wsdl" in str(error)
    # The gateway itself was asked for the same path.
    assert {urlsplit(one).netloc for one in gateway.asked} == {"gateway.invalid"}
    assert len(gateway.asked) == (1 if "[" in location else 2)
    assert gateway.asked[-1].endswith(location.rpartition("/")[2] if "/a.xsd" in location or "etc" in location else "")


@pytest.mark.parametrize(
    "location",
    [
        "http://10.0.0.1:8080/services/userApi?xsd=xsd0",
        "https://gateway.invalid/services/userApi?xsd=xsd0",
        "http://localhost/services/userApi?xsd=xsd0",
        "file:///services/userApi?xsd=xsd0",
        "classpath:services/userApi?xsd=xsd0",
    ],
)
def test_an_import_by_an_internal_address_is_found_on_the_gateway(
    location: str, config: Config, gateway: Gateway, clock: Clock, tmp_path: Path
) -> None:
    gateway.served[URL] = definition(schema=f'<x:include schemaLocation=" {location} "/>')
    gateway.served[f"{BASE}/services/userApi?xsd=xsd0"] = SCHEMA
    bindings, origin = load_bindings(config, gateway.fetch, clock=clock)
    assert origin == "live"
    assert gateway.asked == [URL, f"{BASE}/services/userApi?xsd=xsd0"]
    # As recorded, in a directory.
    definition_ = Definition(URL, drive(collect(URL), gateway.fetch), 0.0)
    for name, data in to_files(definition_, content_type="text/xml", server="none").items():
        (tmp_path / name).write_bytes(data)
    read, _ = read_local(str(tmp_path))
    assert read.sha256 == definition_.sha256
    assert read.compile("recorded") == bindings


@pytest.mark.parametrize(
    ("namespace", "location", "used"),
    [
        ("http://www.w3.org/XML/1998/namespace", "http://www.w3.org/2001/03/xml.xsd", '<x:attribute ref="xml:lang"/>'),
        (
            "http://www.w3.org/XML/1998/namespace",
            "https://www.w3.org/XML/1998/namespace.xsd",
            '<x:attribute ref="xml:id"/>',
        ),
        (
            "http://www.w3.org/2005/05/xmlmime",
            "http://www.w3.org/2005/05/xmlmime",
            '<x:attribute ref="p:contentType"/>',
        ),
        ("http://schemas.xmlsoap.org/soap/encoding/", "http://schemas.xmlsoap.org/soap/encoding/", ""),
        ("http://schemas.xmlsoap.org/wsdl/soap/", "http://schemas.xmlsoap.org/wsdl/soap/", ""),
    ],
)
def test_well_known_schemas_are_not_fetched(
    namespace: str, location: str, used: str, config: Config, gateway: Gateway, clock: Clock
) -> None:
    schema = f'<x:import namespace="{namespace}" schemaLocation="{location}"/>'
    prefix = "" if namespace.endswith("/namespace") else f'xmlns:p="{namespace}"'
    schema += f'<x:complexType name="other" {prefix}>{used}</x:complexType>'
    gateway.served[URL] = definition(schema=schema)
    assert load_bindings(config, gateway.fetch, clock=clock)[1] == "live"
    assert gateway.asked == [URL]


def test_schemas_in_an_import_cycle_are_fetched_once(gateway: Gateway, config: Config, clock: Clock) -> None:
    include = SCHEMA.replace(b"/>", b'><include schemaLocation="%s"/></schema>')
    gateway.served[URL] = definition(schema='<x:include schemaLocation="/a.xsd"/>')
    gateway.served[f"{BASE}/a.xsd"] = include % b"/b.xsd"
    gateway.served[f"{BASE}/b.xsd"] = include % b"/a.xsd"
    assert load_bindings(config, gateway.fetch, clock=clock)[1] == "live"
    assert gateway.asked == [URL, f"{BASE}/a.xsd", f"{BASE}/b.xsd"]


def test_a_definition_that_imports_itself_is_fetched_once(gateway: Gateway, config: Config, clock: Clock) -> None:
    gateway.served[URL] = definition(extra=f'<import namespace="urn:gateway" location="{URL}"/>')
    try:
        assert load_bindings(config, gateway.fetch, clock=clock)[1] == "live"
    except WsdlError as error:
        assert not error.readable  # noqa: PT017  # both will do
    assert gateway.asked == [URL]


def test_the_number_of_imports_is_limited(gateway: Gateway, config: Config, clock: Clock) -> None:
    def served(url: str) -> HttpReply:
        number = int(url.rpartition("=")[2]) if "xsd=" in url else 0
        gateway.asked.append(url)
        include = f'<x:include schemaLocation="/a?xsd={number + 1}"/>'
        schema = f'<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema">{include}</x:schema>'
        return HttpReply(200, {}, schema.encode() if number else definition(schema=include))

    with pytest.raises(WsdlError, match=r"imports more than 32 documents$"):
        load_bindings(config, served, clock=clock)
    assert len(gateway.asked) == 32


@pytest.mark.parametrize(
    ("served", "why"),
    [
        (HttpReply(404, {}, b""), "HTTP 404"),
        (HTML[:-3], "it is an HTML page"),
        (b"", "it is empty"),
        (b"<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>", "it has a DOCTYPE"),
    ],
)
def test_an_import_that_cannot_be_fetched_is_named(
    served: Any, why: str, config: Config, gateway: Gateway, clock: Clock
) -> None:
    gateway.served[URL] = definition(schema='<x:include schemaLocation="/a.xsd"/>')
    gateway.served[f"{BASE}/a.xsd"] = served
    error = load_error(config, gateway, clock)
    assert f"{BASE}/a.xsd" in str(error)
    assert why in str(error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/moved?wsdl", f"{BASE}:80/moved?wsdl", "moved?wsdl", "../moved?wsdl"])
def test_a_redirect_is_followed_on_the_same_server(status: int, location: str, gateway: Gateway) -> None:
    gateway.served = {URL: HttpReply(status, {"location": location}, b"")}
    for moved in (f"{BASE}/moved?wsdl", f"{BASE}:80/moved?wsdl", f"{BASE}/services/moved?wsdl"):
        gateway.served[moved] = LIVE
    assert drive(collect(URL), gateway.fetch) == {URL: LIVE}
    assert len(gateway.asked) == 2


@pytest.mark.parametrize(
    "location",
    [
        "http://elsewhere.invalid/",
        "//elsewhere.invalid/",
        "http://gateway.invalid:81/",
        "ftp://gateway.invalid/",
        "http://[x",
    ],
)
def test_a_redirect_to_another_server_is_refused(location: str, config: Config, gateway: Gateway, clock: Clock) -> None:
    gateway.served[URL] = HttpReply(302, {"location": location}, b"")
    message = str(load_error(config, gateway, clock))
    assert message.startswith(f"the definition at {URL} redirects to another server: ")
    assert location.rpartition("/")[0] in message
    assert gateway.asked == [URL]


def test_a_redirect_from_https_to_http_is_refused(tmp_path: Path, gateway: Gateway, clock: Clock) -> None:
    url = URL.replace("http:", "https:")
    gateway.served[url] = HttpReply(301, {"location": URL}, b"")
    config = configured(tmp_path, base_url="https://gateway.invalid")
    assert "redirects to another server" in str(load_error(config, gateway, clock))
    assert gateway.asked == [url]


@pytest.mark.parametrize("headers", [{"location": URL}, {}])
def test_the_number_of_redirects_is_limited(
    headers: Mapping[str, str], config: Config, gateway: Gateway, clock: Clock
) -> None:
    gateway.served[URL] = HttpReply(302, headers, b"")
    error = load_error(config, gateway, clock)
    assert str(error) == f"cannot get the definition at {URL}, nothing was sent: HTTP 302"
    assert len(gateway.asked) == 4


def test_the_digest_covers_all_documents() -> None:
    one = Definition(URL, {URL: b"a"}, 0.0)
    two = Definition(URL, {URL: b"a", f"{BASE}/b": b"b"}, 0.0)
    assert one.sha256 == hashlib.sha256(b"a").hexdigest()
    assert two.sha256 == hashlib.sha256(b"ab").hexdigest()
