"""The meaning of a service definition as flat pairs, so that two definitions can be compared line by line."""

from __future__ import annotations

from jzysoap.definition.collect import Definition, rename_addresses
from jzysoap.definition.compiler import encoding_styles, find_ports, type_name
from jzysoap.model.masking import mask_text


def outline(definition: Definition, source: str) -> dict[str, str]:
    """Summarise the SOAP ports of a definition as flat pairs; an error calls the definition ``source``.

    Raises:
        WsdlError: the definition cannot be read.
    """
    found: dict[str, str] = {}
    styles = encoding_styles(definition.documents)
    with rename_addresses(definition.names):
        ports = find_ports(definition.url, definition.documents, source)
    for number, (version, name, binding) in enumerate(ports, 1):
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
