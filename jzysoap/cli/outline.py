"""The meaning of a service definition as flat pairs, so that two definitions can be compared line by line."""

from __future__ import annotations

from collections.abc import Mapping

from jzysoap.definition.collect import Definition, rename_addresses
from jzysoap.definition.compiler import encoding_styles, find_ports, prepare, type_name
from jzysoap.model.masking import mask_text
from jzysoap.model.operations import OPERATIONS


def outline(definition: Definition, source: str) -> dict[str, str]:
    """Summarise the SOAP ports of a definition as flat pairs; an error calls the definition ``source``.

    Raises:
        WsdlError: the definition cannot be read.
    """
    found: dict[str, str] = {}
    with rename_addresses(definition.names):
        prepared = prepare(definition.documents, source, list(OPERATIONS))
        forms = [_outline(definition.url, documents, source) for documents in prepared.variants]
    for number, form in enumerate(forms, 1):
        for key, value in form.items():
            if value != found.setdefault(key, value):
                # An overloaded operation, whose first form is there already.
                found[f"{key} (form {number})"] = value
    return found


def _outline(url: str, documents: Mapping[str, bytes], source: str) -> dict[str, str]:
    found: dict[str, str] = {}
    styles = encoding_styles(documents)
    for number, (version, name, binding) in enumerate(find_ports(url, documents, source), 1):
        port = f"port {number}"
        found[port] = f"{name}, SOAP {version}"
        for operation, one in binding.all().items():
            use = "literal" if (str(binding.name), operation) not in styles else "encoded"
            found[f"{port}, {operation}, style"] = f"{one.style}, {use}"
            for way, message in (("arguments", one.input), ("answer", one.output)):
                elements = getattr(getattr(getattr(message, "body", None), "type", None), "elements", [])
                declared = ", ".join(f"{type_name(element.type)} {key}" for key, element in elements)
                found[f"{port}, {operation}, {way}"] = mask_text(declared) or "none"
    return found
