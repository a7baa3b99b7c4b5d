"""The document of a poll to its records, whatever state the document is in.

A bad record does not cost the others, nothing that came is dropped without a word, and whether the document comes to
its end is always told. What the fields of a record mean is not known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from lxml import etree

from jzysoap.encoding.xml import mend, parse
from jzysoap.model.values import Rejected
from jzysoap.results.records import Schema

T = TypeVar("T")

_LEAD = re.compile(r"[^<]*(?:<(?:\?[^<>]*>?|!--.*?-->)[^<]*)*", re.DOTALL)
"""What may stand before a document's root: noise, declarations (the vendor page's is broken), comments; no DOCTYPE."""

_TAG = re.compile(r"<(/?)(?:[\w.-]+:)?([\w.-]+)(?:\s+[^\s=<>\"'/]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*\s*(/?)>")
_BLANK = " \t\r\n\ufeff-"
"""What stands between records in a pretty-printed document; the hyphens are the vendor page's."""


@dataclass(slots=True)
class Found(Generic[T]):
    """What was found in a document, and whether the document comes to its end."""

    schema: Schema[T]
    whole: bool = False
    records: list[T] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)

    def take(self, element: etree._Element) -> None:
        model = self.schema.read(_fields(element))
        if model is not None:
            self.records.append(model)
        else:
            self.rejected.append(Rejected(_source(element), "it has no mobile"))

    def stray(self, source: str | None) -> None:
        """What stands between records: noise is let go, anything else may be the rest of a record."""
        if source and source.strip(_BLANK):
            self.rejected.append(Rejected(source, f"it is no <{self.schema.record}>"))


def find_records(schema: Schema[T], text: str) -> Found[T] | None:
    """The records of a document; None where it is none of this schema.

    The document is parsed as it is, else mended, else record by record.
    """
    lead = _LEAD.match(text)
    body = text[lead.end() if lead else 0 :]
    found = Found(schema)
    root = re.match(rf"<(?:[\w.-]+:)?{schema.root}(?=[\s/>]|\Z)", body)
    if root is None:
        # Cut before its root was there?
        cut = body.startswith("<!--") or f"<{schema.root}".startswith(body)
        return found if cut and "<" in text else None
    end = body.rfind(">") + 1
    element = _parse(body[:end])
    if element is None:
        body = _repair(body)
        element = _parse(body[: body.rfind(">") + 1])
    if element is None:
        _scan(found, body)
        return found
    found.whole = True
    found.stray(element.text)
    for child in element:
        if _name(child) == schema.record:
            found.take(child)
        else:
            found.stray(_source(child))
        found.stray(child.tail)
    return found


def _parse(document: str) -> etree._Element | None:
    try:
        # A lone surrogate would become a question mark, which nobody could tell from a real one.
        document.encode()
        return parse(document)
    except (etree.LxmlError, UnicodeEncodeError):
        return None


def _repair(document: str) -> str:
    """A document made legal where it is known how.

    CDATA becomes text, prefixes and attributes, which say nothing here and may be undeclared, go; characters and
    references that XML does not allow and bare ampersands are mended.
    """
    parts = []
    done = 0
    while (start := document.find("<![CDATA[", done)) >= 0 and (end := document.find("]]>", start)) >= 0:
        data = document[start + 9 : end].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        parts += [document[done:start], data]
        done = end + 3
    document = "".join(parts) + document[done:]
    return mend(_TAG.sub(r"<\1\2\3>", document).replace("]]>", "]]&gt;"))


def _scan(found: Found[T], body: str) -> None:
    """Reads a repaired document that still does not parse, each record by itself."""
    schema = found.schema
    tag = re.compile(rf"<(/?)({schema.root}|{schema.record})(?=[\s/>])[^<>]*>")
    begun = inside = cut = False
    opened: int | None = None
    done = 0
    for match in tag.finditer(body):
        closing, name, alone = bool(match[1]), match[2], match[0].endswith("/>")
        if opened is not None and (name == schema.root or not closing):
            found.rejected.append(Rejected(body[opened : match.start()], "it is not closed"))
            opened = None
        elif opened is None and inside:
            found.stray(body[done : match.start()])
        if name == schema.root:
            # A second document that begins before the first one ended: the first was cut off.
            cut = cut or (inside and not closing)
            begun, inside = True, not closing and not alone
        elif closing and opened is not None:
            _alone(found, body[opened : match.end()])
            opened = None
        elif alone:
            _alone(found, match[0])
        elif not closing:
            opened = match.start()
        done = match.end()
    found.whole = begun and not inside and not cut and opened is None


def _alone(found: Found[T], source: str) -> None:
    element = _parse(source)
    if element is None:
        found.rejected.append(Rejected(source, "it is not well-formed"))
    else:
        found.take(element)


def _name(element: etree._Element) -> str:
    tag = element.tag
    return tag if tag[0] != "{" else tag.rpartition("}")[2]


def _source(element: etree._Element) -> str:
    return etree.tostring(element, encoding="unicode", with_tail=False)


def _fields(element: etree._Element) -> dict[str, str]:
    """The fields of a record as they came.

    What does not fit is kept under a name that no element can have: a repeated field as ``mobile#2``, markup in a field
    as ``mobile#xml``, text between fields as ``#text``.
    """
    fields: dict[str, str] = {}
    seen: dict[str, int] = {}
    stray = element.text or ""
    for child in element:
        name = _name(child)
        value = child.text or ""
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            name = f"{name}#{seen[name]}"
        if len(child):
            fields[f"{name}#xml"] = _source(child)
            value = "".join(str(part) for part in child.itertext())
        fields[name] = value
        if child.tail and child.tail.strip(_BLANK):
            stray += child.tail
    if stray.strip(_BLANK):
        fields["#text"] = stray
    return fields
