"""Both clients against servers that answer as the recorded stacks did, and as deployments with odd definitions do."""

from __future__ import annotations

import re
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lxml import etree

from jzysoap import MalformedReplyError, Outcome, WsdlError
from tests.kit.definitions import DOCUMENTED, definition
from tests.kit.facade import KINDS, Facade, Kind
from tests.kit.recordings import USABLE, load
from tests.kit.samples import MOBILE, TEXT
from tests.kit.servers import RawServer, reply
from tests.kit.soap import SOAP_11, SOAP_12, bare_envelope
from tests.wire.conftest import Serve, body_of, headers_of

TEXT_AT_ITS_WORST = "【签】 & < > ]]>\r\n\t😀 "
Make = Callable[..., Facade]


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


def called(request: bytes) -> tuple[str, dict[str, str], str]:
    """The operation of a request, its arguments by the names on the wire, and its envelope's namespace."""
    root = etree.fromstring(body_of(request))
    ((call,),) = root
    arguments = {etree.QName(child).localname: child.text or "" for child in call}
    return etree.QName(call).localname, arguments, str(etree.QName(root).namespace)


def playing(name: str) -> Callable[[RawServer, socket.socket], None]:
    """A handler that serves a stack's definition, moved to where it is now, and answers calls as the stack did."""
    stack = load(name)
    host = re.match("http://[^/]+", stack.url)
    assert host is not None

    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            if request.startswith(b"GET "):
                query = request.split(b" ")[1].partition(b"?")[2].decode()
                (found,) = [document for url, document in stack.documents.items() if url.partition("?")[2] == query]
                # Its soap:address names a host that is none of ours, as that of a deployment behind a gateway does.
                moved = found.replace(b'location="' + host[0].encode(), b'location="' + server.url.encode())
                moved = re.sub(rb'address location="[^"]*"', b'address location="http://10.0.0.1/internal"', moved)
                connection.sendall(
                    reply(moved.replace(b'Location="' + host[0].encode(), b'Location="' + server.url.encode()))
                )
            else:
                answer = stack.response(called(request)[0])
                kind = f"Content-Type: {answer.headers['content-type']}"
                connection.sendall(reply(answer.body, "200 OK", kind))

    return handle


@pytest.mark.parametrize("name", USABLE)
def test_every_recorded_stack_is_understood(name: str, make: Make, serve: Serve) -> None:
    server = serve(playing(name))
    client = make(server.url)
    sent = client.send(MOBILE, TEXT)
    assert [batch.outcome for batch in sent.batches] == [Outcome.ACCEPTED]
    assert sent.batch_id == "337017332"
    assert client.balance().gateway == 49919
    assert len(client.reports()) >= 1
    # What the recorded services answered here is another document than the gateway's.
    with pytest.raises(MalformedReplyError, match="not a <smsrerecv> document") as caught:
        client.replies()
    assert b"xOPLrbChPw==" in (caught.value.raw or b"")
    posts = [request for request in server.requests if request.startswith(b"POST ")]
    assert [called(request)[0] for request in posts] == ["sendSms", "getRestMoney", "getSmsReport", "getRecvSMS"]
    port = load(name).meta["ports"][0]
    for request in posts:
        operation, _, namespace = called(request)
        action = port["operations"][operation]["soapaction"] or ""
        headers = headers_of(request)
        assert request.startswith(b"POST /services/userApi HTTP/1.1\r\n")
        if name == "jaxws-ri-2.3.0.2-soap12":
            told = f'; action="{action}"' if action else ""
            assert headers["content-type"] == f"application/soap+xml; charset=utf-8{told}"
            assert "soapaction" not in headers
            assert namespace == SOAP_12
        else:
            assert headers["content-type"] == "text/xml; charset=utf-8"
            assert headers["soapaction"] == f'"{action}"'
            assert namespace == SOAP_11


def answering(document: bytes, version: str = SOAP_11) -> Callable[[RawServer, socket.socket], None]:
    """A handler that serves a definition and accepts every call."""
    accepted = bare_envelope("<r><return>success;1</return></r>", version).encode()

    def handle(server: RawServer, connection: socket.socket) -> None:
        while request := server.read_request(connection):
            if request.startswith(b"GET "):
                connection.sendall(reply(document))
            else:
                connection.sendall(reply(accepted, "200 OK", "Content-Type: application/soap+xml; charset=utf-8"))

    return handle


WANTED = {
    "username": "admin",
    "password": "cHcxMjM=",
    "smstype": "1",
    "content": TEXT_AT_ITS_WORST,
    "mobile": MOBILE,
    "isLongSms": "0",
    "extenno": "007",
}


@pytest.mark.parametrize("action", ["urn:{}", ""])
def test_a_deployment_with_soap_12_alone(action: str, make: Make, serve: Serve) -> None:
    server = serve(answering(definition(arguments=DOCUMENTED, ports=["http", "1.2"], action=action), SOAP_12))
    assert make(server.url, extension="007").send(MOBILE, TEXT_AT_ITS_WORST).batch_id == "1"
    request = server.requests[-1]
    assert called(request) == ("sendSms", WANTED, SOAP_12)
    told = '; action="urn:sendSms"' if action else ""
    assert headers_of(request)["content-type"] == f"application/soap+xml; charset=utf-8{told}"
    assert "soapaction" not in headers_of(request)


