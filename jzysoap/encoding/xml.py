"""XML from servers that do not always write XML: parsed strictly, mended only in ways that are known and visible.

libxml2's own recovery is never used on a whole document: it drops text without a word.
"""

from __future__ import annotations

import re

from lxml import etree

from jzysoap.encoding.charsets import ILLEGAL

# What may stand before a DOCTYPE or the root: a declaration, comments, other instructions; a second byte order mark.
_PROLOG = re.compile(r"(?:[\s\ufeff]+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_ROOT = re.compile(r"<[^!?]")
# To its end, even where that did not come.
_CDATA = re.compile(r"(<!\[CDATA\[.*?(?:\]\]>|\Z))", re.DOTALL)
_REFERENCE = re.compile(r"&#(?:[xX]([0-9a-fA-F]{1,8})|([0-9]{1,8}));")
_HIGH, _LOW = r"(?:[xX]([dD][89abAB][0-9a-fA-F]{2})|(5[56]\d{3}))", r"(?:[xX]([dD][c-fC-F][0-9a-fA-F]{2})|(5[67]\d{3}))"
_PAIR = re.compile(f"&#{_HIGH};&#{_LOW};")
_BARE_AMPERSAND = re.compile(r"&(?!(?:lt|gt|amp|quot|apos|#[0-9]+|#[xX][0-9a-fA-F]+);)")


def parse(text: str) -> etree._Element:
    """The root element of a document, whatever charset it declares: it was decoded before.

    Raises:
        lxml.etree.XMLSyntaxError: it is not well-formed, or has a DOCTYPE.
    """
    return etree.fromstring(_from_root(text), _parser())


def parse_part(text: str) -> etree._Element | None:
    """The root element of a document that was cut off, with all that is open closed; None if there is none."""
    try:
        return etree.fromstring(_from_root(text), _parser(recover=True))
    except etree.XMLSyntaxError:
        return None


def _from_root(text: str) -> bytes:
    """A document from its root element on; empty where that does not come next.

    No parser ever sees a DOCTYPE, since some versions of libxml2 expand a bomb of entities even in a document that they
    then refuse; nor a declaration, since some refuse a charset that they do not know.
    """
    root = _root_start(text)
    return text[root:].encode("utf-8", "replace") if _ROOT.match(text, root) else b""


def _parser(*, recover: bool = False) -> etree.XMLParser:
    # Without huge_tree a text would end at 10 MB. No entity is expanded, nothing is fetched.
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
    """Whether a document has a DOCTYPE, which nothing here wants and which could hold anything."""
    return text.startswith("<!", _root_start(text))


def _root_start(text: str) -> int:
    prolog = _PROLOG.match(text)
    return prolog.end() if prolog else 0


def mend(text: str) -> str:
    """Makes legal what servers get wrong in single characters.

    A pair of references to surrogates (Axis 1.4) becomes the character it means, a bare ampersand its reference, and
    every character that XML cannot hold U+FFFD, so that it can be seen that something was there. In a CDATA section,
    where an ampersand stands for itself, only the last of these is done.
    """
    pieces = _CDATA.split(text)
    # The sections are at the odd places.
    pieces[::2] = [_mend_references(piece) for piece in pieces[::2]]
    return ILLEGAL.sub("\ufffd", "".join(pieces))


def _mend_references(text: str) -> str:
    text = _PAIR.sub(_joined, text)
    text = _REFERENCE.sub(_legal, text)
    return _BARE_AMPERSAND.sub("&amp;", text)


def _joined(pair: re.Match[str]) -> str:
    high = int(pair[1], 16) if pair[1] else int(pair[2])
    low = int(pair[3], 16) if pair[3] else int(pair[4])
    if 0xD800 <= high <= 0xDBFF and 0xDC00 <= low <= 0xDFFF:
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    return pair[0]


def _legal(reference: re.Match[str]) -> str:
    number = int(reference[1], 16) if reference[1] else int(reference[2])
    if number > 0x10FFFF or ILLEGAL.match(chr(number)):
        return "\ufffd"
    return reference[0]
