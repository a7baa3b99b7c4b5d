"""A definition's documents before zeep sees them: repaired, and refused where zeep would not come to an end.

Gateways write definitions no better than replies, so they are forgiven the same: a charset in the HTTP header alone,
bytes that do not decode, white space, notices or page parts around the document. A document without such faults stays
as it is, byte by byte, since it may be pinned by its SHA-256.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from lxml import etree

from jzysoap.encoding.charsets import decode
from jzysoap.encoding.xml import has_doctype, parse, repair_characters
from jzysoap.model.http import HttpReply

WSDL = "http://schemas.xmlsoap.org/wsdl/"
XSD = "http://www.w3.org/2001/XMLSchema"

MAX_EXPANSIONS = 10_000
"""Parts at most that zeep makes of the groups, unions and base types that a definition refers to. It makes them anew
for each reference: 16 kB of nested groups would take it minutes, past every deadline. Real definitions have few."""

MAX_LOOKUPS = 4_000_000
"""Tags times declarations of namespaces at most, in all documents: zeep collects the namespaces anew for each element.
Real definitions have a few thousand tags and a few dozen namespaces."""

_NAMESPACE = re.compile(rb"\sxmlns[:=]")
_DECLARATION = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z][\w.:-]*)[\"']")
_ROOTS = ("definitions", "schema")
_START = re.compile(rf"<(?:[\w.-]+:)?({'|'.join(_ROOTS)})[\s>]")
_HTML = b"<html"
_HTTP_TRANSPORT = re.compile(r"\s*http://schemas\.xmlsoap\.org/soap/http/*\s*", re.IGNORECASE)
_HTTP_TRANSPORT_12 = re.compile(r"\s*http://www\.w3\.org/2003/05/soap/bindings/http/*\s*", re.IGNORECASE)
_SOAP_BINDINGS = tuple(f"{{http://schemas.xmlsoap.org/wsdl/{kind}/}}binding" for kind in ("soap", "soap12"))
# What zeep expands for each reference to it, by the space of its name, and the attributes that refer to types.
_SPACES = {
    f"{{{XSD}}}{kind}": "type" if kind.endswith("Type") else kind
    for kind in ("group", "attributeGroup", "simpleType", "complexType")
}
_OF_TYPES = ("base", "itemType", "memberTypes", "type")
_Key = tuple[str, str, str]


class UnreadableError(Exception):
    """A document is not one of a definition; the text says why."""


def read_document(reply: HttpReply) -> tuple[bytes, etree._Element]:
    """Return a document and its root element: the bytes as they came, if they can be read, else repaired ones in UTF-8.

    Raises:
        UnreadableError: it is not XML, or has a DOCTYPE.
    """
    document = reply.body
    if not document.strip():
        raise UnreadableError("it is empty")
    why = UnreadableError("it is an HTML page" if _HTML in document[:4096].lower() else "it is not well-formed XML")
    root = None
    cause: Exception | None = None
    try:
        root = parse_strictly(document)
        if etree.QName(root).localname in _ROOTS:
            return document, root
    except etree.LxmlError as error:
        cause = error
    except UnreadableError:
        if _HTML not in document[:4096].lower():
            raise
    text = decode(document, _declared_charset(reply))
    start = _START.search(text)
    if start is not None and (not has_doctype(text) or _HTML in document[:4096].lower()):
        with contextlib.suppress(etree.LxmlError):
            repaired = repair_characters(text[start.start() : _end_of(text, start[1])])
            return repaired.encode(), parse(repaired)
    if root is None:
        raise why from cause
    return document, root


def parse_strictly(document: bytes) -> etree._Element:
    """Return the root element of a document.

    Raises:
        UnreadableError: it has a DOCTYPE.
        lxml.etree.LxmlError: it is not well-formed.
    """
    root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableError("it has a DOCTYPE")
    return root


def normalise(root: etree._Element) -> list[str]:
    """Write addresses as zeep knows them: those of imports, and the transport of each SOAP binding, if it is HTTP.

    Returns:
        All other transports.
    """
    others = []
    for node in root.iter(f"{{{WSDL}}}import", f"{{{XSD}}}*"):
        for name in ("location", "schemaLocation"):
            if name in node.attrib:
                node.set(name, node.get(name, "").strip())
    for binding in root.iter(*_SOAP_BINDINGS):
        transport = binding.get("transport", "")
        if _HTTP_TRANSPORT.fullmatch(transport):
            binding.set("transport", "http://schemas.xmlsoap.org/soap/http")
        elif _HTTP_TRANSPORT_12.fullmatch(transport):
            binding.set("transport", "http://www.w3.org/2003/05/soap/bindings/HTTP/")
        else:
            others.append(transport)
    return others


def has_too_many_namespaces(documents: Collection[bytes]) -> bool:
    """Return True if zeep would collect namespaces for a long time: see ``MAX_LOOKUPS``."""
    names = sum(len(_NAMESPACE.findall(document)) for document in documents)
    return names * sum(document.count(b"<") for document in documents) > MAX_LOOKUPS


def expands_too_far(roots: Iterable[etree._Element]) -> bool:
    """Return True if zeep would make more than ``MAX_EXPANSIONS`` parts of what the schemas refer to."""
    schemas = [schema for root in roots for schema in root.iter(f"{{{XSD}}}schema")]
    definitions: dict[_Key, list[_Key]] = {}
    for schema in schemas:
        for node in schema.iterchildren(*_SPACES):
            key = _SPACES[str(node.tag)], schema.get("targetNamespace", ""), node.get("name", "")
            definitions.setdefault(key, []).extend(_references(node, inner=False))
    sizes: dict[_Key, int] = {}
    for key in definitions:
        for one in _depth_first(key, definitions, sizes):
            # What is not counted yet leads back to this one, which would have no end.
            parts = (sizes.get(target, MAX_EXPANSIONS + 2) for target in definitions[one] if target in definitions)
            sizes[one] = min(1 + sum(parts), MAX_EXPANSIONS + 2)
    used = (sizes.get(target, 1) - 1 for schema in schemas for target in _references(schema, inner=True))
    return sum(used) > MAX_EXPANSIONS


def _references(node: etree._Element, *, inner: bool) -> Iterator[_Key]:
    """Yield what a definition refers to; the types of its elements and attributes only if ``inner``."""
    for part in node.iter("{*}*"):
        kind = etree.QName(part).localname
        if kind in ("element", "attribute") and not inner:
            continue
        space = kind if kind in ("group", "attributeGroup") else "type"
        for attribute in ("ref",) if space != "type" else _OF_TYPES:
            for value in part.get(attribute, "").split():
                prefix, _, name = value.rpartition(":")
                yield space, part.nsmap.get(prefix or None) or "", name
                # A schema without a namespace takes that of the schema that includes it.
                yield space, "", name


def _depth_first(key: _Key, definitions: Mapping[_Key, list[_Key]], done: Mapping[_Key, int]) -> Iterator[_Key]:
    """Yield this definition and those that it rests on and that are not done, each behind those that it refers to."""
    waiting: list[tuple[_Key, Iterator[_Key]]] = []
    entered: set[_Key] = set()

    def enter(one: _Key) -> None:
        if one in definitions and one not in done and one not in entered:
            entered.add(one)
            waiting.append((one, iter(definitions[one])))

    enter(key)
    while waiting:
        one, rest = waiting[-1]
        target = next(rest, None)
        if target is None:
            waiting.pop()
            yield one
        else:
            enter(target)


def _declared_charset(reply: HttpReply) -> str | None:
    declared = _DECLARATION.search(reply.body[:1024])
    return declared[1].decode() if declared else reply.charset


def _end_of(text: str, name: str) -> int:
    ends = list(re.finditer(rf"</(?:[\w.-]+:)?{name}\s*>", text))
    return ends[-1].end() if ends else len(text)
