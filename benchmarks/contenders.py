"""Who is measured: each makes the four operations by its own means, and reads what comes to the same models.

What a contender needs is imported when it is made, so that one that is not installed costs the others nothing.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit
from xml.sax.saxutils import escape

from benchmarks.answers import NAMESPACE

USERNAME = "account"
PASSWORD = "password"
ENCODED = "cGFzc3dvcmQ="
MOBILE = "13800000001"
TEXT = "【签名】您的验证码是 1234"
# A million reports take more than a client reads unless told otherwise.
MAX_POLL = 2**30
WSDL = str(Path(__file__).parent.parent / "wsdl" / "axis2-1.6.2-7param" / "service.wsdl")

_CHINA = timezone(timedelta(hours=8))
_ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'
)
_RETURN = f"{{{NAMESPACE}}}return"
_HEADERS = {"Content-Type": "text/xml; charset=utf-8"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=GBK"}


@dataclass(frozen=True, slots=True)
class Report:
    """A delivery report, as anyone would model it."""

    mobile: str
    username: str
    batch_id: str
    status: int
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Inbound:
    """A reply, as anyone would model it."""

    mobile: str
    receiver: str
    text: str
    received_at: datetime


@dataclass(frozen=True)
class Contender:
    """One way to talk to the gateway.

    Attributes:
        send: sends a text to one number or several, with commas.
        balance: asks for the balance.
        reports: polls, and gives the models.
        replies: the same for replies.
        close: ends it.
    """

    send: Callable[[str], Any]
    balance: Callable[[], Any]
    reports: Callable[[], Any]
    replies: Callable[[], Any]
    close: Callable[[], Any]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text[:19]).replace(tzinfo=_CHINA)


def tree_reports(document: str) -> list[Report]:
    """Delivery reports by way of an lxml tree."""
    from lxml import etree

    return [
        Report(one[0].text or "", one[1].text or "", one[2].text or "", int(one[3].text or 0), _time(one[4].text or ""))
        for one in etree.fromstring(document.encode(), etree.XMLParser(huge_tree=True))
    ]


def tree_replies(document: str) -> list[Inbound]:
    """Replies by way of an lxml tree."""
    from lxml import etree

    return [
        Inbound(
            one[0].text or "",
            one[1].text or "",
            base64.b64decode(one[2].text or "").decode("gb18030"),
            _time(one[3].text or ""),
        )
        for one in etree.fromstring(document.encode(), etree.XMLParser(huge_tree=True))
    ]


def envelope(operation: str, mobile: str = "") -> bytes:
    """A hand-written request."""
    arguments = f"<p:arg0>{USERNAME}</p:arg0><p:arg1>{ENCODED}</p:arg1>"
    if operation == "sendSms":
        arguments += (
            f"<p:arg2>1</p:arg2><p:arg3>{escape(TEXT)}</p:arg3><p:arg4>{escape(mobile)}</p:arg4><p:arg5>0</p:arg5>"
        )
    body = f'<p:{operation} xmlns:p="{NAMESPACE}">{arguments}</p:{operation}>'
    return _ENVELOPE.format(body).encode()


def result_of(body: bytes) -> str:
    """The result string of a SOAP reply, hand-read."""
    from lxml import etree

    return etree.fromstring(body, etree.XMLParser(huge_tree=True)).findtext(f".//{_RETURN}") or ""


def form(method: str, mobile: str = "") -> bytes:
    """A hand-written servlet request."""
    fields = {"method": method, "username": USERNAME, "password": ENCODED}
    if method == "sendSMS":
        fields.update(smstype="1", content=TEXT, mobile=mobile, isLongSms="0", extenno="")
    return urlencode(fields, encoding="gbk").encode()


def accepted(result: str) -> None:
    if not result.startswith("success"):
        raise RuntimeError(result)


def _by_hand(post: Callable[[str, bytes], bytes], close: Callable[[], Any]) -> Contender:
    return Contender(
        lambda mobile: accepted(result_of(post("sendSms", envelope("sendSms", mobile)))),
        lambda: result_of(post("getRestMoney", envelope("getRestMoney"))),
        lambda: tree_reports(result_of(post("getSmsReport", envelope("getSmsReport")))),
        lambda: tree_replies(result_of(post("getRecvSMS", envelope("getRecvSMS")))),
        close,
    )


def _form_by_hand(post: Callable[[bytes], bytes], close: Callable[[], Any]) -> Contender:
    return Contender(
        lambda mobile: accepted(post(form("sendSMS", mobile)).decode("gbk")),
        lambda: post(form("getRestMoney")).decode("gbk"),
        lambda: tree_reports(post(form("getSmsReport")).decode("gbk")),
        lambda: tree_replies(post(form("getRecvSMS")).decode("gbk")),
        close,
    )


def _async_by_hand(post: Callable[[str, bytes], Awaitable[bytes]], close: Callable[[], Any]) -> Contender:
    async def send(mobile: str) -> None:
        accepted(result_of(await post("sendSms", envelope("sendSms", mobile))))

    async def balance() -> str:
        return result_of(await post("getRestMoney", envelope("getRestMoney")))

    async def reports() -> list[Report]:
        return tree_reports(result_of(await post("getSmsReport", envelope("getSmsReport"))))

    async def replies() -> list[Inbound]:
        return tree_replies(result_of(await post("getRecvSMS", envelope("getRecvSMS"))))

    return Contender(send, balance, reports, replies, close)


def _ours(client: Any, close: Callable[[], Any]) -> Contender:
    return Contender(
        lambda mobile: client.send(mobile, TEXT, batch_size=20_000),
        client.balance,
        client.reports,
        client.replies,
        close,
    )


def ours(url: str, interface: Literal["soap", "servlet"] = "soap") -> Contender:
    from jzysoap import Client

    client = Client(
        url,
        USERNAME,
        PASSWORD,
        interface=interface,
        wsdl="bundled",
        cache_dir=False,
        pool_size=64,
        max_poll_bytes=MAX_POLL,
    )
    return _ours(client, client.close)


def ours_servlet(url: str) -> Contender:
    return ours(url, "servlet")


def ours_async(url: str, interface: Literal["soap", "servlet"] = "soap") -> Contender:
    from jzysoap import AsyncClient

    client = AsyncClient(
        url,
        USERNAME,
        PASSWORD,
        interface=interface,
        wsdl="bundled",
        cache_dir=False,
        pool_size=256,
        max_poll_bytes=MAX_POLL,
    )
    return _ours(client, client.aclose)


def ours_async_servlet(url: str) -> Contender:
    return ours_async(url, "servlet")


def by_zeep(url: str) -> Contender:
    import zeep as library

    made: Any = library
    client = made.Client(WSDL, settings=made.Settings(xml_huge_tree=True))
    service = client.create_service(next(iter(client.wsdl.bindings)), f"{url}/services/userApi")
    return Contender(
        lambda mobile: accepted(service.sendSms(USERNAME, ENCODED, 1, TEXT, mobile, 0, "")),
        lambda: service.getRestMoney(USERNAME, ENCODED),
        lambda: tree_reports(service.getSmsReport(USERNAME, ENCODED)),
        lambda: tree_replies(service.getRecvSMS(USERNAME, ENCODED)),
        client.transport.session.close,
    )


def by_zeep_async(url: str) -> Contender:
    import httpx
    import zeep as library
    import zeep.transports

    made: Any = library
    transport = made.transports.AsyncTransport(client=httpx.AsyncClient(timeout=60), wsdl_client=httpx.Client())
    client = made.AsyncClient(WSDL, transport=transport, settings=made.Settings(xml_huge_tree=True))
    service = client.service
    # Its create_service makes a synchronous one.
    service._binding_options["address"] = f"{url}/services/userApi"

    async def send(mobile: str) -> None:
        accepted(await service.sendSms(USERNAME, ENCODED, 1, TEXT, mobile, 0, ""))

    async def balance() -> Any:
        return await service.getRestMoney(USERNAME, ENCODED)

    async def reports() -> list[Report]:
        return tree_reports(await service.getSmsReport(USERNAME, ENCODED))

    async def replies() -> list[Inbound]:
        return tree_replies(await service.getRecvSMS(USERNAME, ENCODED))

    return Contender(send, balance, reports, replies, transport.aclose)


def by_suds(url: str) -> Contender:
    from suds.client import Client

    client = Client(Path(WSDL).as_uri(), location=f"{url}/services/userApi", cache=None)
    service = client.service
    return Contender(
        lambda mobile: accepted(str(service.sendSms(USERNAME, ENCODED, 1, TEXT, mobile, 0, ""))),
        lambda: service.getRestMoney(USERNAME, ENCODED),
        lambda: tree_reports(str(service.getSmsReport(USERNAME, ENCODED))),
        lambda: tree_replies(str(service.getRecvSMS(USERNAME, ENCODED))),
        lambda: None,
    )


def by_requests(url: str) -> Contender:
    import requests

    session = requests.Session()

    def post(operation: str, body: bytes) -> bytes:
        headers = {**_HEADERS, "SOAPAction": f'"urn:{operation}"'}
        response = session.post(f"{url}/services/userApi", data=body, headers=headers, timeout=60)
        response.raise_for_status()
        return response.content

    return _by_hand(post, session.close)


def by_requests_servlet(url: str) -> Contender:
    import requests

    session = requests.Session()

    def post(body: bytes) -> bytes:
        response = session.post(f"{url}/servlet/UserServiceAPI", data=body, headers=_FORM, timeout=60)
        response.raise_for_status()
        return response.content

    return _form_by_hand(post, session.close)


def by_urllib3(url: str) -> Contender:
    import urllib3

    pool = urllib3.PoolManager(maxsize=64)

    def post(operation: str, body: bytes) -> bytes:
        headers = {**_HEADERS, "SOAPAction": f'"urn:{operation}"'}
        response = pool.request("POST", f"{url}/services/userApi", body=body, headers=headers, timeout=60)
        if response.status != 200:
            raise RuntimeError(response.status)
        return response.data

    return _by_hand(post, pool.clear)


def by_httpx(url: str) -> Contender:
    import httpx

    client = httpx.Client(timeout=60)

    def post(operation: str, body: bytes) -> bytes:
        headers = {**_HEADERS, "SOAPAction": f'"urn:{operation}"'}
        response = client.post(f"{url}/services/userApi", content=body, headers=headers)
        response.raise_for_status()
        content: bytes = response.content
        return content

    return _by_hand(post, client.close)


def by_httpx_async(url: str) -> Contender:
    import httpx

    client = httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=None, max_keepalive_connections=256))

    async def post(operation: str, body: bytes) -> bytes:
        headers = {**_HEADERS, "SOAPAction": f'"urn:{operation}"'}
        response = await client.post(f"{url}/services/userApi", content=body, headers=headers)
        response.raise_for_status()
        content: bytes = response.content
        return content

    return _async_by_hand(post, client.aclose)


def by_aiohttp(url: str) -> Contender:
    import aiohttp

    opened: list[Any] = []

    async def post(operation: str, body: bytes) -> bytes:
        if not opened:
            opened.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        headers = {**_HEADERS, "SOAPAction": f'"urn:{operation}"'}
        async with opened[0].post(f"{url}/services/userApi", data=body, headers=headers) as response:
            response.raise_for_status()
            read: bytes = await response.read()
            return read

    async def close() -> None:
        for session in opened:
            await session.close()

    return _async_by_hand(post, close)


def by_streams(url: str) -> Contender:
    """The least that asyncio takes: no limits, no checks, and only what the benchmark's server answers."""
    parts = urlsplit(f"{url}/services/userApi")
    host, port = parts.hostname or "", parts.port or 80
    begin = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: text/xml; charset=utf-8\r\n"
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(operation: str, body: bytes) -> bytes:
        reader, writer = idle.pop() if idle else await asyncio.open_connection(host, port, limit=1 << 20)
        head = f'{begin}SOAPAction: "urn:{operation}"\r\nContent-Length: {len(body)}\r\n\r\n'
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(answer[:20])
        _, _, length = answer.lower().partition(b"content-length:")
        if length:
            read = await reader.readexactly(int(length.partition(b"\r")[0]))
        else:
            chunks = []
            while size := int(await reader.readline(), 16):
                chunks.append((await reader.readexactly(size + 2))[:-2])
            await reader.readline()
            read = b"".join(chunks)
        idle.append((reader, writer))
        return read

    async def close() -> None:
        for _, writer in idle:
            writer.close()
            await writer.wait_closed()

    return _async_by_hand(post, close)


SYNCHRONOUS: dict[str, Callable[[str], Contender]] = {
    "jzysoap": ours,
    "jzysoap servlet": ours_servlet,
    "zeep": by_zeep,
    "suds": by_suds,
    "requests + lxml": by_requests,
    "requests servlet": by_requests_servlet,
    "httpx + lxml": by_httpx,
    "urllib3 + lxml": by_urllib3,
}
ASYNCHRONOUS: dict[str, Callable[[str], Contender]] = {
    "jzysoap async": ours_async,
    "jzysoap async servlet": ours_async_servlet,
    "zeep async": by_zeep_async,
    "httpx async + lxml": by_httpx_async,
    "aiohttp + lxml": by_aiohttp,
    "asyncio streams + lxml": by_streams,
}
