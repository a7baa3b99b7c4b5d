"""The reader for any SOAP reply: its envelope as a tree, with workarounds for what real stacks send.

zeep is not used for it, since it mistakes nil, an empty element and embedded XML for one another and fails on replies
of real stacks (tests/recorded). Nothing here does I/O.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence

from lxml import etree

from jzysoap.definition.bindings import ENVELOPES
from jzysoap.encoding.charsets import decode, looks_like_html
from jzysoap.encoding.xml import has_doctype, parse, parse_part, repair_characters
from jzysoap.interface.base import says_no_service, status_error
from jzysoap.model.errors import MalformedReplyError, SoapFaultError
from jzysoap.model.http import HttpReply
from jzysoap.model.masking import mask_text
from jzysoap.results.parse import is_result

_ROOTS = {f"{{{namespace}}}Envelope" for namespace in ENVELOPES.values()}
_FAULTS = {f"{{{namespace}}}Fault" for namespace in ENVELOPES.values()}
_RPC_RESULT = "{http://www.w3.org/2003/05/soap-rpc}result"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
_NIL = f"{{{XSI}}}nil"
_ENCODING = "{http://www.w3.org/2003/05/soap-encoding}"

_DECLARATION = re.compile(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z][\w.:-]*)[\"']")
# Records that a stack embeds as markup instead of escaping them.
_RECORD_START = re.compile(r"<(?:[\w.-]+:)?(?:psreport|psrerecv)[\s>]")
_RECORD_END = re.compile(r"</(?:[\w.-]+:)?(?:psreport|psrerecv)\s*>")
_DOCUMENT = re.compile(r"<(?:[\w.-]+:)?(smsreport|smsrerecv)[\s/>].*</(?:[\w.-]+:)?\1\s*>", re.DOTALL)
_START = re.compile(r"<(?:[\w.-]+:)?Envelope[\s>]")
_END = re.compile(r"</(?:[\w.-]+:)?Envelope\s*>")
_INNER_DECLARATION = re.compile(r"<\?xml[^<>]*\?>")
_PREFIX = re.compile(r"(?:</?|\s)([A-Za-z_][\w.-]*):(?=[\w.-]+(?:\s*=|[\s/>]))")
_DECLARED_PREFIX = re.compile(r"\sxmlns:([\w.-]+)\s*=")
# Levels of elements in which a fault's text is looked for. In lxml, the time for a descent is the square of its depth.
_FAULT_DEPTH = 4


def read(reply: HttpReply, *, secrets: Iterable[str] = ()) -> str | None:
    """Return the result string of any reply; None for nil.

    Args:
        reply: the reply.
        secrets: texts that an error's message must not show.

    Raises:
        SoapFaultError, HttpStatusError, MalformedReplyError: as in ``SoapInterface.read``.
    """
    try:
        try:
            return _read_result(_parse(reply), secrets)
        except _MalformedError:
            # A malformed record among those embedded as markup must not cost the others.
            document = _DOCUMENT.search(decode(reply.body, _declared_charset(reply)))
            if document is None:
                raise
            return document[0]
    except _NotSoapError as problem:
        if reply.status >= 300:
            raise status_error(reply) from None
        raise MalformedReplyError(
            f"the gateway's answer is not a SOAP reply: {problem}",
            cut_off=problem.cut_off,
        ) from None


def read_part(reply: HttpReply) -> str:
    """Return the result string of a reply that was cut off, as far as it was received; without a half record."""
    body = reply.body
    with contextlib.suppress(UnicodeError):
        # Drop a last character that was cut off: it could make the rest look like another charset.
        body = codecs.getincrementaldecoder("utf-8")().decode(body).encode()
    text = decode(body, _declared_charset(reply))
    ends = list(_RECORD_END.finditer(text))
    starts = _RECORD_START.search(text)
    if ends:
        text = text[: ends[-1].end()]
    elif starts:
        # No embedded record is complete, and the parser below would close the first one.
        text = text[: starts.start()]
    cut_markup = text.find("<", text.rfind(">") + 1)
    text = _repair(text if cut_markup < 0 else text[:cut_markup])
    if text.rfind("<![CDATA[") > text.rfind("]]>"):
        text += "]]>"
    root = parse_part(text)
    try:
        return "" if root is None else _read_result(root, ()) or ""
    except (_NotSoapError, SoapFaultError, ValueError):
        # ValueError is lxml's, for illegal names and characters, which a recovering parser accepts.
        return ""


class _NotSoapError(Exception):
    """Something is not a SOAP reply; the text says why. Errors show the text, so it quotes nothing of the reply."""

    def __init__(self, why: str, *, cut_off: bool = False) -> None:
        super().__init__(why)
        self.cut_off = cut_off


class _MalformedError(_NotSoapError):
    """An envelope that is complete and not well-formed."""


def _parse(reply: HttpReply) -> etree._Element:
    body = reply.body
    if not body.strip():
        raise _NotSoapError("it is empty")
    text = decode(body, _declared_charset(reply))
    for prepare in (str, _repair, _declare_prefixes):
        document = prepare(text)
        # The repaired text is checked too, since noise may have hidden the DOCTYPE. That of a page in front of an
        # envelope defines nothing.
        page = looks_like_html(text)
        if has_doctype(document) and not (page and _END.search(text)):
            raise _NotSoapError("it is an HTML page" if page else "it has a DOCTYPE")
        with contextlib.suppress(etree.LxmlError):
            root = parse(document)
            if root.tag in _ROOTS or not _END.search(text):
                return root
    if _START.search(text) is None or (page and not _END.search(text)):
        raise _NotSoapError("it is an HTML page" if page else "it is not well-formed XML")
    if not _END.search(text):
        raise _NotSoapError("it ends in the middle of the envelope", cut_off=True)
    raise _MalformedError("it is not well-formed XML")


def _declared_charset(reply: HttpReply) -> str | None:
    declared = _DECLARATION.match(reply.body)
    return declared[1].decode() if declared else reply.charset


def _repair(text: str) -> str:
    """Remove what stands around the envelope, and repair its characters."""
    start = _START.search(text)
    # A DOCTYPE is left in, so that it is refused, unless it is that of a page.
    if start is None or ("<!doctype" in text[: start.start()].lower() and not looks_like_html(text)):
        text = text[max(text.find("<"), 0) :]
    else:
        text = text[start.start() :]
    ends = list(_END.finditer(text))
    # A document that was embedded as markup may have brought its declaration.
    return repair_characters(_INNER_DECLARATION.sub("", text[: ends[-1].end()] if ends else text))


def _declare_prefixes(text: str) -> str:
    """Repair an envelope, and declare the prefixes that it uses and does not declare."""
    text = _repair(text)
    unknown = set(_PREFIX.findall(text)) - set(_DECLARED_PREFIX.findall(text)) - {"xml", "xmlns"}
    start = _START.match(text)
    if start is None:
        return text
    place = start.end() - 1
    known = {"xsi": XSI, start[0][1:].partition(":")[0]: ENVELOPES["1.1"]}
    names = {prefix: known.get(prefix, f"urn:undeclared:{prefix}") for prefix in sorted(unknown)}
    declared = "".join(f' xmlns:{prefix}="{name}"' for prefix, name in names.items())
    return text[:place] + declared + text[place:]


def _read_result(root: etree._Element, secrets: Iterable[str]) -> str | None:
    if root.tag not in _ROOTS:
        raise _NotSoapError("its root element is not a SOAP envelope")
    body = root.find(f"{{{etree.QName(root).namespace}}}Body")
    if body is None:
        raise _NotSoapError("its envelope has no body")
    # "*" matches elements only: a recovering parser may leave references to entities among them.
    answer = next(body.iterchildren("*"), None)
    if answer is None:
        raise _NotSoapError("its body is empty")
    # node-soap sends a fault of SOAP 1.2 in an envelope of SOAP 1.1 (tests/recorded/README.md).
    if answer.tag in _FAULTS:
        raise _fault_error(answer, secrets)
    # Mono's rpc style in SOAP 1.2 begins with an element that only names the return (tests/recorded/README.md).
    values = [child for child in answer.iterchildren("*") if child.tag != _RPC_RESULT]
    if not values:
        # Some stacks omit a null result (tests/recorded/cxf-3.3.2-jaxws/getSmsReport_null). In document/literal bare
        # style, the answer itself has the text.
        return answer.text if answer.text and answer.text.strip() else None
    followed = [_follow(value, body) for value in values]
    texts = [text for text in map(_read_value, followed) if text is not None]
    # Some stacks return several values, such as an empty error or a code beside the result.
    result = _choose(texts)
    if result is not None and any(_count_records(part) for part in _unread(body, answer, followed)):
        raise _NotSoapError("it has records beside the result")
    return result


def _choose(texts: Sequence[str]) -> str | None:
    """Return the result among the values of an answer; None if all are nil."""
    filled = [text for text in texts if text.strip()]
    results = [text for text in filled if is_result(text)]
    if len(results) == 1:
        return results[0]
    if len(filled) < 2:
        return next(iter(filled or texts), None)
    if not results:
        return filled[0]
    # Several documents are read as one. Results that contradict each other are none.
    return ("" if all(map(_count_records, results)) else "\n").join(results)


def _unread(body: etree._Element, answer: etree._Element, read: Sequence[etree._Element]) -> Iterator[str]:
    for element in body.iterchildren("*"):
        if element is not answer and not any(element is one for one in read):
            yield etree.tostring(element, encoding="unicode")


def _count_records(text: str) -> int:
    return text.count("psreport") + text.count("psrerecv")


def _read_value(value: etree._Element) -> str | None:
    if value.get(_NIL, "").strip() in ("true", "1"):
        return None
    if not len(value):
        return value.text or ""
    # All children are serialized at once: one by one, each would repeat every namespace in scope.
    source = etree.tostring(value, encoding="unicode", with_tail=False)
    return (value.text or "") + source[source.index("<", 1) : source.rindex("</")]


def _follow(value: etree._Element, body: etree._Element) -> etree._Element:
    """Return the element that has the value: in rpc/encoded style, the answer may only refer to it (multiRef)."""
    targets: dict[str, etree._Element] | None = None
    while reference := _reference(value):
        if targets is None:
            targets = {_identifier(target): target for target in body.iterchildren("*")}
        # Each target is used once, so that a cycle of references ends.
        target = targets.pop(reference, None)
        if target is None:
            raise _NotSoapError("it has a reference without a target")
        value = target
    if value.get("href") and not value.text and not len(value):
        # Interpreted as an empty text, the reply would be a poll without records.
        raise _NotSoapError("its value is in an attachment")
    return value


def _reference(value: etree._Element) -> str:
    """Return the identifier that an element refers to, in either version of SOAP; empty for none."""
    href = value.get("href", "")
    if href.startswith("#"):
        return href[1:] or "#"
    return value.get(f"{_ENCODING}ref") or ("" if value.text or len(value) else value.get("ref")) or ""


def _identifier(target: etree._Element) -> str:
    return target.get(f"{_ENCODING}id") or target.get("id") or ""


def _fault_error(fault: etree._Element, secrets: Iterable[str]) -> SoapFaultError:
    parts = {etree.QName(child).localname: child for child in fault.iterchildren("*")}
    code = _read_text(parts.get("faultcode", parts.get("Code")))
    text = _read_text(parts.get("faultstring", parts.get("Reason")))
    actor = _read_text(parts.get("faultactor", parts.get("Role", parts.get("Node"))))
    detail = parts.get("detail", parts.get("Detail"))
    return SoapFaultError(
        f"the gateway answered with a SOAP fault: {mask_text(code, secrets)}: {mask_text(text, secrets)}",
        not says_no_service(text),
        code=code,
        text=text,
        actor=actor or None,
        detail=None if detail is None else etree.tostring(detail, encoding="unicode", with_tail=False),
    )


def _read_text(element: etree._Element | None) -> str:
    """Return the text of a part of a fault; in SOAP 1.2, the part's first child has it."""
    if element is None:
        return ""
    for _ in range(_FAULT_DEPTH):
        if len(element):
            element = element[0]
    return (element.text or "").strip()
