"""Every recorded answer is read to what its case says, and one that was cut off to what of it had come."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from jzysoap.calls import operations as calls
from jzysoap.client.session import Session
from jzysoap.definition.compiler import compile_bindings
from jzysoap.definition.source import Loaded
from jzysoap.interface import envelope
from jzysoap.interface.soap import read_usual
from jzysoap.model.errors import HttpStatusError, IncompletePollError, MalformedReplyError, SoapFaultError
from jzysoap.model.http import HttpReply
from jzysoap.model.sent import JzySoapError
from jzysoap.model.steps import Prepare, Steps, Work
from jzysoap.model.values import DeliveryReport, Poll
from jzysoap.settings.options import configure
from tests.kit.interfaces import SOAP
from tests.kit.recordings import STACKS, USABLE, load
from tests.kit.results import parse_balance, parse_reports, parse_send

BALANCE = "memberSmsNum=684;gateSmsNum=49919;kaSmsNum=49964"
REPORTS = (
    '<?xml version="1.0" encoding="utf-8" ?><smsreport><psreport><mobile>15275427712</mobile><username>admin</username>'
    "<smslogid>66</smslogid><status>1</status><sendtime>2012-08-16 01:05:39.0</sendtime></psreport></smsreport>"
)
# The stand-in's own document, not the vendor's.
REPLIES = (
    '<?xml version="1.0" encoding="utf-8" ?><smsrecv><psrecv><mobile>15275427712</mobile><username>admin</username>'
    "<content>xOPLrbChPw==</content><recvtime>2012-08-16 01:05:39.0</recvtime></psrecv></smsrecv>"
)
LOSES_CR = {"axis-1.4-rpcenc", "axis-1.4-wrapped", "mono-asmx", "nusoap-rpcenc"}
"""Stacks that write a carriage return as it is, so that XML's own rules take it away."""

BOOM = "服务器异常 boom <x>&"
DOTNET = "System.Web.Services.Protocols.SoapException: Server was unable to process request. ---> "
FAULTS = {
    "axis-1.4-rpcenc": ("soapenv:Server.userException", f"java.lang.IllegalStateException: {BOOM}"),
    "axis-1.4-wrapped": ("soapenv:Server.userException", f"java.lang.IllegalStateException: {BOOM}"),
    "axis2-1.6.2": ("soapenv:Server", BOOM),
    "axis2-1.6.2-7param": ("soapenv:Server", BOOM),
    "axis2-1.6.2-nodebug": ("soapenv:Server", BOOM),
    "cxf-3.3.2-jaxws": ("soap:Server", BOOM),
    "cxf-3.3.2-jaxws-sei-webparam": ("soap:Server", BOOM),
    "gsoap-doclit": ("SOAP-ENV:Server", BOOM),
    "jaxws-ri-2.3.0.2": ("S:Server", BOOM),
    "jaxws-ri-2.3.0.2-soap12": ("S:Receiver", BOOM),
    "mono-asmx": ("soap:Server", f"{DOTNET}System.InvalidOperationException: {BOOM}"),
    "nusoap-rpcenc": ("Server", BOOM),
    "perl-soaplite-named": ("soap:Server", BOOM),
    "spyne": ("soap11env:Server", BOOM),
    "xfire-1.2.6": ("soap:Client", BOOM),
}
"""The code and the first words of what a service's exception becomes."""


def recorded(stack: str, name: str) -> HttpReply:
    message = load(stack).response(name)
    return HttpReply(message.status, message.headers, message.body)


def cases(stacks: tuple[str, ...], *cases: str) -> pytest.MarkDecorator:
    """Every recorded answer of these cases, on whatever port."""
    found = [(stack, name) for stack in stacks for name in load(stack).responses() if name.partition(".")[0] in cases]
    return pytest.mark.parametrize(("stack", "name"), found, ids=[f"{stack}-{name}" for stack, name in found])


def test_every_recorded_answer_belongs_to_a_case_below() -> None:
    known = {
        *("sendSms", "sendSms_fault", "getRestMoney", "getRecvSMS", "getSmsReport", "getSmsReport_empty"),
        *("getSmsReport_fail", "getSmsReport_fault", "getSmsReport_null", "getSmsReport_soapfault"),
    }
    assert {name.partition(".")[0] for stack in STACKS for name in load(stack).responses()} == known
    assert set(FAULTS) == set(USABLE) - {"php-soap-rpcenc"}


@cases(USABLE, "sendSms")
def test_a_send_gives_its_result_exactly(stack: str, name: str) -> None:
    end = "\n" if stack in LOSES_CR else "\r\n"
    result = SOAP.read(recorded(stack, name))
    assert result == f"success;337017332{end}"
    assert parse_send(result) == "337017332"


