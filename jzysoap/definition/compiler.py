"""The compiler of a service definition: one binding for each operation.

zeep loads the definition and generates its bindings. The compiler chooses the port, matches each operation's signature
with the documented one, and compiles zeep's message into fixed bytes with a slot for each argument.

Nothing here does I/O: the caller passes all documents of the definition.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from jzysoap.definition.bindings import ACTION, ENVELOPES, XSI, Bindings, SoapVersion, Template
from jzysoap.model.errors import WsdlError
from jzysoap.model.masking import mask_text
from jzysoap.model.operations import OPERATIONS, Operation, Operations

# zeep does not validate: a broken definition surfaces as any of these exceptions, or as a warning if the program turns
# warnings into errors.
_ZEEP_FAILURES = (LookupError, TypeError, ValueError, AttributeError, AssertionError, RuntimeError, Warning)
_STEM_AND_NUMBER = re.compile(r"([A-Za-z_]+?)(\d+)")

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_XSD = "http://www.w3.org/2001/XMLSchema"
_BODIES = ("{http://schemas.xmlsoap.org/wsdl/soap/}body", "{http://schemas.xmlsoap.org/wsdl/soap12/}body")
_ENCODINGS: Mapping[SoapVersion, str] = {
    "1.1": "http://schemas.xmlsoap.org/soap/encoding/",
    "1.2": "http://www.w3.org/2003/05/soap-encoding",
}


def is_standard(url: str) -> bool:
    """Return True if an address is that of a standard schema, which is never fetched: zeep gets a substitute."""
    return _without_scheme(url) in _STANDARD


def _without_scheme(url: str) -> str:
    return url.partition("://")[2].rstrip("/").lower()


def _substitute(namespace: str, kinds: Sequence[str]) -> bytes:
    """Return a schema that has each of these types as a copy of the XML Schema type of that name."""
    types = "".join(f'<simpleType name="{kind}"><restriction base="x:{kind}"/></simpleType>' for kind in kinds)
    return f'<schema xmlns="{_XSD}" xmlns:x="{_XSD}" targetNamespace="{namespace}">{types}</schema>'.encode()


# Types that arguments may have. The real schema of SOAP encoding adds only attributes, and zeep would fetch it.
_ENCODED_KINDS = (
    *("string", "normalizedString", "token", "anyURI", "boolean", "decimal", "float", "double"),
    *("integer", "long", "int", "short", "byte", "nonNegativeInteger", "positiveInteger"),
    *("unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte", "base64Binary", "hexBinary", "dateTime"),
)
_STANDARD: Mapping[str, bytes] = {
    **{_without_scheme(namespace): _substitute(namespace, _ENCODED_KINDS) for namespace in _ENCODINGS.values()},
    "schemas.xmlsoap.org/wsdl": _substitute("http://schemas.xmlsoap.org/wsdl/", ()),
    "www.w3.org/2001/xml.xsd": _substitute("http://www.w3.org/XML/1998/namespace", ()),
}


def compile_bindings(
    url: str,
    documents: Mapping[str, bytes],
    *,
    operations: Operations = OPERATIONS,
    arguments: Sequence[str] | None = None,
    source: str = "",
) -> Bindings:
    """Compile a definition.

    Args:
        url: the address of the main document.
        documents: the main document and all that it imports, by absolute address.
        operations: the table of operations.
        arguments: the documented names of the arguments of ``sendSms`` in the definition's order, if they cannot be
            matched. Other operations whose arguments cannot be matched use the same order.
        source: the name of the definition in an error.

    Raises:
        WsdlError: the definition cannot be read, lacks an operation, or has arguments that cannot be matched.
    """
    from lxml import etree
    from zeep.exceptions import Error as ZeepError

    source = source or url
    problems = []
    ports = find_ports(url, documents, source)
    styles = encoding_styles(documents)
    for version, name, binding in ports:
        try:
            templates = {
                one.name: _compile(binding, version, one, arguments, styles.get((str(binding.name), one.name)))
                for one in operations.values()
                if _is_wanted(one, binding)
            }
            return Bindings(version, name, templates)
        except _UnusableError as problem:
            problems.append(f"port {name} (SOAP {version}): {problem}")
        except (ZeepError, etree.LxmlError, *_ZEEP_FAILURES) as error:
            reason = mask_text(f"{type(error).__name__}: {error}")
            problems.append(f"port {name} (SOAP {version}): zeep cannot build its messages: {reason}")
    found = "; ".join(problems) or "it has no SOAP port"
    raise WsdlError(f"the definition at {source} cannot be used: {found}", source=source)


class _UnusableError(Exception):
    """A port cannot be used; the text says why."""


class _InMemoryTransport:
    """A transport for zeep that has the collected documents and fetches nothing."""

    def __init__(self, documents: Mapping[str, bytes]) -> None:
        self._documents = documents

    def load(self, url: str) -> bytes:
        if url not in self._documents and is_standard(url):
            return _STANDARD[_without_scheme(url)]
        if url not in self._documents:
            raise _UnusableError(f"it refers to {url}, which is not among its documents")
        return self._documents[url]


def find_ports(url: str, documents: Mapping[str, bytes], source: str) -> list[tuple[SoapVersion, str, Any]]:
    """Return the SOAP ports with their versions: SOAP 1.1 before 1.2, otherwise in the definition's order."""
    # Imported here since zeep is slow to import, and a process with saved bindings never needs it.
    from lxml import etree
    from zeep import Settings, exceptions as zeep_errors
    from zeep.wsdl import Document
    from zeep.wsdl.bindings import Soap11Binding, Soap12Binding

    try:
        transport: Any = _InMemoryTransport(documents)
        document = Document(url, transport, settings=Settings(strict=True, forbid_external=False))
        kinds: tuple[tuple[SoapVersion, Any], ...] = (("1.1", Soap11Binding), ("1.2", Soap12Binding))
        return [
            (version, name, port.binding)
            for version, kind in kinds
            for service in document.services.values()
            for name, port in service.ports.items()
            if isinstance(port.binding, kind)
        ]
    except _UnusableError as problem:
        raise WsdlError(f"the definition at {source} cannot be used: {problem}", source=source) from None
    except (zeep_errors.Error, etree.LxmlError, *_ZEEP_FAILURES) as error:
        reason = mask_text(f"{type(error).__name__}: {error}")
        raise WsdlError(
            f"the definition at {source} cannot be read: {reason}", source=source, readable=False
        ) from error


