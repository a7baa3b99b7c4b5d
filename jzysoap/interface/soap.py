"""The SOAP interface: a call to the bytes of a request, the bytes of a reply to its result string.

A reply as most servers write it is read without a tree; everything else is ``envelope``'s. Nothing here does I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.parsers import expat

from jzysoap.calls.operations import Call
from jzysoap.definition.bindings import ENVELOPES, Bindings
from jzysoap.model.errors import InvalidMessageError
from jzysoap.model.http import HttpReply
from jzysoap.model.masking import SecretBytes

# Bytes of text that expat hands over at once.
_BUFFER = 1 << 20
# Names as expat has them.
_ROOTS = {f"{namespace} Envelope": f"{namespace} Body" for namespace in ENVELOPES.values()}
_NO_ANSWERS = {f"{namespace} Fault" for namespace in ENVELOPES.values()}
_RPC_RESULT = "http://www.w3.org/2003/05/soap-rpc result"
# Attributes that say that the value is not in the text, or that lxml looks at.
_TELLING = {
    "href",
    "http://www.w3.org/2001/XMLSchema-instance nil",
    "http://www.w3.org/XML/1998/namespace id",
}
# lxml refuses a document for a namespace that is no address, expat does not look.
_NAMESPACE = re.compile(r"(?:https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9./_-]*)?|urn:[A-Za-z0-9:._-]+)?")


def build(call: Call[object], username: str, password: str, bindings: Bindings) -> tuple[dict[str, str], SecretBytes]:
    """The headers and the body of a call.

    Raises:
        InvalidMessageError: an extension number, and the definition has no place for it.
    """
    operation = bindings.operations[call.operation]
    values = {**call.arguments, "username": username, "password": password}
    if values.get("extenno") and "extenno" not in operation.slots:
        raise InvalidMessageError(
            f"extension cannot be sent: {call.operation} of port {bindings.port} has no argument for it",
            field="extension",
        )
    parts = [operation.pieces[0]]
    for slot, piece in zip(operation.slots, operation.pieces[1:], strict=True):
        parts += (_escape(values[slot]), piece)
    if bindings.soap == "1.1":
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{operation.action}"'}
    else:
        action = f'; action="{operation.action}"' if operation.action else ""
        headers = {"Content-Type": f"application/soap+xml; charset=utf-8{action}"}
    return headers, SecretBytes(b"".join(parts))


def read(reply: HttpReply, *, secrets: Iterable[str] = ()) -> str | None:
    """The result string of a reply; None for nil.

    Args:
        reply: what came, complete.
        secrets: what no text of an error may show.

    Raises:
        SoapFaultError: a fault, of either version, at any status.
        HttpStatusError: no SOAP reply, at a status from 300 on.
        MalformedReplyError: no SOAP reply, at a lower status.
    """
    text = glance(reply.body)
    if text is not None:
        return text
    # It brings lxml, which a process that asks for little else never needs.
    from jzysoap.interface import envelope

    return envelope.read(reply, secrets=secrets)


def read_part(reply: HttpReply) -> str:
    """The result string of a poll's reply that was cut off, as far as it came; empty where nothing of it did."""
    from jzysoap.interface import envelope

    return envelope.read_part(reply)


def glance(body: bytes) -> str | None:
    """Return the result string of a usual reply; None if the reply is unusual, so that ``envelope`` must read it.

    A usual reply is ASCII, where no charset matters, and has nothing in it but a result of text. The parser never sees
    a DOCTYPE, and so no entity; nor a zero byte, from which it would guess UTF-16.
    """
    if not body.isascii() or b"\0" in body or b"<!" in body or body.find(b"<?", 1) > 0:
        return None
    seen = _Glance()
    parser = expat.ParserCreate("utf-8", " ")
    parser.buffer_text, parser.buffer_size = True, _BUFFER
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = seen.start, seen.end, seen.data
    parser.StartNamespaceDeclHandler = seen.namespace
    try:
        parser.Parse(body, True)
    except expat.ExpatError:
        return None
    if not seen.usual or len(seen.names) != 4:
        return None
    root, inner, answer, value = seen.names
    if _ROOTS.get(root) != inner or answer in _NO_ANSWERS or value == _RPC_RESULT:
        return None
    return "".join(seen.text)


def _escape(value: str) -> bytes:
    # A bare CR would reach the other side as a line feed.
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return value.encode()


class _Glance:
    """The elements of a document, and the text of the one that holds a result, as a parser comes to them."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.text: list[str] = []
        self.usual = True
        self._depth = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self.names.append(name)
        # One element in each: the envelope, its body, the answer, the value.
        self.usual = self.usual and self._depth == len(self.names) and _TELLING.isdisjoint(attributes)

    def end(self, _name: str) -> None:
        self._depth -= 1

    def namespace(self, _prefix: str | None, name: str | None) -> None:
        self.usual = self.usual and _NAMESPACE.fullmatch(name or "") is not None

    def data(self, text: str) -> None:
        if self._depth == 4:
            self.text.append(text)