@cases(USABLE, "getRestMoney")
def test_a_balance_gives_its_result(stack: str, name: str) -> None:
    result = SOAP.read(recorded(stack, name))
    assert result == BALANCE
    assert parse_balance(result).card == 49964


@cases(USABLE, "getSmsReport")
def test_delivery_reports_give_their_document(stack: str, name: str) -> None:
    result = SOAP.read(recorded(stack, name))
    assert result == REPORTS
    (report,) = parse_reports(result)
    assert (report.mobile, report.batch_id, report.raw_fields) == ("15275427712", "66", None)


@cases(USABLE, "getRecvSMS")
def test_replies_give_their_document(stack: str, name: str) -> None:
    assert SOAP.read(recorded(stack, name)) == REPLIES


@cases(USABLE, "getSmsReport_null")
def test_null_is_nil_however_it_is_spelled(stack: str, name: str) -> None:
    """``xsi:nil``, or the element is left out."""
    assert SOAP.read(recorded(stack, name)) is None


@cases(USABLE, "getSmsReport_empty")
def test_empty_is_empty(stack: str, name: str) -> None:
    assert SOAP.read(recorded(stack, name)) == ""


@cases(USABLE, "getSmsReport_fail")
def test_the_gateways_refusal_is_a_result(stack: str, name: str) -> None:
    assert SOAP.read(recorded(stack, name)) == "failure;余额不足"


@cases(tuple(FAULTS), "sendSms_fault", "getSmsReport_fault")
def test_an_exception_in_the_service_is_a_fault(stack: str, name: str) -> None:
    code, text = FAULTS[stack]
    if (stack, name) == ("spyne", "sendSms_fault"):
        text = "Internal Error"
    with pytest.raises(SoapFaultError) as caught:
        SOAP.read(recorded(stack, name))
    error = caught.value
    assert error.code == code
    assert error.text.startswith(text)
    assert (error.text == text) is (stack != "mono-asmx")
    assert error.actor is None
    assert (error.detail is None) is (not re.match("axis|mono|nusoap", stack))
    assert error.may_have_been_sent


@cases(("php-soap-rpcenc",), "sendSms_fault", "getSmsReport_fault")
def test_php_answers_a_plain_exception_with_nothing(stack: str, name: str) -> None:
    with pytest.raises(HttpStatusError) as caught:
        SOAP.read(recorded(stack, name))
    assert caught.value.status == 500
    assert caught.value.may_have_been_sent


def test_php_answers_a_soap_fault_with_a_fault() -> None:
    with pytest.raises(SoapFaultError) as caught:
        SOAP.read(recorded("php-soap-rpcenc", "getSmsReport_soapfault"))
    assert (caught.value.code, caught.value.text) == ("SOAP-ENV:Server", BOOM)


@cases(("axis-1.4-doc",), *load("axis-1.4-doc").responses())
def test_what_cannot_be_called_rightly_answered_with_faults(stack: str, name: str) -> None:
    with pytest.raises(SoapFaultError, match=r"No such operation|do not match the signature|Tried to invoke"):
        SOAP.read(recorded(stack, name))


# -- cut off ----------------------------------------------------------------------------------------------------------

RECORD = re.compile(r"<psreport>.*</psreport>")
NAMES = ("用户一", "A&amp;B", "用户三")


def several(write: Callable[[str], str]) -> Callable[[bytes], bytes]:
    """Make a recorded answer into one with three records, the inner document written in its way."""

    def change(body: bytes) -> bytes:
        names = iter(NAMES)
        three = RECORD.sub(lambda one: "".join(one[0].replace("admin", next(names)) for _ in NAMES), REPORTS)
        before, _, rest = body.decode().partition("&lt;?xml")
        after = rest[re.search(r"/smsreport(?:&gt;|>)", rest).end() :]  # type: ignore[union-attr]  # it is there
        return (before + write(three) + after).encode()

    return change


def _escaped(document: str) -> str:
    return document.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _half_escaped(document: str) -> str:
    return document.replace("&", "&amp;").replace("<", "&lt;")


def _referenced(document: str) -> str:
    return _escaped(document).replace('"', "&quot;").translate({ord("用"): "&#x7528;", ord("户"): "&#x6237;"})


def _cdata(document: str) -> str:
    return f"<![CDATA[{document}]]>"


def _embedded(document: str) -> str:
    return document.partition("?>")[2]


WAYS: tuple[tuple[str, Callable[[str], str], bytes], ...] = (
    ("axis2-1.6.2", _escaped, b"&lt;/psreport&gt;"),
    ("xfire-1.2.6", _half_escaped, b"&lt;/psreport>"),
    ("axis-1.4-rpcenc", _referenced, b"&lt;/psreport&gt;"),
    ("jaxws-ri-2.3.0.2-soap12", _cdata, b"</psreport>"),
    ("php-soap-rpcenc", _embedded, b"</psreport>"),
)