def encoding_styles(documents: Mapping[str, bytes]) -> dict[tuple[str, str], str]:
    """Return the encodingStyle of each "encoded" request, by the names of binding and operation.

    zeep does not keep it.
    """
    from lxml import etree

    styles = {}
    for document in documents.values():
        try:
            root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
        except etree.LxmlError:
            # zeep loaded the definition without this document.
            continue
        for binding in root.iter(f"{_WSDL}binding"):
            for operation in binding.iterchildren(f"{_WSDL}operation"):
                for body in operation.iterfind(f"{_WSDL}input/*"):
                    if body.tag in _BODIES and body.get("use") == "encoded":
                        key = (f"{{{root.get('targetNamespace')}}}{binding.get('name')}", str(operation.get("name")))
                        styles[key] = body.get("encodingStyle", "")
    return styles


def _is_wanted(operation: Operation, binding: Any) -> bool:
    found = binding.all()
    if operation.definition == "required" and operation.name not in found:
        raise _UnusableError(f"it lacks the operation {operation.name}; it has {', '.join(sorted(found)) or 'none'}")
    return operation.definition != "never" and operation.name in found


def _compile(
    binding: Any, version: SoapVersion, documented: Operation, order: Sequence[str] | None, style: str | None
) -> Template:
    from lxml import etree

    name, operation = documented.name, binding.all()[documented.name]
    if not ACTION.fullmatch(operation.soapaction or ""):
        raise _UnusableError(f"the soapAction of {name} cannot be an HTTP header")
    body_type = getattr(operation.input.body, "type", None)
    elements = [(key, element) for key, element in getattr(body_type, "elements", [])]
    slots = _match(documented, [(key, type_name(element.type)) for key, element in elements], order)
    marks = {key: f"slot{number}" for number, (key, _) in enumerate(elements)}
    envelope = operation.create(**marks).content
    body = envelope.find(f"{{{ENVELOPES[version]}}}Body")
    if len(body) != 1:
        raise _UnusableError(
            f"{name} is document style with {len(body)} parts in its body, which no client can call correctly"
        )
    if style is not None:
        _encode(body, [element.type for _, element in elements], version, style)
    pieces = [etree.tostring(envelope, encoding="utf-8", xml_declaration=True)]
    for mark in marks.values():
        before, found, after = pieces.pop().partition(f">{mark}<".encode())
        if not found:
            raise _UnusableError(f"an argument of {name} is not a plain element")
        pieces += [before + b">", b"<" + after]
    return Template(operation.soapaction or "", tuple(pieces), slots)


