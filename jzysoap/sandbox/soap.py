"""The sandbox's web service: envelopes to questions, result strings to envelopes (docs/protocol.md#web-service).

The form of its answers and faults is that of Axis2 1.6.2, as recorded in tests/recorded; the names in them come from
the definition. Nothing here does I/O.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from jzysoap.definition.bindings import ENVELOPES, XSI
from jzysoap.sandbox.definition import ServedDefinition, strict_parser
from jzysoap.sandbox.question import Question, decode_password

SOAP11, SOAP12 = ENVELOPES["1.1"], ENVELOPES["1.2"]

_NIL = f"{{{XSI}}}nil"
_FAULT_ACTION = "http://www.w3.org/2005/08/addressing/soap/fault"

_DECLARED = re.compile(rb"<\?xml[^>]*?\bencoding\s*=\s*[\"']([\w.-]+)[\"']")
# Some of Python's codecs are not charsets, such as unicode_escape.
_CHARSETS = ("utf", "gb", "big5", "iso8859", "cp125", "ascii")

# The first alternative skips CDATA, in which a character reference is plain text. One that is not closed is skipped to
# the end: searched for from each of them, the time would grow with the square of their number.
_PAIRS = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|&#(x[0-9a-fA-F]{4,8}|[0-9]{5,8});&#(x[0-9a-fA-F]{4,8}|[0-9]{5,8});", re.DOTALL
)


class FaultError(Exception):
    """A request that is answered with a fault.

    Args:
        text: the faultstring.
        version: the SOAP namespace of the answer.
        operation: the operation that was asked for, if it is known.
    """

    def __init__(self, text: str, *, version: str = SOAP11, operation: str | None = None) -> None:
        super().__init__(text)
        self.version = version
        self.operation = operation


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request that was read.

    Attributes:
        version: its SOAP namespace.
        question: the call in it.
    """

    version: str
    question: Question = field(repr=False)


def read_request(body: bytes, content_type: str, definition: ServedDefinition, url: str) -> Envelope:
    """Read an envelope.

    Args:
        body: its bytes.
        content_type: the header, with the charset.
        definition: the definition, with the operations that may be asked for.
        url: the address that it was sent to, for the text of a fault.

    Raises:
        FaultError: the envelope cannot be read, or asks for an unknown operation.
    """
    media, _, parameters = content_type.partition(";")
    expected = {"text/xml": SOAP11, "application/soap+xml": SOAP12}.get(media.strip().lower())
    version = expected or SOAP11
    try:
        root: Any = etree.fromstring(read_text(body, parameters), strict_parser(encoding="utf-8"))
    except (etree.XMLSyntaxError, UnicodeError, LookupError) as error:
        raise FaultError(f"org.apache.axiom.om.OMException: {error}", version=version) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise FaultError("SOAP message MUST NOT contain a Document Type Declaration(DTD)", version=version)
    name = etree.QName(root)
    if name.localname != "Envelope" or name.namespace not in (SOAP11, SOAP12):
        raise FaultError(
            "First Element must contain the local name, Envelope , but found " + name.localname, version=version
        )
    if expected not in (None, name.namespace):
        raise FaultError(
            f"Transport level information does not match with SOAP Message namespace URI {name.namespace}",
            version=version,
        )
    version = name.namespace
    wrapper = root.find(f"{{{version}}}Body/*")
    if wrapper is None:
        raise FaultError(f"The endpoint reference (EPR) for the Operation not found is {url}", version=version)
    return Envelope(version, _question(wrapper, definition, url, version))


def build_response(envelope: Envelope, result: str | None, definition: ServedDefinition) -> tuple[str, bytes]:
    """Return the Content-Type and the body of an answer; its result is nil for None."""
    operation = definition.operations[envelope.question.operation]
    nil = f' xmlns:xsi="{XSI}" xsi:nil="true" />'
    held = nil if result is None else f">{_escape(result)}</ns:{operation.result}>"
    content = (
        f'<ns:{operation.response} xmlns:ns="{definition.namespace}">'
        f"<ns:{operation.result}{held}</ns:{operation.response}>"
    )
    return _envelope(envelope.version, content, operation.action)