def cut(reply: HttpReply, length: int) -> Poll[DeliveryReport]:
    part = HttpReply(reply.status, reply.headers, reply.body[:length], "cut off")
    with pytest.raises(IncompletePollError) as caught:
        parse_reports(SOAP.read_part(part), complete=False)
    return caught.value.poll


@pytest.mark.parametrize(("stack", "write", "end"), WAYS, ids=[write.__name__ for _, write, _ in WAYS])
def test_a_poll_that_was_cut_off_anywhere_gives_the_records_that_had_come(
    stack: str, write: Callable[[str], str], end: bytes
) -> None:
    message = load(stack).response("getSmsReport")
    reply = HttpReply(message.status, message.headers, several(write)(message.body))
    whole = parse_reports(SOAP.read(reply)).records
    assert [one.username for one in whole] == ["用户一", "A&B", "用户三"]
    assert reply.body.count(end) == 3
    for length in range(len(reply.body) + 1):
        poll = cut(reply, length)
        assert poll.records == whole[: reply.body.count(end, 0, length)], length
        assert not poll.rejected


@cases(USABLE, "getSmsReport")
def test_every_recorded_poll_gives_its_record_once_its_end_has_come(stack: str, name: str) -> None:
    reply = recorded(stack, name)
    (whole,) = parse_reports(SOAP.read(reply)).records
    end = re.search(rb"&lt;/psreport(?:&gt;|>)", reply.body)
    assert end
    for length in range(end.start() - 20, len(reply.body) + 1):
        assert cut(reply, length).records == ((whole,) if length >= end.end() else ()), length


# -- what an error keeps ----------------------------------------------------------------------------------------------

PASSWORD, ENCODED = "pw123-of-the-account", "cHcxMjMtb2YtdGhlLWFjY291bnQ="


def ask(which: str, reply: HttpReply) -> Any:
    """One call of a client that gets this reply."""
    config = configure({"base_url": "http://gateway.invalid", "username": "test", "password": PASSWORD})
    session = Session(config)
    stack = load("axis2-1.6.2")
    bindings = compile_bindings(stack.url, stack.documents)
    steps: Steps[Any] = (
        session.call(calls.reports(config))
        if which == "poll"
        else session.send(calls.send(config, "13800000001", "短信"))
    )
    try:
        step = next(steps)
        while True:
            if isinstance(step, Prepare) and step.definition:
                session.use_definition(Loaded(bindings, "given"))
            step = steps.send(step.do() if isinstance(step, Work) else reply)
    except StopIteration as stop:
        return stop.value


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (HttpReply(500, {}, b"<p>%s %s</p>" + b"x" * 10_000), HttpStatusError),
        (HttpReply(200, {}, b"<html>%s %s</html>" + b"x" * 10_000), MalformedReplyError),
        (HttpReply(200, {}, b"x" * 4090 + b"%s %s"), MalformedReplyError),
        (HttpReply(200, {}, b"x" * 4070 + b"%s %s"), MalformedReplyError),
    ],
)
def test_an_error_keeps_little_of_a_sends_answer_and_nothing_secret_but_all_of_a_polls(
    reply: HttpReply, kind: type[JzySoapError]
) -> None:
    reply = HttpReply(reply.status, reply.headers, reply.body.replace(b"%s %s", f"{PASSWORD} {ENCODED}".encode()))
    with pytest.raises(kind) as caught:
        ask("send", reply)
    assert 0 < len(caught.value.raw) <= 4096
    for size in range(4, len(PASSWORD) + 1):
        assert PASSWORD[:size].encode() not in caught.value.raw
        assert ENCODED[:size].encode() not in caught.value.raw
    with pytest.raises(kind) as caught:
        ask("poll", reply)
    assert caught.value.raw == reply.body
    assert PASSWORD not in str(caught.value)
    assert ENCODED not in str(caught.value)


@cases(USABLE, "getSmsReport")
def test_a_poll_whose_connection_seemed_to_end_well_is_still_seen_to_be_cut_off(stack: str, name: str) -> None:
    whole = recorded(stack, name)
    with pytest.raises(IncompletePollError) as caught:
        ask("poll", HttpReply(whole.status, whole.headers, whole.body[:-12]))
    assert len(caught.value.poll) == 1
    assert caught.value.raw == whole.body[:-12]


@pytest.mark.parametrize("stack", USABLE)
def test_a_glance_sees_what_the_tree_says(stack: str) -> None:
    seen = {name: read_usual(recorded(stack, name).body) for name in load(stack).responses()}
    for name, text in seen.items():
        assert text is None or text == envelope.read(recorded(stack, name))
    assert seen["getRestMoney"] == BALANCE
