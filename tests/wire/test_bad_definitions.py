"""Definitions that cannot be used, served over sockets: each is an error that says what and where, and costs little."""

from __future__ import annotations

import socket
import ssl
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jzysoap import NotSentError, WsdlError
from tests.kit.definitions import definition
from tests.kit.facade import KINDS, Facade, Kind
from tests.kit.samples import MOBILE, TEXT
from tests.kit.servers import RawServer, answering, reply
from tests.wire.conftest import Serve, over_tls

Make = Callable[..., Facade]
Handler = Callable[[RawServer, socket.socket], None]
HTML = b"<!DOCTYPE html>\n<html><head><title>Apache Tomcat</title></head><body><p>It works !</body></html>"


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    made: list[Facade] = []
    kind: Kind = request.param

    def make(url: str, **options: object) -> Facade:
        made.append(Facade(kind, url, "admin", "pw123", **{"wsdl": None, **options}))
        return made[-1]

    yield make
    for facade in made:
        facade.__exit__()


def refusal(client: Facade) -> WsdlError:
    """The error of a send, which takes little memory, and which nothing but the definition was asked for."""
    started = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(WsdlError) as caught:
            client.send(MOBILE, TEXT)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 20
    assert not caught.value.may_have_been_sent
    assert caught.value.result is not None
    assert len(str(caught.value)) < 1000
    return caught.value


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (HTML, "the document at {url} is not a service definition: it is an HTML page"),
        (b"<html><p>Welcome", "the document at {url} is not a service definition: it is an HTML page"),
        (b"", "the document at {url} is not a service definition: it is empty"),
        (
            definition(operations=["login", "logout"]),
            "the definition at {url} cannot be used: port port0 (SOAP 1.1): it lacks the operation sendSms; it has ",
        ),
        (
            definition(operations=["sendSms", "getRestMoney", "getSmsReport"]),
            "the definition at {url} cannot be used: port port0 (SOAP 1.1): it lacks the operation getRecvSMS; it has ",
        ),
        (
            definition(extra='<import namespace="u" location="http://elsewhere.invalid/a.wsdl"/>'),
            "the definition at {url} imports http://elsewhere.invalid/a.wsdl from another server",
        ),
        (
            definition(schema='<x:import namespace="u" schemaLocation="file:///etc/passwd"/>'),
            "the definition at {url} imports file:///etc/passwd from another server",
        ),
        (
            definition().replace(b"?><", b'?><!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]><', 1),
            "the document at {url} is not a service definition: it has a DOCTYPE",
        ),
        (
            definition().replace(
                b"?><",
                b'?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">'
                + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(20))
                + b"]><",
                1,
            ),
            "the document at {url} is not a service definition: it ",
        ),
        (
            definition(extra='<import namespace="urn:gateway" location="userApi?wsdl"/>'),
            "the definition at {url} has an import cycle: {url}",
        ),
        (b"<a>" * 100_000, "the document at {url} is not a service definition: it is not well-formed XML"),
    ],
    ids=[
        *("html", "broken-html", "empty", "another", "lacking", "elsewhere", "file", "doctype", "bomb"),
        *("circle", "deep"),
    ],
)
def test_what_and_where(document: bytes, says: str, make: Make, serve: Serve) -> None:
    server = serve(answering(reply(document), reply(b"", "404 Not Found")))
    url = f"{server.url}/services/userApi?wsdl"
    error = refusal(make(server.url))
    assert str(error).startswith(says.format(url=url))
    assert error.source == url
    # Where another server was meant, this one was asked for the same path.
    asked = [request.split(b" HTTP")[0] for request in server.requests]
    assert asked[0] == b"GET /services/userApi?wsdl"
    assert len(asked) == (2 if "another server" in says else 1)


def test_a_huge_one_is_left_where_it_is(make: Make, serve: Serve) -> None:
    sent = 0

    def handle(server: RawServer, connection: socket.socket) -> None:
        nonlocal sent
        server.read_request(connection)
        connection.sendall(reply(b"<definitions>", length=200 << 20))
        piece = b" " * 65536
        while sent < 200 << 20:
            connection.sendall(piece)
            sent += len(piece)

    server = serve(handle)
    error = refusal(make(server.url))
    url = f"{server.url}/services/userApi?wsdl"
    assert str(error).startswith(f"cannot get the definition at {url}, nothing was sent: ")
    assert "4,194,304" in str(error)
    # What the sockets' buffers hold besides depends on the system.
    assert sent < 100 << 20


def test_a_chain_without_end_is_given_up(make: Make, serve: Serve) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            number = int(request.split(b" ")[1].rpartition(b"=")[2]) if b"xsd=" in request else 0
            include = f'<x:include schemaLocation="/services/userApi?xsd={number + 1}"/>'
            schema = f'<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema">{include}</x:schema>'
            connection.sendall(reply(schema.encode() if number else definition(schema=include)))

    server = serve(handle)
    url = f"{server.url}/services/userApi?wsdl"
    assert str(refusal(make(server.url))) == f"the definition at {url} imports more than 32 documents"
    assert len(server.requests) == 32


def test_a_circle_of_definitions_is_told(make: Make, serve: Serve) -> None:
    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            number = int(request.split(b" ")[1].rpartition(b"=")[2]) if b"wsdl=" in request else 0
            location = f"/services/userApi?wsdl={number % 2 + 1}"
            connection.sendall(reply(definition(extra=f'<import namespace="urn:other" location="{location}"/>')))

    server = serve(handle)
    url = f"{server.url}/services/userApi?wsdl"
    assert str(refusal(make(server.url))) == (f"the definition at {url} has an import cycle: {url}, {url}=1, {url}=2")


def test_a_circle_of_schemas_is_none_of_ours(make: Make, serve: Serve) -> None:
    """XML Schema allows it, and real services do it."""
    include = '<x:include schemaLocation="/services/userApi?xsd=1"/>'
    start = '<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:gateway">'

    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            schema = f"{start}{include}</x:schema>"
            connection.sendall(reply(schema.encode() if b"xsd=" in request else definition(schema=include)))

    make(serve(handle).url).prepare()


def test_a_redirect_to_another_host_is_not_followed(make: Make, serve: Serve) -> None:
    other = serve(answering(reply(definition())))
    server = serve(answering(reply(b"", "302 Found", f"Location: {other.url}/services/userApi?wsdl")))
    url = f"{server.url}/services/userApi?wsdl"
    assert str(refusal(make(server.url))) == (
        f"the definition at {url} redirects to another server: {other.url}/services/userApi?wsdl"
    )
    assert not other.connections


def test_nor_one_from_https_to_http(make: Make, serve: Serve, tls: ssl.SSLContext, authority_file: Path) -> None:
    other = serve(answering(reply(definition())))
    location = f"Location: {other.url}/services/userApi?wsdl"
    server = serve(over_tls(tls, answering(reply(b"", "301 Moved Permanently", location))))
    base = server.url.replace("http:", "https:")
    error = refusal(make(base, verify=str(authority_file)))
    assert f"the definition at {base}/services/userApi?wsdl redirects to another server: {other.url}/" in str(error)
    assert not other.connections


def test_a_gateway_that_is_not_there_is_told_once(make: Make) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        with pytest.raises(NotSentError) as caught:
            make(f"http://{address}").send(MOBILE, TEXT)
        assert str(caught.value) == f"nothing was sent to {address}: the connection was refused"
