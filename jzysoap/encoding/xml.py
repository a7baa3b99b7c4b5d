"""XML from servers that do not always write well-formed XML: parsed strictly, after repairs that stay visible.

libxml2's own recovery is used only for documents that are cut off, since it discards text silently.
"""

from __future__ import annotations

import re

from lxml import etree

from jzysoap.encoding.charsets import ILLEGAL

# The prolog before a DOCTYPE or the root: a declaration, comments, other instructions; a second byte order mark.
_PROLOG = re.compile(r"(?:[\s\ufeff]+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_ROOT = re.compile(r"<[^!?]")
# A CDATA section, up to the end of the text if it is not closed.
_CDATA = re.compile(r"(<!\[CDATA\[.*?(?:\]\]>|\Z))", re.DOTALL)
_REFERENCE = re.compile(r"&#(?:[xX]([0-9a-fA-F]{1,8})|([0-9]{1,8}));")
_HIGH, _LOW = r"(?:[xX]([dD][89abAB][0-9a-fA-F]{2})|(5[56]\d{3}))", r"(?:[xX]([dD][c-fC-F][0-9a-fA-F]{2})|(5[67]\d{3}))"
_PAIR = re.compile(f"&#{_HIGH};&#{_LOW};")
_BARE_AMPERSAND = re.compile(r"&(?!(?:lt|gt|amp|quot|apos|#[0-9]+|#[xX][0-9a-fA-F]+);)")


MIN_CHARACTERS_PER_TAG = 6
"""A tree takes about 100 bytes for each tag. Real records have 9 characters or more for each. The tree of a document of
shorter ones would take many times the document's size."""
ALLOWED_TAGS = 10_000
"""Tags that any document may have, however short they are."""


class TooManyTagsError(etree.LxmlError):
    """A document whose tree would take far more memory than the document."""

    def __init__(self) -> None:
        super().__init__("it is nearly all tags")


def parse(text: str) -> etree._Element:
    """Return the root element of a decoded document; the charset that it declares is ignored.

    Raises:
        lxml.etree.LxmlError: the document is not well-formed, has a DOCTYPE, or is nearly all tags.
    """
    if has_too_many_tags(text):
        raise TooManyTagsError
    return etree.fromstring(_from_root(text), _parser())


def has_too_many_tags(text: str) -> bool:
    """Return True if the tree of a document would take far more memory than the document."""
    return text.count("<") > ALLOWED_TAGS + len(text) // MIN_CHARACTERS_PER_TAG


def parse_part(text: str) -> etree._Element | None:
    """Return the root element of a document that was cut off, with all open elements closed; None without a root."""
    if has_too_many_tags(text):
        return None
    try:
        return etree.fromstring(_from_root(text), _parser(recover=True))
    except etree.LxmlError:
        return None


def _from_root(text: str) -> bytes:
    """Return a document from its root element on; empty if the prolog is followed by anything else.

    The parser never sees a DOCTYPE: some versions of libxml2 expand an entity bomb even in a document that they then
    refuse. It never sees a declaration either, since some versions refuse an unknown charset.
    """
    root = _root_start(text)
    return text[root:].encode("utf-8", "replace") if _ROOT.match(text, root) else b""


def _parser(*, recover: bool = False) -> etree.XMLParser:
    # Without huge_tree, libxml2 refuses texts above 10 MB. No entity is expanded, nothing is fetched.
    return etree.XMLParser(
        encoding="utf-8",
        recover=recover,
        huge_tree=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )


def has_doctype(text: str) -> bool:
    """Return True if a document has a DOCTYPE, which no reply needs and which may define entities."""
    return text.startswith("<!", _root_start(text))


def _root_start(text: str) -> int:
    prolog = _PROLOG.match(text)
    return prolog.end() if prolog else 0


def repair_characters(text: str) -> str:
    """Repair single characters that are not legal XML.

    A pair of references to surrogates becomes the character that it means (Axis 1.4; see tests/recorded/README.md). A
    bare ampersand becomes ``&amp;``. Every other illegal character becomes U+FFFD, so that the loss is visible. In a
    CDATA section, which has no references, only illegal characters are replaced.
    """
    pieces = _CDATA.split(text)
    # split() puts the CDATA sections at the odd places.
    pieces[::2] = [_repair_references(piece) for piece in pieces[::2]]
    return ILLEGAL.sub("\ufffd", "".join(pieces))


def _repair_references(text: str) -> str:
    text = _PAIR.sub(_join_surrogates, text)
    text = _REFERENCE.sub(_legal_reference, text)
    return _BARE_AMPERSAND.sub("&amp;", text)


def _join_surrogates(pair: re.Match[str]) -> str:
    high = int(pair[1], 16) if pair[1] else int(pair[2])
    low = int(pair[3], 16) if pair[3] else int(pair[4])
    if 0xD800 <= high <= 0xDBFF and 0xDC00 <= low <= 0xDFFF:
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    return pair[0]


def _legal_reference(reference: re.Match[str]) -> str:
    number = int(reference[1], 16) if reference[1] else int(reference[2])
    if number > 0x10FFFF or ILLEGAL.match(chr(number)):
        return "\ufffd"
    return reference[0]
