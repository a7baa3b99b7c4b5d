"""Subclasses with an optional argument and an optional operation that the vendor's page does not document.

Everything here is what the author of such a subclass would write: one table, one call and its parser, a method of each
client, and the sandbox's answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

import jzysoap
from jzysoap import (
    AsyncClient,
    AuthenticationError,
    Client,
    InvalidMessageError,
    MalformedReplyError,
    Outcome,
    Sent,
    WsdlError,
)
from jzysoap.calls import operations as calls
from jzysoap.calls.operations import Call
from jzysoap.definition.local import bundled
from jzysoap.definition.source import get
from jzysoap.model.operations import CREDENTIALS, OPERATIONS, Argument, Operation, Operations
from jzysoap.results.parse import Answer, unwanted_error
from jzysoap.sandbox import Question, Sandbox
from jzysoap.settings.options import Config, configure
from tests.kit.facade import Facade, Kind
from tests.kit.samples import MOBILE, SECOND_MOBILE

SEND = OPERATIONS["sendSms"]
TABLE: Operations = {
    **OPERATIONS,
    "sendSms": SEND._replace(
        arguments=(*SEND.arguments, Argument("templateId", optional=True, parameter="template_id"))
    ),
    "getBlacklist": Operation("getBlacklist", "getBlackList", "query", CREDENTIALS, definition="optional"),
}
BUNDLED = sorted(path.parent.name for path in Path(jzysoap.__file__).parent.parent.glob("wsdl/*/service.wsdl"))


@dataclass(frozen=True)
class Blacklist:
    """The numbers that want no messages."""

    mobiles: tuple[str, ...]


def blacklist(config: Config) -> Call[Blacklist]:
    """Ask for the blacklist."""
    return Call(config.operations["getBlacklist"], parse_blacklist)


def parse_blacklist(answer: Answer) -> Blacklist:
    text = (answer.text or "").strip()
    if not re.fullmatch("[0-9,]*", text):
        # A refusal, or an answer that is not documented.
        raise unwanted_error("a blacklist", answer)
    return Blacklist(tuple(text.split(",")))


class OtherClient(Client):
    operations = TABLE

    def send_template(self, mobile: str, text: str, template_id: str) -> Sent:
        plan = calls.send(self._config, mobile, text, more={"templateId": template_id})
        return self._run(self._session.send(plan))

    def blacklist(self) -> Blacklist:
        return self._run(self._session.call(blacklist(self._config)))


class OtherAsyncClient(AsyncClient):
    operations = TABLE

    async def send_template(self, mobile: str, text: str, template_id: str) -> Sent:
        plan = calls.send(self._config, mobile, text, more={"templateId": template_id})
        return await self._run(self._session.send(plan))

    async def blacklist(self) -> Blacklist:
        return await self._run(self._session.call(blacklist(self._config)))


class OtherSandbox(Sandbox):
    """A sandbox that has two numbers on its blacklist, and keeps the ``templateId`` of each send."""

    operations = TABLE

    def __init__(self, **options: Any) -> None:
        super().__init__(soap_batch_ids=True, **options)
        self.blacklist = f"{MOBILE},{SECOND_MOBILE}"
        self.template_ids: list[str | None] = []

    def answer(self, question: Question) -> str | None:
        if question.operation == "getBlacklist":
            self.gateway.check_password(question.username, question.password)
            return self.blacklist
        if question.operation == "sendSms":
            self.template_ids.append(question.arguments.get("templateId"))
        return super().answer(question)


class OtherFacade(Facade):
    """A client of either kind, with the new methods; its definition is the sandbox's."""

    def __init__(self, kind: Kind, sandbox: Sandbox, interface: str, **options: Any) -> None:
        defaults = {"password": "secret1", "wsdl": None, "interface": interface}
        super().__init__(kind, sandbox.url, "test", **{**defaults, **options})
        self.other: Any = self.client

    def __enter__(self) -> OtherFacade:
        return self

    def send_template(self, template_id: str) -> Sent:
        sent: Sent = self._do(self.other.send_template(MOBILE, "您的验证码是 1234", template_id))
        return sent

    def blacklist(self) -> Blacklist:
        found: Blacklist = self._do(self.other.blacklist())
        return found


def extend(document: bytes) -> bytes:
    """Add ``templateId`` and ``getBlacklist`` to the bundled definition."""
    extenno = b'<xs:element minOccurs="0" name="extenno" nillable="true" type="xs:string"/>'
    assert document.count(extenno) == 1
    document = document.replace(extenno, extenno + extenno.replace(b"extenno", b"templateId"))
    # Every part of getRestMoney, a second time under the other name.
    part = rb'<(xs:element|wsdl:message|wsdl:operation) name="getRestMoney\w*">.*?</\1>'
    document, count = re.subn(
        part, lambda match: match[0] + match[0].replace(b"getRestMoney", b"getBlacklist"), document, flags=re.DOTALL
    )
    # Two elements, two messages, and one operation in the port type and in each of three bindings.
    assert count == 8
    return document


