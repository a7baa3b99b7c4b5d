"""XML from servers that do not always write well-formed XML. All documents are made up."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st
from lxml import etree

from jzysoap.encoding.xml import has_doctype, parse, parse_part, repair_characters

ILLEGAL = "\x00\x01\x08\x0b\x0c\x0e\x1f\ufffe\uffff\ud800\udfff"
BOMB = "<!DOCTYPE a [<!ENTITY b 'bbbb'><!ENTITY c '&b;&b;&b;&b;'>]>"
PROLOGS = ("", " \r\n", "<?xml version='1.0'?>", "<?xml version='1.0'?>\n<!-- <a> -->\n<?x <!?>", "\ufeff\ufeff")


@pytest.mark.parametrize("declared", ["", "<?xml version='1.0' encoding='GBK'?>", "<?xml version='1.0'?>"])
def test_a_decoded_text_is_parsed_whatever_charset_it_declares(declared: str) -> None:
    assert parse(f"{declared}<a>余额不足😀</a>").text == "余额不足😀"


def test_comments_and_instructions_are_dropped_from_the_text() -> None:
    root = parse("<a>1<!-- x -->2<?x y?>3<![CDATA[4<b>]]>5</a>")
    assert (root.text, len(root)) == ("1234<b>5", 0)


def test_a_text_may_be_longer_than_ten_million_bytes() -> None:
    assert len(parse(f"<a>{'x' * 10_100_000}</a>").text or "") == 10_100_000


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "<a>", "<a>&nbsp;</a>", "<a>\x01</a>", "<a>&#1;</a>", "<a/><b/>", "x<a/>", "<?x <a/>", "<!-- <a/>"),
        *(prolog + BOMB + "<a/>" for prolog in (*PROLOGS, "<?xml version='1.0'>", "x")),
    ],
)
def test_malformed_documents_are_refused(text: str) -> None:
    with pytest.raises(etree.XMLSyntaxError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("<a><b>1</b><b>2", b"<a><b>1</b><b>2</b></a>"),
        ("<?xml version='1.0' encoding='GBK'?>\n<a>余", "<a>余</a>".encode()),
        ("\ufeff<!-- <b> --><a>1", b"<a>1</a>"),
    ],
)
def test_open_elements_of_a_part_are_closed(text: str, root: bytes) -> None:
    parsed = parse_part(text)
    assert parsed is not None
    assert etree.tostring(parsed, encoding="utf-8") == root


@pytest.mark.parametrize(
    "text",
    ["", "x", "<", "<?xml", "<?xml version='1.0'", "<!-- <a>", "<?xml version='1.0'><a>", *(p + BOMB for p in PROLOGS)],
)
def test_a_part_without_a_root_or_with_a_doctype_gives_none(text: str) -> None:
    assert parse_part(text) is None


def test_no_parser_sees_a_doctype() -> None:
    """The declaration lacks its question mark: some versions of libxml2 expand the bomb before they refuse it."""
    levels = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 10))
    bomb = f"<?xml version='1.0'><!DOCTYPE a [<!ENTITY e0 'xxxxxxxxxx'>{levels}]><a d='&e9;'>&e9;</a>"
    assert parse_part(bomb) is None
    with pytest.raises(etree.XMLSyntaxError):
        parse(bomb)


@pytest.mark.parametrize("prolog", PROLOGS)
def test_a_doctype_is_found_behind_any_prolog(prolog: str) -> None:
    assert has_doctype(f"{prolog}<!DOCTYPE html><html/>")
    assert not has_doctype(f"{prolog}<a><!-- <!DOCTYPE a> --></a>")


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        # Axis 1.4 writes an emoji as two surrogate references.
        ("&#xD83D;&#xDE00;", "😀"),
        ("&#Xd83d;&#xde00;", "😀"),
        ("&#55357;&#56832;", "😀"),
        ("&#xD83D;&#56832;", "😀"),
        ("&#xDBFF;&#xDFFF;", "\U0010ffff"),
        ("&#xD800;&#xDC00;", "\U00010000"),
        ("&#xD83D;", "\ufffd"),
        ("&#xDE00;&#xD83D;", "\ufffd\ufffd"),
        ("&#xD83D;-&#xDE00;", "\ufffd-\ufffd"),
        # Numbers that only look like surrogates.
        ("&#55295;&#56319;", "&#55295;\ufffd"),
        ("&#56320;&#57344;", "\ufffd&#57344;"),
        ("&#55999;&#57999;", "\ufffd&#57999;"),
        ("&#56999;&#56832;", "\ufffd\ufffd"),
        ("&#1;&#x1F;&#0;", "\ufffd\ufffd\ufffd"),
        ("&#x110000;&#99999999;&#xFFFE;", "\ufffd\ufffd\ufffd"),
        ("&#9;&#xA;&#13;&#x4F59;&#128512;&#x10FFFF;", "&#9;&#xA;&#13;&#x4F59;&#128512;&#x10FFFF;"),
        ("&lt;&gt;&amp;&quot;&apos;", "&lt;&gt;&amp;&quot;&apos;"),
        ("A&B & C&nbsp;D&;&#;&#x;&", "A&amp;B &amp; C&amp;nbsp;D&amp;;&amp;#;&amp;#x;&amp;"),
        ("\x01\x0b\ufffe\ud800\t\r\n\x85", "\ufffd\ufffd\ufffd\ufffd\t\r\n\x85"),
        # A CDATA section has no references.
        ("A&B<![CDATA[C&D&#1;\x01]]>E&F", "A&amp;B<![CDATA[C&D&#1;\ufffd]]>E&amp;F"),
        ("<![CDATA[A&B]]>&<![CDATA[C&D", "<![CDATA[A&B]]>&amp;<![CDATA[C&D"),
    ],
)
def test_single_characters_are_repaired(text: str, repaired: str) -> None:
    assert repair_characters(text) == repaired


PIECES = ("a", "余", "&", "&#", "&#x", ";", "1", "D83D", "&#xD83D;", "&#xDE00;", "&#1;", "&#55357;", "&amp;", *ILLEGAL)


@given(st.lists(st.sampled_from(PIECES) | st.characters(exclude_characters="<")).map("".join))
def test_repaired_text_is_always_legal(text: str) -> None:
    repaired = repair_characters(text)
    # A number with more digits than any character has is left for the parser to refuse.
    if not re.search(r"&#x?[0-9A-Fa-f]{9}", repaired):
        assert parse(f"<a>{repaired}</a>").tag == "a"
    assert repair_characters(repaired) == repaired


@given(
    st.text(
        st.characters(exclude_characters="<&\ufffe\uffff", exclude_categories=["Cs", "Cc"]) | st.sampled_from("\t\r\n")
    )
)
def test_legal_text_stays_the_same(text: str) -> None:
    assert repair_characters(text) == text
