"""The bindings of a service, compiled: plain data, which is saved, used and compared without zeep.

``compiler`` makes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from jzysoap.model.masking import mask_text
from jzysoap.settings.checks import DOCUMENTED_ARGUMENTS

SIGNATURES: Mapping[str, tuple[str, ...]] = {
    "sendSms": DOCUMENTED_ARGUMENTS,
    "getRestMoney": DOCUMENTED_ARGUMENTS[:2],
    "getSmsReport": DOCUMENTED_ARGUMENTS[:2],
    "getRecvSMS": DOCUMENTED_ARGUMENTS[:2],
}
"""The documented operations (vendor page, part two). The last argument of a send is seen in deployments only."""

ENVELOPES: Mapping[Literal["1.1", "1.2"], str] = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}
"""The namespace of an envelope, by the version of SOAP."""

XSI = "http://www.w3.org/2001/XMLSchema-instance"
ACTION = re.compile(r"[\x21\x23-\x7e]*")
"""A SOAPAction that can be an HTTP header; without quotes."""


class Operation(NamedTuple):
    """One operation, compiled.

    Attributes:
        action: its SOAPAction, without quotes; may be empty.
        pieces: the envelope's fixed bytes: one more than there are slots.
        slots: which argument goes between each two of them, as the documentation spells it.
    """

    action: str
    pieces: tuple[bytes, ...]
    slots: tuple[str, ...]


class Bindings(NamedTuple):
    """The four operations of one port, compiled.

    Attributes:
        soap: the version of SOAP.
        port: the port's name.
        operations: by their documented names.
    """

    soap: Literal["1.1", "1.2"]
    port: str
    operations: Mapping[str, Operation]

    def to_json(self) -> dict[str, Any]:
        """As data for ``json.dumps``."""
        return {
            "soap": self.soap,
            "port": self.port,
            "operations": {
                name: [operation.action, [piece.decode() for piece in operation.pieces], list(operation.slots)]
                for name, operation in self.operations.items()
            },
        }

    @classmethod
    def from_json(cls, data: Any) -> Bindings:
        """What ``to_json`` gave.

        Raises:
            ValueError: it is something else.
        """
        try:
            operations = {
                name: Operation(action, tuple(piece.encode() for piece in pieces), tuple(slots))
                for name, (action, pieces, slots) in data["operations"].items()
            }
            if (
                data["soap"] not in ENVELOPES
                or not isinstance(data["port"], str)
                or set(operations) != set(SIGNATURES)
                or not all(complete(name, one.slots) for name, one in operations.items())
                or not all(len(one.pieces) == len(one.slots) + 1 for one in operations.values())
                or not all(ACTION.fullmatch(one.action) for one in operations.values())
            ):
                raise ValueError("incomplete bindings")
            return cls(data["soap"], data["port"], operations)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("no bindings") from error


def changes(old: Bindings, new: Bindings) -> list[str]:
    """What is sent otherwise with ``new`` than with ``old``, one line each; none where the same is sent.

    Raises:
        ValueError: the messages of one of them are no XML.
    """
    found = []
    if old.soap != new.soap:
        found.append(f"SOAP {old.soap} becomes {new.soap}")
    for name in SIGNATURES:
        one, other = old.operations[name], new.operations[name]
        before, after = _said(one), _said(other)
        if one.action != other.action:
            found.append(f'{name}: its action "{mask_text(one.action)}" becomes "{mask_text(other.action)}"')
        found += [
            f"{name}: its {what} {mask_text(before[what])} becomes {mask_text(after[what])}"
            for what in before
            if before[what] != after[what]
        ]
    return found


def complete(operation: str, slots: Sequence[str]) -> bool:
    """Whether they are the documented arguments, each once, in any order; the last of a send may be missing."""
    documented = SIGNATURES[operation]
    return sorted(slots) in (sorted(documented), sorted(documented[:6]))


def _said(operation: Operation) -> dict[str, str]:
    """What an operation's message says, without how it is spelled."""
    from lxml import etree

    marks = [f"slot{number}" for number in range(len(operation.slots))]
    try:
        filled = b"".join(piece + mark.encode() for piece, mark in zip(operation.pieces, [*marks, ""], strict=True))
        root = etree.fromstring(filled, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
        (wrapper,) = root[0]
        slots = dict(zip(marks, operation.slots, strict=True))
        arguments = [(child, slots[child.text]) for child in wrapper.iter("*") if child.text in slots]
        names = [(etree.QName(child), slot) for child, slot in arguments]
        kinds = [(child, child.get(f"{{{XSI}}}type", "").rpartition(":")) for child, _ in arguments]
        return {
            "element": str(wrapper.tag),
            "arguments": ", ".join(
                name.localname if name.localname == slot else f"{name.localname} ({slot})" for name, slot in names
            ),
            "arguments' namespace": _each(name.namespace or "none" for name, _ in names),
            "arguments' types": _each(
                f"{{{child.nsmap.get(prefix or None)}}}{kind}" if kind else "none" for child, (prefix, _, kind) in kinds
            ),
            "encoding style": str(
                next((text for key, text in wrapper.attrib.items() if "encodingStyle" in str(key)), "none")
            ),
        }
    except (etree.LxmlError, LookupError, ValueError, TypeError) as error:
        raise ValueError("no messages") from error


def _each(values: Iterable[str]) -> str:
    """One value for what is the same of all, else all."""
    every = list(values)
    return every[0] if len(set(every)) == 1 else ", ".join(every)