EXTENDED = extend(bundled())


def no_fetch(url: str) -> NoReturn:
    pytest.fail(f"a bundled definition is complete, and yet {url} is asked for")


@pytest.fixture(params=[OtherClient, OtherAsyncClient], ids=lambda kind: kind.__name__)
def kind(request: pytest.FixtureRequest) -> Kind:
    value: Kind = request.param
    return value


@pytest.fixture(params=["soap", "servlet"])
def interface(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


def test_an_optional_argument_reaches_the_gateway(kind: Kind, interface: str) -> None:
    with OtherSandbox(definition=EXTENDED) as sandbox, OtherFacade(kind, sandbox, interface) as client:
        sent = client.send_template("7")
        # The method that knows nothing of the argument still works.
        client.send(MOBILE, "好")
    assert sent.batch_id == sandbox.gateway.sent[0].batch_id
    assert sandbox.template_ids[0] == "7"
    assert not sandbox.template_ids[1]
    assert [message.text for message in sandbox.gateway.sent] == ["您的验证码是 1234", "好"]


def test_an_optional_argument_that_the_definition_lacks_is_refused_before_anything_is_sent(kind: Kind) -> None:
    with OtherSandbox() as sandbox, OtherFacade(kind, sandbox, "soap") as client:
        with pytest.raises(InvalidMessageError, match="template_id cannot be sent") as caught:
            client.send_template("7")
    assert caught.value.field == "template_id"
    assert not caught.value.may_have_been_sent
    assert caught.value.result is not None
    assert [batch.outcome for batch in caught.value.result.batches] == [Outcome.NOT_SENT]
    assert [exchange.request_line.split(" ")[0] for exchange in sandbox.exchanges] == ["GET"]


def test_an_empty_optional_argument_can_always_be_sent(kind: Kind, interface: str) -> None:
    with OtherSandbox() as sandbox, OtherFacade(kind, sandbox, interface) as client:
        client.send_template("")
    assert len(sandbox.gateway.sent) == 1
    assert not sandbox.template_ids[0]


def test_an_optional_operation_returns_the_model_of_its_parser(kind: Kind, interface: str) -> None:
    with OtherSandbox(definition=EXTENDED) as sandbox, OtherFacade(kind, sandbox, interface) as client:
        assert client.blacklist() == Blacklist((MOBILE, SECOND_MOBILE))
        sandbox.blacklist = "<html>"
        with pytest.raises(MalformedReplyError, match="not a blacklist"):
            client.blacklist()
        assert client.balance().gateway == 1000


def test_a_refusal_of_an_optional_operation_has_its_error(kind: Kind, interface: str) -> None:
    with OtherSandbox(definition=EXTENDED) as sandbox, OtherFacade(kind, sandbox, interface, password="no") as client:
        with pytest.raises(AuthenticationError):
            client.blacklist()


def test_an_operation_that_the_definition_lacks_leaves_the_others_usable(kind: Kind) -> None:
    with OtherSandbox() as sandbox, OtherFacade(kind, sandbox, "soap") as client:
        with pytest.raises(WsdlError, match="no operation getBlacklist"):
            client.blacklist()
        assert client.balance().gateway == 1000
    with OtherSandbox() as sandbox, OtherFacade(kind, sandbox, "servlet") as client:
        assert client.blacklist() == Blacklist((MOBILE, SECOND_MOBILE))


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_definition_compiles_the_same_with_the_other_table(name: str) -> None:
    definition = get(f"bundled:{name}", no_fetch)
    assert definition.compile(name, operations=TABLE) == definition.compile(name)


@pytest.mark.parametrize("more", [{"templatId": "7"}, {"templateId": 7}, {"templateId": None}])
def test_an_argument_that_the_table_lacks_or_that_is_not_text_is_refused(more: dict[str, Any]) -> None:
    config = configure({"base_url": "http://gateway.invalid", "username": "u", "password": "p"}, TABLE)
    with pytest.raises(InvalidMessageError) as caught:
        calls.send(config, MOBILE, "您的验证码是 1234", more=more)
    assert caught.value.field == next(iter(more))


@pytest.mark.parametrize("kind", [OtherClient, OtherAsyncClient])
def test_an_argument_that_gbk_cannot_spell_is_refused_by_its_name(kind: Kind) -> None:
    with OtherSandbox() as sandbox, OtherFacade(kind, sandbox, "servlet") as client:
        with pytest.raises(InvalidMessageError) as caught:
            client.send_template("😀")
        assert caught.value.field == "template_id"
        assert sandbox.exchanges == ()