def build_fault(fault: FaultError) -> tuple[str, bytes]:
    """Return the Content-Type and the body of a fault, whose HTTP status is 500."""
    text = _escape(str(fault))
    if fault.version == SOAP12:
        content = (
            "<soapenv:Fault><soapenv:Code><soapenv:Value>soapenv:Receiver</soapenv:Value></soapenv:Code>"
            f'<soapenv:Reason><soapenv:Text xml:lang="en-US">{text}</soapenv:Text></soapenv:Reason>'
            "<soapenv:Detail /></soapenv:Fault>"
        )
    else:
        content = (
            f"<soapenv:Fault><faultcode>soapenv:Server</faultcode><faultstring>{text}</faultstring>"
            "<detail /></soapenv:Fault>"
        )
    return _envelope(fault.version, content, _FAULT_ACTION)


def read_text(body: bytes, parameters: str) -> bytes:
    """Return an envelope in UTF-8, with each pair of surrogate references joined: XML forbids them, Axis 1 writes them.

    Args:
        body: the bytes of the envelope.
        parameters: those of the Content-Type, with the charset.

    Raises:
        UnicodeError, LookupError: the bytes are not in their charset, or that is unknown.
    """
    charset = re.search(r"charset\s*=\s*[\"']?([^\s\"';]+)", parameters, re.IGNORECASE)
    declared = _DECLARED.match(body)
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif charset is not None:
        encoding = charset[1]
    else:
        encoding = declared[1].decode() if declared else "utf-8"
    if not codecs.lookup(encoding).name.startswith(_CHARSETS):
        raise LookupError(f"unknown encoding: {encoding}")
    text = body.decode(encoding).removeprefix("\ufeff")
    return _PAIRS.sub(_join_pair, text).encode()


def _question(wrapper: Any, definition: ServedDefinition, url: str, version: str) -> Question:
    name = etree.QName(wrapper)
    operation = definition.operations.get(name.localname)
    if operation is None:
        raise FaultError(
            f"The endpoint reference (EPR) for the Operation not found is {url} and the WSA Action = "
            f"urn:{name.localname}. If this EPR was previously reachable, please contact the server administrator.",
            version=version,
        )
    if name.namespace != definition.namespace:
        raise FaultError(
            f"namespace mismatch require {definition.namespace} found {name.namespace or 'none'}",
            version=version,
            operation=name.localname,
        )
    arguments = {
        argument.localname: "".join(child.itertext())
        for child in wrapper
        if (argument := etree.QName(child)).localname in operation.arguments and child.get(_NIL) not in ("true", "1")
    }
    return Question(name.localname, arguments, decode_password(arguments.get("password", "")) or b"", "soap")


def _envelope(version: str, content: str, action: str) -> tuple[str, bytes]:
    if version == SOAP12:
        content_type, encoding = f'application/soap+xml; charset=utf-8; action="{action}"', "utf-8"
    else:
        content_type, encoding = "text/xml;charset=utf-8", "UTF-8"
    return content_type, (
        f"<?xml version='1.0' encoding='{encoding}'?><soapenv:Envelope xmlns:soapenv=\"{version}\">"
        f"<soapenv:Body>{content}</soapenv:Body></soapenv:Envelope>"
    ).encode()


def _escape(text: str) -> str:
    """Escape a text as Axis2 does: a single ``>`` stays."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("]]>", "]]&gt;")
    return escaped.replace("\r", "&#xd;")


def _join_pair(pair: re.Match[str]) -> str:
    if pair[1] is None:
        return pair[0]
    high, low = (int(digits[1:], 16) if digits[0] == "x" else int(digits) for digits in pair.groups())
    if not (0xD800 <= high < 0xDC00 <= low < 0xE000):
        return pair[0]
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
