"""The compiled bindings of a service: plain data that is saved, used and compared without zeep.

``compiler`` makes the bindings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from jzysoap.model.masking import mask_text
from jzysoap.model.operations import OPERATIONS, Operations

SoapVersion = Literal["1.1", "1.2"]

ENVELOPES: Mapping[SoapVersion, str] = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}
"""The namespace of an envelope, by the version of SOAP."""

XSI = "http://www.w3.org/2001/XMLSchema-instance"
ACTION = re.compile(r"[\x21\x23-\x7e]*")
"""The pattern of a SOAPAction, without quotes, that can be an HTTP header."""


class Template(NamedTuple):
    """The request of one operation, compiled: fixed bytes with a slot for each argument.

    Attributes:
        action: the SOAPAction, without quotes; may be empty.
        pieces: the envelope's fixed bytes; one piece more than there are slots.
        slots: the documented names of the arguments between the pieces.
    """

    action: str
    pieces: tuple[bytes, ...]
    slots: tuple[str, ...]


class Bindings(NamedTuple):
    """The operations of one port, compiled.

    Attributes:
        soap: the version of SOAP.
        port: the port's name.
        templates: by the operation's documented name.
    """

    soap: SoapVersion
    port: str
    templates: Mapping[str, Template]

    def to_json(self) -> dict[str, Any]:
        """Return the bindings as data for ``json.dumps``."""
        return {
            "soap": self.soap,
            "port": self.port,
            "operations": {
                name: [one.action, [piece.decode() for piece in one.pieces], list(one.slots)]
                for name, one in self.templates.items()
            },
        }

    @classmethod
    def from_json(cls, data: Any, operations: Operations = OPERATIONS) -> Bindings:
        """Return the bindings that ``to_json`` made into data.

        Raises:
            ValueError: the data is something else, or does not fit the table of operations.
        """
        try:
            version: SoapVersion = data["soap"]
            templates = {
                name: Template(action, tuple(piece.encode() for piece in pieces), tuple(slots))
                for name, (action, pieces, slots) in data["operations"].items()
            }
            needed = {one.name for one in operations.values() if one.definition == "required"}
            if (
                version not in ENVELOPES
                or not isinstance(data["port"], str)
                or not needed <= set(templates)
                or not all(operations[name].accepts(one.slots) for name, one in templates.items())
                or not all(len(one.pieces) == len(one.slots) + 1 for one in templates.values())
                or not all(ACTION.fullmatch(one.action) for one in templates.values())
            ):
                raise ValueError("incomplete bindings")
            return cls(version, data["port"], templates)
        except (LookupError, TypeError, AttributeError) as error:
            raise ValueError("not bindings") from error


def changes(old: Bindings, new: Bindings) -> list[str]:
    """Return a line for each difference between the messages of ``old`` and ``new``; none if they are the same.

    Raises:
        ValueError: a message is not XML.
    """
    found = []
    if old.soap != new.soap:
        found.append(f"SOAP {old.soap} becomes {new.soap}")
    for name, one in old.templates.items():
        other = new.templates.get(name)
        if other is None:
            found.append(f"{name}: the operation is gone")
            continue
        before, after = summarize(one), summarize(other)
        if one.action != other.action:
            found.append(f'{name}: its action "{mask_text(one.action)}" becomes "{mask_text(other.action)}"')
        found += [
            f"{name}: its {what} {mask_text(before[what])} becomes {mask_text(after[what])}"
            for what in before
            if before[what] != after[what]
        ]
    return found


def summarize(template: Template) -> dict[str, str]:
    """Return the parts of an operation's message that matter to a server, ignoring prefixes and layout."""
    from lxml import etree

    marks = [f"slot{number}" for number in range(len(template.slots))]
    try:
        filled = b"".join(piece + mark.encode() for piece, mark in zip(template.pieces, [*marks, ""], strict=True))
        root = etree.fromstring(filled, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
        (wrapper,) = root[0]
        slots = dict(zip(marks, template.slots, strict=True))
        arguments = [(child, slots[child.text]) for child in wrapper.iter("*") if child.text in slots]
        names = [(etree.QName(child), slot) for child, slot in arguments]
        kinds = [(child, child.get(f"{{{XSI}}}type", "").rpartition(":")) for child, _ in arguments]
        return {
            "element": str(wrapper.tag),
            "arguments": ", ".join(
                name.localname if name.localname == slot else f"{name.localname} ({slot})" for name, slot in names
            ),
            "arguments' namespace": _join(name.namespace or "none" for name, _ in names),
            "arguments' types": _join(
                f"{{{child.nsmap.get(prefix or None)}}}{kind}" if kind else "none" for child, (prefix, _, kind) in kinds
            ),
            "encoding style": str(
                next((text for key, text in wrapper.attrib.items() if "encodingStyle" in str(key)), "none")
            ),
        }
    except (etree.LxmlError, LookupError, ValueError, TypeError) as error:
        raise ValueError("not messages") from error


def _join(values: Iterable[str]) -> str:
    """Return all values in one text; the value itself if all are the same."""
    every = list(values)
    return every[0] if len(set(every)) == 1 else ", ".join(every)
