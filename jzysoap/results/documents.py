"""The slow path for a poll's document: any document to its records, also if it is malformed or cut off.

A malformed record does not cost the others, nothing is discarded silently, and a document that is not complete is
reported as such. The meaning of the fields is known to ``records``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from lxml import etree

from jzysoap.encoding.xml import has_doctype, has_too_many_tags, parse, repair_characters
from jzysoap.model.values import Rejected
from jzysoap.results.schema import Schema

T = TypeVar("T")

_LEAD = re.compile(r"[^<]*(?:<(?:\?[^<>]*>?|!--.*?-->)[^<]*)*", re.DOTALL)
"""Content before a document's root (docs/protocol.md#what-deployments-do): noise, declarations, which may be malformed,
and comments; no DOCTYPE."""

_TAG = re.compile(r"<(/?)(?:[\w.-]+:)?([\w.-]+)(?:\s+[^\s=<>\"'/]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*\s*(/?)>")
_BLANK = " \t\r\n\ufeff-"
"""Characters between records that are ignored; the hyphens are in the vendor's samples."""


@dataclass(slots=True)
class Document(Generic[T]):
    """A document that was read.

    Attributes:
        schema: the kind of document.
        complete: False if the document was cut off.
        records: the models of its records.
        rejected: the records that could not be read, and everything else that is not a record.
    """

    schema: Schema[T]
    complete: bool = False
    records: list[T] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)

    def add(self, element: etree._Element) -> None:
        """Add a record's element."""
        model = self.schema.read(_read_fields(element))
        if model is not None:
            self.records.append(model)
        else:
            self.rejected.append(Rejected(_serialize(element), "it has no mobile"))

    def add_stray(self, source: str | None) -> None:
        """Add content between records: blanks are ignored, anything else may be the rest of a record."""
        if source and source.strip(_BLANK):
            self.rejected.append(Rejected(source, f"it is not a <{self.schema.record}>"))


def read_document(schema: Schema[T], text: str) -> Document[T] | None:
    """Read a document; None if it is not of this schema.

    The document is parsed verbatim. If that fails, it is repaired; if that fails, it is read record by record.
    """
    lead = _LEAD.match(text)
    body = text[lead.end() if lead else 0 :]
    document = Document(schema)
    pattern = re.compile(rf"<(?:[\w.-]+:)?{schema.root}(?=[\s/>]|\Z)")
    root = pattern.match(body)
    if root is None and not body.startswith("<!--") and not has_doctype(body):
        # Markup in front, such as a notice of PHP, is noise unless it has records.
        root = pattern.search(body)
        if root is not None and f"{schema.record}>" in body and schema.record not in body[: root.start()]:
            body = body[root.start() :]
        else:
            root = None
    if root is None:
        # The document may have been cut off before its root element.
        cut = body.startswith("<!--") or f"<{schema.root}".startswith(body)
        return document if cut and "<" in text else None
    end = body.rfind(">") + 1
    element = _parse(body[:end])
    if element is None and not has_too_many_tags(body):
        body = _repair(body)
        element = _parse(body[: body.rfind(">") + 1])
    if element is None:
        _read_one_by_one(document, body)
        return document
    document.complete = True
    document.add_stray(element.text)
    for child in element:
        if _local_name(child) == schema.record:
            document.add(child)
        else:
            document.add_stray(_serialize(child))
        document.add_stray(child.tail)
    return document


def _parse(source: str) -> etree._Element | None:
    try:
        # encode() raises for a lone surrogate, which the parser would silently turn into a question mark.
        source.encode()
        return parse(source)
    except (etree.LxmlError, UnicodeEncodeError):
        return None


def _repair(source: str) -> str:
    """Repair what is known to be malformed in documents.

    CDATA becomes text. Prefixes and attributes are dropped, since they mean nothing here and may be undeclared. Illegal
    characters and references are repaired.
    """
    parts = []
    done = 0
    while (start := source.find("<![CDATA[", done)) >= 0 and (end := source.find("]]>", start)) >= 0:
        data = source[start + 9 : end].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        parts += [source[done:start], data]
        done = end + 3
    source = "".join(parts) + source[done:]
    return repair_characters(_TAG.sub(r"<\1\2\3>", source).replace("]]>", "]]&gt;"))


def _read_one_by_one(document: Document[T], body: str) -> None:
    """Read a repaired document that is still malformed, each record by itself."""
    schema = document.schema
    tag = re.compile(rf"<(/?)({schema.root}|{schema.record})(?=[\s/>])[^<>]*>")
    begun = inside = cut = False
    opened: int | None = None
    done = 0
    for match in tag.finditer(body):
        closing, name, empty = bool(match[1]), match[2], match[0].endswith("/>")
        if opened is not None and (name == schema.root or not closing):
            document.rejected.append(Rejected(body[opened : match.start()], "it is not closed"))
            opened = None
        elif opened is None and inside:
            document.add_stray(body[done : match.start()])
        if name == schema.root:
            # A second document begins before the first one ends: the first was cut off.
            cut = cut or (inside and not closing)
            begun, inside = True, not closing and not empty
        elif closing and opened is not None:
            _add_source(document, body[opened : match.end()])
            opened = None
        elif empty:
            _add_source(document, match[0])
        elif not closing:
            opened = match.start()
        done = match.end()
    document.complete = begun and not inside and not cut and opened is None


def _add_source(document: Document[T], source: str) -> None:
    element = _parse(source)
    if element is None:
        document.rejected.append(Rejected(source, "it is not well-formed"))
    else:
        document.add(element)


def _local_name(element: etree._Element) -> str:
    tag = element.tag
    return tag if tag[0] != "{" else tag.rpartition("}")[2]


def _serialize(element: etree._Element) -> str:
    return etree.tostring(element, encoding="unicode", with_tail=False)


def _read_fields(element: etree._Element) -> dict[str, str]:
    """Return the fields of a record, verbatim.

    Anything else is kept under a name that no element can have: a repeated field as ``mobile#2``, markup in a field as
    ``mobile#xml``, text between fields as ``#text``.
    """
    fields: dict[str, str] = {}
    seen: dict[str, int] = {}
    stray = element.text or ""
    for child in element:
        name = _local_name(child)
        value = child.text or ""
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            name = f"{name}#{seen[name]}"
        if len(child):
            fields[f"{name}#xml"] = _serialize(child)
            value = "".join(str(part) for part in child.itertext())
        fields[name] = value
        if child.tail and child.tail.strip(_BLANK):
            stray += child.tail
    if stray.strip(_BLANK):
        fields["#text"] = stray
    return fields
