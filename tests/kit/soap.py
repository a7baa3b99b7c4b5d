"""SOAP as servers write it: bare envelopes, and the answers and faults of Axis2."""

from __future__ import annotations

from typing import Literal
from xml.sax.saxutils import escape

from tests.kit.servers import reply

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

NAMESPACE = "http://pojo7.service.sms.com"
"""The namespace of the bundled definition."""


def bare_envelope(inside: str, version: str = SOAP_11) -> str:
    """An envelope around any content of its body; the prefix ``s`` is SOAP's, ``i`` is ``XSI``."""
    return f'<s:Envelope xmlns:s="{version}" xmlns:i="{XSI}"><s:Body>{inside}</s:Body></s:Envelope>'


def envelope(text: str | None, operation: str = "sendSms") -> bytes:
    """An answer as Axis2 writes it; nil for None."""
    result = '<ns:return xsi:nil="true"/>' if text is None else f"<ns:return>{escape(text)}</ns:return>"
    return (
        "<?xml version='1.0' encoding='UTF-8'?>"
        f'<soapenv:Envelope xmlns:soapenv="{SOAP_11}"><soapenv:Body>'
        f'<ns:{operation}Response xmlns:ns="{NAMESPACE}" xmlns:xsi="{XSI}">'
        f"{result}</ns:{operation}Response></soapenv:Body></soapenv:Envelope>"
    ).encode()


def soap(text: str | None, operation: str = "sendSms", status: str = "200 OK") -> bytes:
    """The bytes of an HTTP reply with an answer as Axis2 writes it."""
    return reply(envelope(text, operation), status)


def fault(text: str = "java.lang.NullPointerException", version: Literal["1.1", "1.2"] = "1.1") -> bytes:
    """A fault as Axis2 writes it."""
    if version == "1.1":
        namespace = SOAP_11
        inside = f"<faultcode>soapenv:Server</faultcode><faultstring>{escape(text)}</faultstring><detail/>"
    else:
        namespace = SOAP_12
        inside = (
            "<soapenv:Code><soapenv:Value>soapenv:Receiver</soapenv:Value></soapenv:Code>"
            f'<soapenv:Reason><soapenv:Text xml:lang="en-US">{escape(text)}</soapenv:Text></soapenv:Reason>'
            "<soapenv:Detail/>"
        )
    return (
        f'<soapenv:Envelope xmlns:soapenv="{namespace}"><soapenv:Body><soapenv:Fault>{inside}</soapenv:Fault>'
        "</soapenv:Body></soapenv:Envelope>"
    ).encode()
