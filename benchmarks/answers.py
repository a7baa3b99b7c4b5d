"""The bytes that the server answers with: the same for every contender. No I/O here."""

from __future__ import annotations

import base64
from functools import cache
from urllib.parse import parse_qs

NAMESPACE = "http://pojo7.service.sms.com"
"""Of the shipped definition."""

_CHUNK = 8192
_TEXT = base64.b64encode("收到，谢谢".encode("gbk")).decode()


def report(number: int) -> str:
    """One delivery report (vendor page, "获取下行状态报告接口")."""
    return (
        f"<psreport><mobile>1380000{number % 10000:04}</mobile><username>account</username>"
        f"<smslogid>{337017332 + number // 100}</smslogid><status>{number % 3}</status>"
        f"<sendtime>2012-08-16 {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.0</sendtime></psreport>"
    )


def inbound(number: int) -> str:
    """One reply (vendor page, "上行回复接口")."""
    return (
        f"<psrerecv><mobile>1380000{number % 10000:04}</mobile><receiver>account</receiver><content>{_TEXT}</content>"
        f"<sendtime>2012-08-16 {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.0</sendtime></psrerecv>"
    )


def result(operation: str, records: int, *, servlet: bool = False) -> str:
    """The result string of an operation."""
    if operation == "getRestMoney":
        return "memberSmsNum=684;gateSmsNum=49919;kaSmsNum=49964"
    if operation == "getSmsReport":
        return f'<?xml version="1.0" encoding="utf-8"?><smsreport>{"".join(map(report, range(records)))}</smsreport>'
    if operation == "getRecvSMS":
        return f'<?xml version="1.0" encoding="utf-8"?><smsrerecv>{"".join(map(inbound, range(records)))}</smsrerecv>'
    return "success;337017332" if servlet else "success"


@cache
def answer(operation: str, records: int, *, servlet: bool = False) -> bytes:
    """A whole HTTP reply: as Axis2 writes it over SOAP, plain over the servlet."""
    if servlet:
        body = result(operation, records, servlet=True).encode("gbk")
        kind = "text/html;charset=GBK"
    else:
        body = (
            "<?xml version='1.0' encoding='UTF-8'?>"
            '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
            f'<ns:{operation}Response xmlns:ns="{NAMESPACE}"><ns:return>{_escaped(operation, records)}</ns:return>'
            f"</ns:{operation}Response></soapenv:Body></soapenv:Envelope>"
        ).encode()
        # In chunks, as Axis2 does it.
        start = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml;charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunks = (body[place : place + _CHUNK] for place in range(0, len(body), _CHUNK))
        return start + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    return head(body, kind) + body


def _escaped(operation: str, records: int) -> str:
    # Its writer leaves a bare ">" alone.
    return result(operation, records).replace("&", "&amp;").replace("<", "&lt;")


def head(body: bytes, kind: str) -> bytes:
    """The head of an HTTP reply."""
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()


def answer_to(target: str, body: bytes, definition: bytes) -> bytes:
    """The reply to a request; the first part of its path says how many records a poll gets."""
    size, _, path = target.lstrip("/").partition("/")
    records = int(size) if size.isdigit() else 0
    if path.endswith("?wsdl"):
        return head(definition, "text/xml") + definition
    if path.startswith("servlet"):
        method = parse_qs(body.decode("ascii"))["method"][0]
        return answer({"sendSMS": "sendSms"}.get(method, method), records, servlet=True)
    start = body[:1024]
    for operation in ("getSmsReport", "getRecvSMS", "getRestMoney"):
        if operation.encode() in start:
            return answer(operation, records)
    return answer("sendSms", 0)
