"""Overloaded operations: several forms of one name, as WSDL 1.1 allows, told apart before zeep sees them.

zeep knows operations by name alone, so it would send the message of one form under the SOAPAction of another. WSDL
tells forms apart by the names of input and output.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from copy import deepcopy

from lxml import etree

from jzysoap.definition.documents import WSDL

_OPERATION = f"{{{WSDL}}}operation"

MAX_FORMS = 8
"""Forms of one operation at most: zeep has to load the definition once for each."""

Owner = tuple[str, str]
"""The name of a port type or a binding, and the name of an operation in it."""


def separate(roots: Mapping[str, etree._Element], names: Container[str]) -> list[dict[str, etree._Element]]:
    """Return the documents as often as an operation has forms; in each copy, each operation has one form only.

    Args:
        roots: the root elements of the documents, by address.
        names: the operations that are used; the others are left alone.
    """
    forms = {owner: found for owner, found in _overloaded(roots.values(), names).items() if len(found) <= MAX_FORMS}
    if not forms:
        return [dict(roots)]
    return [
        {
            url: _keep(root, {owner: _key(found[min(number, len(found) - 1)]) for owner, found in forms.items()})
            for url, root in roots.items()
        }
        for number in range(max(map(len, forms.values())))
    ]


def find_unclear(roots: Iterable[etree._Element], names: Container[str]) -> dict[Owner, str]:
    """Return what to tell of each overloaded operation whose forms a binding does not tell apart."""
    roots = list(roots)
    forms = _overloaded(roots, names)
    unclear = {}
    for root in roots:
        for binding, port_type in _bindings(root):
            for name in {name for owner, name in forms if owner == port_type}:
                bound = Counter(_key(one) for one in binding.iterchildren(_OPERATION) if one.get("name") == name)
                known = Counter(map(_key, forms[port_type, name]))
                too_many = len(forms[port_type, name]) > MAX_FORMS
                if too_many or any(known[key] != 1 or times != 1 for key, times in bound.items()):
                    shown = " and ".join(_describe(one) for one in forms[port_type, name][:MAX_FORMS])
                    unclear[binding.get("name", ""), name] = f"it does not tell the forms of {name} apart: {shown}"
    return unclear


def _overloaded(roots: Iterable[etree._Element], names: Container[str]) -> dict[Owner, list[etree._Element]]:
    forms: dict[Owner, list[etree._Element]] = {}
    for root in roots:
        for port_type in root.iter(f"{{{WSDL}}}portType"):
            for operation in port_type.iterchildren(_OPERATION):
                if operation.get("name", "") in names:
                    forms.setdefault((port_type.get("name", ""), operation.get("name", "")), []).append(operation)
    return {owner: found for owner, found in forms.items() if len(found) > 1}


def _bindings(root: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    """Yield each binding with the name of its port type."""
    for binding in root.iter(f"{{{WSDL}}}binding"):
        yield binding, binding.get("type", "").rpartition(":")[2]


def _keep(root: etree._Element, kept: Mapping[Owner, tuple[str, str]]) -> etree._Element:
    """Return a copy of a document in which each overloaded operation has the given form alone."""
    copy = deepcopy(root)
    owners = [(one, one.get("name", "")) for one in copy.iter(f"{{{WSDL}}}portType")]
    for owner, port_type in (*owners, *_bindings(copy)):
        for operation in list(owner.iterchildren(_OPERATION)):
            if kept.get((port_type, operation.get("name", "")), _key(operation)) != _key(operation):
                owner.remove(operation)
    return copy


def _key(operation: etree._Element) -> tuple[str, str]:
    """Return the names of input and output. One without a name has the operation's with a suffix, as WSDL 1.1 says."""
    name = operation.get("name", "")
    given = [operation.find(f"{{{WSDL}}}{kind}") for kind in ("input", "output")]
    names = ["" if one is None else one.get("name", "") for one in given]
    return names[0] or f"{name}Request", names[1] or f"{name}Response"


def _describe(operation: etree._Element) -> str:
    parts = (operation.find(f"{{{WSDL}}}{kind}") for kind in ("input", "output"))
    messages = ["none" if one is None else one.get("message", "none") for one in parts]
    return "{} ({}) to {} ({})".format(*(text for pair in zip(_key(operation), messages, strict=True) for text in pair))