def _encode(body: Any, kinds: Sequence[Any], version: SoapVersion, style: str) -> None:
    """Add what zeep omits from an "encoded" message: its encodingStyle, and the type of each argument."""
    from lxml import etree

    (bare,) = body
    names = [etree.QName(kind.qname) for kind in kinds]
    prefixes: dict[Any, str] = {_XSD: "xsd", XSI: "xsi"}
    for name in names:
        prefixes.setdefault(name.namespace, f"t{len(prefixes)}")
    # A new element, since lxml cannot add namespace declarations to an existing one.
    wrapper = etree.SubElement(
        body, bare.tag, nsmap={**bare.nsmap, **{prefix: name for name, prefix in prefixes.items()}}
    )
    wrapper.set(f"{{{ENVELOPES[version]}}}encodingStyle", style or _ENCODINGS[version])
    for argument, name in zip(list(bare), names, strict=True):
        argument.set(f"{{{XSI}}}type", f"{prefixes[name.namespace]}:{name.localname}")
        wrapper.append(argument)
    body.remove(bare)


def type_name(kind: Any) -> str:
    from zeep.xsd.types.builtins import Integer, String

    if isinstance(kind, Integer):
        return "int"
    if isinstance(kind, String):
        return "string"
    return str(getattr(kind, "name", None) or type(kind).__name__)


def _match(operation: Operation, found: Sequence[tuple[str, str]], order: Sequence[str] | None) -> tuple[str, ...]:
    """Match each argument of a definition with a documented one: by name, by position, or by ``order``.

    Args:
        operation: the documented operation.
        found: the name and the type of each argument of the definition.
        order: the documented names in the definition's order, as the user gave them.

    Returns:
        The documented names in the definition's order.

    Raises:
        _UnusableError: the arguments cannot be matched.
    """
    documented = {argument.name: argument for argument in operation.arguments}
    by_name = {name.lower(): name for name in documented}
    names = [by_name.get(name.lower(), "") for name, _ in found]
    numbered = [_STEM_AND_NUMBER.fullmatch(name) for name, _ in found]
    if order is not None and operation.name == "sendSms":
        slots = tuple(order)
    elif all(names):
        slots = tuple(names)
    elif all(numbered) and len({match[1] for match in numbered if match}) == 1:
        numbers = [int(match[2]) for match in numbered if match]
        slots = tuple(documented)[: len(found)] if numbers == sorted(numbers) else ()
    else:
        slots = tuple(name for name in order or () if name in documented)
    fits = len(slots) == len(found) and operation.accepts(slots)
    # Some definitions have xsd:string where an int is documented.
    if fits and all(kind in ("string", documented[slot].kind) for slot, (_, kind) in zip(slots, found, strict=True)):
        return slots
    wanted = ", ".join(f"{one.kind} {one.name}{' (optional)' if one.optional else ''}" for one in operation.arguments)
    shown = ", ".join(f"{kind} {name}" for name, kind in found) or "none"
    raise _UnusableError(
        f"the arguments of {operation.name} cannot be matched: wanted {wanted}; found {shown}"
        ". Give the order of the arguments of sendSms with arguments=[…]"
    )
