"""The SOAP interface: calls as envelopes, results out of envelopes (docs/protocol.md#web-service).

Expat reads the usual reply, ``envelope`` every other one. Nothing here does I/O.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any
from xml.parsers import expat

from jzysoap.calls.operations import Call
from jzysoap.definition.bindings import ENVELOPES, Bindings, Template
from jzysoap.interface.base import Interface
from jzysoap.model.errors import InvalidMessageError, WsdlError
from jzysoap.model.http import HttpReply
from jzysoap.model.masking import Secret, SecretBytes

PATH = "/services/userApi"

# Bytes of text that expat collects for one call of its handler.
_TEXT_BUFFER = 1 << 20
# Elements as expat names them: namespace, blank, local name.
_ROOTS = {f"{namespace} Envelope": f"{namespace} Body" for namespace in ENVELOPES.values()}
_FAULTS = {f"{namespace} Fault" for namespace in ENVELOPES.values()}
_RPC_RESULT = "http://www.w3.org/2003/05/soap-rpc result"
# Attributes that change where the value is (href, nil), or that lxml validates (xml:id).
_UNUSUAL_ATTRIBUTES = {
    "href",
    "ref",
    "http://www.w3.org/2003/05/soap-encoding ref",
    "http://www.w3.org/2001/XMLSchema-instance nil",
    "http://www.w3.org/XML/1998/namespace id",
}
# lxml refuses a document with a malformed namespace; expat does not check namespaces.
_NAMESPACE = re.compile(r"(?:https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9./_-]*)?|urn:[A-Za-z0-9:._-]+)?")


class SoapInterface(Interface):
    """The web service, by the compiled bindings of its definition.

    Attributes:
        bindings: the compiled bindings; None until a definition is loaded.
    """

    name = "soap"
    bindings: Bindings | None = None

    @property
    def path(self) -> str:
        return PATH

    @property
    def needs_definition(self) -> bool:  # type: ignore[override]  # read-only here
        return self.bindings is None

    def use_bindings(self, bindings: Bindings) -> None:
        self.bindings = bindings

    def check(self, call: Call[Any]) -> None:
        slots = self._template(call).slots
        for name, value in call.arguments.items():
            if value and name not in slots:
                parameter = call.operation.parameter_of(name)
                raise InvalidMessageError(
                    f"{parameter} cannot be sent: the gateway's service definition has no argument for it",
                    field=parameter,
                )

    def encode(self, call: Call[Any], password: Secret) -> tuple[dict[str, str], SecretBytes]:
        template = self._template(call)
        values = {**call.arguments, "username": self._config.username, "password": password}
        parts = [template.pieces[0]]
        for slot, piece in zip(template.slots, template.pieces[1:], strict=True):
            parts += (_escape(values.get(slot, "")), piece)
        return self._headers(template), SecretBytes(b"".join(parts))

    @staticmethod
    def read(reply: HttpReply, *, secrets: Collection[str] = ()) -> str | None:
        """Return the result string of a reply; None for nil.

        Raises:
            SoapFaultError: a fault, of either version of SOAP, at any status.
            HttpStatusError: not a SOAP reply, at a status of 300 or above.
            MalformedReplyError: not a SOAP reply, at a lower status.
        """
        text = read_usual(reply.body)
        if text is not None:
            return text
        # Imported here since it brings lxml, which many processes never need.
        from jzysoap.interface import envelope

        return envelope.read(reply, secrets=secrets)

    @staticmethod
    def read_part(reply: HttpReply) -> str:
        from jzysoap.interface import envelope

        return envelope.read_part(reply)

    def _headers(self, template: Template) -> dict[str, str]:
        if self.bindings is not None and self.bindings.soap == "1.1":
            return {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{template.action}"'}
        action = f'; action="{template.action}"' if template.action else ""
        return {"Content-Type": f"application/soap+xml; charset=utf-8{action}"}

    def _template(self, call: Call[Any]) -> Template:
        assert self.bindings is not None, "a client loads the definition before it starts a call"
        template = self.bindings.templates.get(call.operation.name)
        if template is None:
            raise WsdlError(f"the gateway's service definition has no operation {call.operation.name}")
        return template


def read_usual(body: bytes) -> str | None:
    """Return the result string of a usual reply; None if the reply is unusual, so that ``envelope`` must read it.

    A usual reply is ASCII, so that no charset matters, and has nothing but a result of text. The parser never sees a
    DOCTYPE, and so no entity, nor a zero byte, from which it would guess UTF-16.
    """
    if not body.isascii() or b"\0" in body or b"<!" in body or body.find(b"<?", 1) > 0:
        return None
    seen = _Usual()
    parser = expat.ParserCreate("utf-8", " ")
    parser.buffer_text, parser.buffer_size = True, _TEXT_BUFFER
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = seen.start, seen.end, seen.data
    parser.StartNamespaceDeclHandler = seen.namespace
    try:
        parser.Parse(body, True)
    except expat.ExpatError:
        return None
    if not seen.usual or len(seen.names) != 4:
        return None
    root, inner, answer, value = seen.names
    if _ROOTS.get(root) != inner or answer in _FAULTS or value == _RPC_RESULT:
        return None
    return "".join(seen.text)


def _escape(value: str) -> bytes:
    # XML parsers turn a bare CR into a line feed.
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return value.encode()


class _Usual:
    """Handlers for expat: the names of a document's elements, and the text of the one that holds the result."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.text: list[str] = []
        self.usual = True
        self._depth = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self.names.append(name)
        # Each element is in the one before: the envelope, its body, the answer, the value.
        self.usual = self.usual and self._depth == len(self.names) and _UNUSUAL_ATTRIBUTES.isdisjoint(attributes)

    def end(self, _name: str) -> None:
        self._depth -= 1

    def namespace(self, _prefix: str | None, name: str | None) -> None:
        self.usual = self.usual and _NAMESPACE.fullmatch(name or "") is not None

    def data(self, text: str) -> None:
        if self._depth == 4:
            self.text.append(text)