@pytest.mark.parametrize(
    "order", [(6, 5, 4, 3, 2, 1, 0), (1, 0, 3, 4, 2, 6, 5), (0, 1, 4, 3, 2, 5)], ids=["reversed", "mixed", "without"]
)
def test_another_order_by_name_gets_the_right_values_in_the_right_places(
    order: tuple[int, ...], make: Make, serve: Serve
) -> None:
    server = serve(answering(definition(arguments=[DOCUMENTED[place] for place in order])))
    make(server.url, extension="007" if 6 in order else "").send(MOBILE, TEXT_AT_ITS_WORST)
    operation, arguments, _ = called(server.requests[-1])
    names = [DOCUMENTED[place].split(" ")[1] for place in order]
    assert operation == "sendSms"
    assert list(arguments.items()) == [(name, WANTED[name]) for name in names]


def test_another_order_by_position_is_refused_with_both_signatures(make: Make, serve: Serve) -> None:
    kinds = ["string", "string", "string", "string", "int", "int"]
    server = serve(answering(definition(arguments=[f"{kind} arg{place}" for place, kind in enumerate(kinds)])))
    with pytest.raises(WsdlError) as caught:
        make(server.url).send(MOBILE, TEXT)
    said = str(caught.value)
    assert "wanted string username, string password, int smstype, string content, string mobile, int isLongSms" in said
    assert "found string arg0, string arg1, string arg2, string arg3, int arg4, int arg5" in said
    assert not caught.value.may_have_been_sent
    assert [request.split(b" ")[0] for request in server.requests] == [b"GET"]
    # Unless the caller knows better.
    order = ["username", "password", "content", "mobile", "smstype", "isLongSms"]
    make(server.url, arguments=order).send(MOBILE, TEXT)
    _, arguments, _ = called(server.requests[-1])
    assert list(arguments.values()) == ["admin", "cHcxMjM=", TEXT, MOBILE, "1", "0"]


def test_several_services_and_ports_with_the_plain_one_first(make: Make, serve: Serve) -> None:
    document = definition(ports=["http", "1.2", "1.1", "1.1"])
    (first, last) = (re.search(rb'<port name="port%d".*?</port>' % place, document) for place in (0, 1))
    assert first is not None
    assert last is not None
    service = b'<service name="admin">' + first[0] + last[0] + b"</service>"
    server = serve(answering(document.replace(b"<service ", service + b"<service ", 1)))
    assert make(server.url).send(MOBILE, TEXT).batch_id == "1"
    assert called(server.requests[-1])[2] == SOAP_11
    assert b"10.0.0.1" in document


def test_a_definition_split_in_three_works_from_its_saved_copy(make: Make, serve: Serve, tmp_path: Path) -> None:
    """wsdl:import of what has the messages, which includes a schema: all is saved, and none of it asked for again."""
    whole = definition()
    types = re.search(rb"<x:schema .*?</x:schema>", whole, re.DOTALL)
    assert types is not None
    schema = types[0].replace(b"<x:schema ", b'<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" ', 1)
    inside = whole.replace(
        types[0],
        b'<x:schema targetNamespace="urn:gateway"><x:include schemaLocation="userApi?xsd=1"/></x:schema>',
    )
    head, service = inside[: inside.index(b"<service ")], inside[inside.index(b"<service ") :]
    main = head[: head.index(b"<types>")] + b'<import namespace="urn:gateway" location="userApi?wsdl=1"/>' + service
    served = {b"wsdl": main, b"wsdl=1": head + b"</definitions>", b"xsd=1": schema}

    def handle(server: RawServer, connection: socket.socket) -> None:
        request = server.read_request(connection)
        if request.startswith(b"GET "):
            connection.sendall(reply(served[request.split(b" ")[1].partition(b"?")[2]], "200 OK", "Connection: close"))
        else:
            accepted = bare_envelope("<r><return>success;1</return></r>").encode()
            connection.sendall(reply(accepted, "200 OK", "Connection: close"))

    server = serve(handle)
    for _ in range(2):
        assert make(server.url, cache_dir=tmp_path / "cache").send(MOBILE, TEXT).batch_id == "1"
    assert [request.split(b" ")[0] for request in server.requests] == [b"GET"] * 3 + [b"POST"] * 2


DEEP = 100_000


@pytest.mark.parametrize(
    "body",
    [
        '<r><return href="#a"/></r><m id="a" href="#b"/><m id="b" href="#a"/>',
        '<r><return href="#a"/></r><m id="a" href="#a"/>',
        "<r><return>" + "<a>" * DEEP + "</a>" * DEEP + "</return></r>",
        "<a>" * DEEP + "</a>" * DEEP,
        "<r><return>" + "<a>" * DEEP,
    ],
    ids=["loop", "itself", "nested", "alone", "cut"],
)
def test_a_reply_that_leads_nowhere_costs_little(body: str, make: Make, serve: Serve) -> None:
    envelope = bare_envelope(body).encode()

    def handle(server: RawServer, connection: socket.socket) -> None:
        while server.read_request(connection):
            connection.sendall(reply(envelope))

    client = make(serve(handle).url, wsdl="bundled:axis-1.4-rpcenc")
    client.prepare()
    started = time.process_time()
    tracemalloc.start()
    try:
        for call in (client.balance, lambda: client.send(MOBILE, TEXT)):
            with pytest.raises(MalformedReplyError) as caught:
                call()
            assert caught.value.may_have_been_sent
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 10
