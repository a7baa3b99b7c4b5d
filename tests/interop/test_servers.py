"""The client against real servers: what is sent arrives, what they answer is understood.

``servers/common/interop/Gateway.java`` says what the usernames are for.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator

import pytest

from jzysoap import Channel, Client, DeliveryStatus, InvalidMessageError, MalformedReplyError, SoapFaultError
from jzysoap.definition import source as wsdl
from jzysoap.definition.bindings import Bindings, changes
from jzysoap.definition.collect import collect, drive
from jzysoap.definition.compiler import compile_bindings
from jzysoap.model.errors import GatewayError, InsufficientBalanceError
from tests.interop.alterations import ARRIVES, RETURNS, TEXTS
from tests.interop.describe import describe
from tests.interop.ledger import LEDGER
from tests.interop.stacks import Service
from tests.kit.definitions import fetch

pytestmark = pytest.mark.interop

PASSWORD = "päss密码1"
ENCODED = base64.b64encode(PASSWORD.encode()).decode()

Connect = Callable[[str], Client]


@pytest.fixture
def connect(service: Service) -> Iterator[Connect]:
    """Makes clients of the service, by username."""
    clients: list[Client] = []

    def connect(username: str) -> Client:
        clients.append(Client(service.url, username, PASSWORD, cache_dir=False))
        return clients[-1]

    service.server.received()
    yield connect
    for client in clients:
        client.close()


# What the names of sendSms's arguments are in the live definition.
DOCUMENTED = ("username", "password", "smstype", "content", "mobile", "isLongSms", "extenno")
NUMBERED = {"cxf": "arg", "jaxws-ri": "arg"}
NODEBUG = {"axis2-1.6": "args", "axis2-1.8": "args", "xfire": "in", "axis": "in"}
BUNDLED = {
    "axis2-1.6/six": "axis2-1.6.2",
    "axis2-1.6/seven": "axis2-1.6.2-7param",
    "cxf/six": "cxf-3.3.2-jaxws",
    "jaxws-ri/six": "jaxws-ri-2.3.0.2",
    "jaxws-ri/soap12": "jaxws-ri-2.3.0.2-soap12",
    "php/six": "php-soap-rpcenc",
}
# Recorded from a class with other arguments, or compiled otherwise: the names are its own, the form is the stack's.
FORMS = {
    "axis2-1.6/nodebug": "axis2-1.6.2-nodebug",
    "cxf/named": "cxf-3.3.2-jaxws-sei-webparam",
    "xfire/nodebug": "xfire-1.2.6",
    "axis/nodebug": "axis-1.4-wrapped",
    "axis/rpc": "axis-1.4-rpcenc",
}


def namespace(document: bytes) -> bytes:
    found = re.search(rb"targetNamespace=[\"']([^\"']+)", document)
    assert found is not None
    return found[1]


def form(bindings: Bindings) -> object:
    """The parts of the messages that the stack decides: version, order, qualified, typed, encoded."""
    heads = {name: operation.pieces[0] for name, operation in bindings.templates.items()}
    return bindings.soap, {
        name: (
            bindings.templates[name].slots[:6],
            b":" in head.rpartition(b"<")[2].split(b">")[0].split(b" ")[0],
            b":type=" in head.rpartition(b"<")[2],
            b"encodingStyle" in head,
        )
        for name, head in heads.items()
    }


def test_definition(service: Service, connect: Connect) -> None:
    """The live one, which the client loads; the table has it from here."""
    url = service.url + wsdl.PATH
    documents = drive(collect(url), fetch)
    facts = describe(service, documents)
    LEDGER.facts[service.name] = facts
    stem = (NODEBUG if service.path == "nodebug" else NUMBERED).get(service.stack.name)
    count = 7 if service.extends else 6
    named = stem is None or service.path == "named"
    assert facts.arguments == (DOCUMENTED[:count] if named else tuple(f"{stem}{number}" for number in range(count)))
    encoded = "rpc" in service.path or service.stack.name == "php"
    assert facts.style == ("rpc/encoded" if encoded else "document/literal")
    assert (facts.documents > 1) == (service.stack.name == "jaxws-ri" or service.name == "cxf/named")
    connect("admin").prepare()
    if service.name in BUNDLED:
        # What is shipped still asks for the same as what this stack generates, but for the namespace, which is that of
        # the class behind the service.
        shipped = wsdl.get(f"bundled:{BUNDLED[service.name]}", fetch)
        old, new = (namespace(one) for one in (shipped.documents[shipped.url], documents[url]))
        renamed = {where: document.replace(old, new) for where, document in shipped.documents.items()}
        assert changes(compile_bindings(shipped.url, renamed), compile_bindings(url, documents)) == []
    if service.name in FORMS:
        shipped = wsdl.get(f"bundled:{FORMS[service.name]}", fetch)
        shape = form(compile_bindings(shipped.url, shipped.documents))
        assert shape == form(compile_bindings(url, documents))


def test_operations(service: Service, connect: Connect) -> None:
    client = connect("admin")
    sent = client.send(["13800000000", "13800000001"], "你好，世界", channel=Channel.MEMBER)
    assert sent.batch_id is not None
    assert sent.batch_id.isdigit()
    balance = client.balance()
    assert (balance.member, balance.gateway, balance.card) == (684, 49919, 49964)
    reports = client.reports()
    assert [(one.mobile, one.username, one.batch_id, one.status) for one in reports] == [
        ("13800000000", "admin", "337017332", DeliveryStatus.FAILED),
        ("13800000001", "admin", "337017332", DeliveryStatus.DELIVERED),
    ]
    (reply,) = client.replies()
    assert (reply.mobile, reply.receiver, reply.text) == ("13800000000", "admin", "你谁啊?")
    arguments = ("admin", ENCODED, "2", "你好，世界", "13800000000,13800000001", "0", *[""] * service.extends)
    assert service.server.received() == [
        ("sendSms", arguments),
        *((operation, ("admin", ENCODED)) for operation in ("getRestMoney", "getSmsReport", "getRecvSMS")),
    ]


def test_arguments(service: Service, connect: Connect) -> None:
    client, text = connect("admin"), "长" * 71
    if service.extends:
        client.send("13800000000", text, channel=Channel.CARD, extension="08")
    else:
        with pytest.raises(InvalidMessageError, match="extension cannot be sent"):
            client.send("13800000000", text, extension="08")
        assert service.server.received() == []
        client.send("13800000000", text, channel=Channel.CARD)
    arguments = ("admin", ENCODED, "0", text, "13800000000", "1", *["08"] * service.extends)
    assert service.server.received() == [("sendSms", arguments)]


@pytest.mark.parametrize("kind", TEXTS)
def test_texts(service: Service, connect: Connect, kind: str) -> None:
    client, text = connect("echo"), TEXTS[kind]
    arrives = ARRIVES.get((service.stack.name, kind), text)
    returns = RETURNS.get((service.stack.name, kind), arrives)
    client.send("13800000000", text)
    ((_, (_, _, _, arrived, *_)),) = service.server.received()
    assert arrived == arrives
    with pytest.raises(GatewayError) as caught:
        client.replies()
    assert caught.value.text == f"[{returns}]"


@pytest.mark.parametrize("username", ["null", "empty"])
def test_null_and_empty(connect: Connect, username: str) -> None:
    client = connect(username)
    with pytest.raises(MalformedReplyError, match="not the result of a send") as caught:
        client.send("13800000000", "你好")
    assert caught.value.may_have_been_sent
    with pytest.raises(MalformedReplyError, match="not a balance"):
        client.balance()
    assert not client.reports()
    assert not client.replies()


def test_failure(connect: Connect) -> None:
    client = connect("fail")
    calls: list[Callable[[], object]] = [
        lambda: client.send("13800000000", "你好"),
        client.balance,
        client.reports,
        client.replies,
    ]
    for call in calls:
        with pytest.raises(InsufficientBalanceError) as caught:
            call()
        assert caught.value.text == "余额不足"


def test_fault(connect: Connect) -> None:
    client = connect("fault")
    calls: list[Callable[[], object]] = [
        lambda: client.send("13800000000", "你好"),
        client.balance,
        client.reports,
        client.replies,
    ]
    for call in calls:
        with pytest.raises(SoapFaultError) as caught:
            call()
        assert "the database is gone" in caught.value.text
        assert caught.value.may_have_been_sent


def test_five_megabytes(connect: Connect) -> None:
    (reply,) = connect("big").replies()
    assert reply.text == "五" * 1_875_000


def test_a_hundred_thousand_reports(connect: Connect) -> None:
    reports = connect("reports").reports()
    assert len(reports) == 100_000
    assert not reports.rejected
    assert [one.mobile for one in reports] == [str(13800000000 + number) for number in range(100_000)]
    statuses = (DeliveryStatus.FAILED, DeliveryStatus.DELIVERED, DeliveryStatus.UNKNOWN)
    assert all(one.status is statuses[number % 3] for number, one in enumerate(reports))
