"""The compiler of a service definition: one binding for each operation.

zeep loads the definition and generates its bindings. The compiler chooses the port, matches each operation's signature
with the documented one, and compiles zeep's message into fixed bytes with a slot for each argument.

Nothing here does I/O: the caller passes all documents of the definition.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jzysoap.definition.bindings import ACTION, ENVELOPES, XSI, Bindings, SoapVersion, Template
from jzysoap.definition.standard import ENCODINGS, standard_schema
from jzysoap.model.errors import WsdlError
from jzysoap.model.masking import mask_text
from jzysoap.model.operations import OPERATIONS, Operation, Operations

# A binding of zeep's, and the encoding styles of the documents that it was made of.
_Form = tuple[Any, Mapping[tuple[str, str], str]]
# zeep does not validate: a broken definition surfaces as any of these exceptions, or as a warning if the program turns
# warnings into errors.
_ZEEP_FAILURES = (LookupError, TypeError, ValueError, AttributeError, AssertionError, RuntimeError, Warning)
_STEM_AND_NUMBER = re.compile(r"([A-Za-z_]+?)(\d+)")

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_XSD = "http://www.w3.org/2001/XMLSchema"
_BODIES = ("{http://schemas.xmlsoap.org/wsdl/soap/}body", "{http://schemas.xmlsoap.org/wsdl/soap12/}body")


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
    prepared = prepare(documents, source, [one.name for one in operations.values()])
    variants = [(encoding_styles(one), find_ports(url, one, source)) for one in prepared.variants]
    for ports in zip(*(ports for _, ports in variants), strict=True):
        version, name, _ = ports[0]
        forms = [(binding, styles) for (_, _, binding), (styles, _) in zip(ports, variants, strict=True)]
        try:
            templates = {
                one.name: _choose(forms, version, one, arguments)
                for one in operations.values()
                if _is_wanted(one, forms, prepared.unclear)
            }
            return Bindings(version, name, templates)
        except _UnusableError as problem:
            problems.append(f"port {name} (SOAP {version}): {problem}")
        except (ZeepError, etree.LxmlError, *_ZEEP_FAILURES) as error:
            reason = mask_text(f"{type(error).__name__}: {error}")
            problems.append(f"port {name} (SOAP {version}): zeep cannot build its messages: {reason}")
    found = "; ".join(problems) or "it has no SOAP port"
    if not problems and prepared.transports:
        found += f" over HTTP, but one over {mask_text(', '.join(prepared.transports))}"
    raise WsdlError(f"the definition at {source} cannot be used: {found}", source=source)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The documents of a definition, ready for zeep.

    Attributes:
        variants: the documents by address, once for each form of an overloaded operation.
        unclear: what to tell of operations whose forms cannot be told apart, by the names of binding and operation.
        transports: those of SOAP bindings that are not HTTP.
    """

    variants: list[dict[str, bytes]]
    unclear: Mapping[tuple[str, str], str]
    transports: list[str]


def prepare(documents: Mapping[str, bytes], source: str, names: Sequence[str]) -> Prepared:
    """Make the documents of a definition ready for zeep.

    Args:
        documents: all of them, by absolute address.
        source: the name of the definition in an error.
        names: the operations that are used.

    Raises:
        WsdlError: its schemas would take zeep too long.
    """
    # Imported here since it brings lxml, and a process with saved bindings never needs it.
    from lxml import etree

    from jzysoap.definition.documents import (
        MAX_EXPANSIONS,
        expands_too_far,
        has_too_many_namespaces,
        normalise,
        parse_strictly,
    )
    from jzysoap.definition.overloads import find_unclear, separate

    if has_too_many_namespaces(documents.values()):
        raise WsdlError(
            f"the definition at {source} cannot be used: it declares too many namespaces for its size", source=source
        )
    roots = {}
    for url, document in documents.items():
        # zeep loads definitions without documents that nothing refers to, and says what is wrong with all others.
        with contextlib.suppress(etree.LxmlError):
            roots[url] = parse_strictly(document)
    if expands_too_far(roots.values()):
        raise WsdlError(
            f"the definition at {source} cannot be used: its groups, unions and base types refer to one another more "
            f"than {MAX_EXPANSIONS:,} times",
            source=source,
        )
    transports = [transport for root in roots.values() for transport in normalise(root)]
    variants = [
        {**documents, **{url: etree.tostring(root.getroottree()) for url, root in one.items()}}
        for one in separate(roots, names)
    ]
    return Prepared(variants, find_unclear(roots.values(), names), transports)


class _UnusableError(Exception):
    """A port cannot be used; the text says why."""


class _InMemoryTransport:
    """A transport for zeep that has the collected documents and fetches nothing."""

    def __init__(self, documents: Mapping[str, bytes]) -> None:
        self._documents = documents

    def load(self, url: str) -> bytes:
        substitute = standard_schema(url)
        if url not in self._documents and substitute is not None:
            return substitute
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


def _is_wanted(operation: Operation, forms: Sequence[_Form], unclear: Mapping[tuple[str, str], str]) -> bool:
    problem = unclear.get((forms[0][0].name.localname, operation.name))
    if problem is not None and operation.definition != "never":
        raise _UnusableError(problem)
    found = {name for binding, _ in forms for name in binding.all()}
    if operation.definition == "required" and operation.name not in found:
        raise _UnusableError(f"it lacks the operation {operation.name}; it has {', '.join(sorted(found)) or 'none'}")
    return operation.definition != "never" and operation.name in found


def _choose(
    forms: Sequence[_Form], version: SoapVersion, documented: Operation, order: Sequence[str] | None
) -> Template:
    """Return the template of an operation; of several forms that match, the one with the most arguments."""
    found: list[Template] = []
    problems = []
    for binding, styles in forms:
        if documented.name not in binding.all():
            continue
        try:
            template = _compile(binding, version, documented, order, styles.get((str(binding.name), documented.name)))
        except _UnusableError as problem:
            problems.append(problem)
        else:
            found += [template] if template not in found else []
    if not found:
        raise problems[0]
    most = max(len(one.slots) for one in found)
    best = [one for one in found if len(one.slots) == most]
    if len(best) > 1:
        shown = " and ".join(one.action or '""' for one in best)
        raise _UnusableError(f"{documented.name} has several forms with the same arguments, with the actions {shown}")
    return best[0]


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
    wrapper.set(f"{{{ENVELOPES[version]}}}encodingStyle", style or ENCODINGS[version])
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
