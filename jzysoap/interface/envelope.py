"""The envelope of a reply, whatever a stack makes of it, by way of a tree.

Read here rather than by zeep, which takes nil, an empty element and embedded XML for the same thing and stumbles over
what real stacks send. Nothing here does I/O.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Iterable

from lxml import etree

from jzysoap.definition.bindings import ENVELOPES
from jzysoap.encoding.charsets import decode, looks_like_html
from jzysoap.encoding.xml import has_doctype, mend, parse, parse_part
from jzysoap.interface.base import status_error
from jzysoap.model.errors import MalformedReplyError, SoapFaultError
from jzysoap.model.http import HttpReply
from jzysoap.model.masking import mask_text

_ROOTS = {f"{{{namespace}}}Envelope" for namespace in ENVELOPES.values()}
_FAULTS = {f"{{{namespace}}}Fault" for namespace in ENVELOPES.values()}
_RPC_RESULT = "{http://www.w3.org/2003/05/soap-rpc}result"
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"

_DECLARATION = re.compile(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z][\w.:-]*)[\"']")
# Records that a stack puts unescaped into its answer.
_RECORD_START = re.compile(r"<(?:[\w.-]+:)?(?:psreport|psrerecv)[\s>]")
_RECORD_END = re.compile(r"</(?:[\w.-]+:)?(?:psreport|psrerecv)\s*>")
_END = re.compile(r"</(?:[\w.-]+:)?Envelope\s*>")
# How deep a fault's text may lie. Going down further, lxml would take the square of the depth in time.
_FAULT_DEPTH = 4


def read(reply: HttpReply, *, secrets: Iterable[str] = ()) -> str | None:
    """As ``soap.read``, whatever the reply looks like."""
    try:
        return _result(_parse(reply), secrets)
    except _NoReplyError as problem:
        if reply.status >= 300:
            raise status_error(reply) from None
        raise MalformedReplyError(
            f"the gateway's answer is no SOAP reply: {problem}",
            cut_off=problem.cut_off,
        ) from None


def read_part(reply: HttpReply) -> str:
    """As ``soap.read_part``."""
    body = reply.body
    with contextlib.suppress(UnicodeError):
        # A character cut in two must not make the rest look like another charset.
        body = codecs.getincrementaldecoder("utf-8")().decode(body).encode()
    text = decode(body, _declared(reply))
    ends = list(_RECORD_END.finditer(text))
    starts = _RECORD_START.search(text)
    if ends:
        text = text[: ends[-1].end()]
    elif starts:
        # A record embedded as markup, not one of them whole: the parser below would close it.
        text = text[: starts.start()]
    cut_markup = text.find("<", text.rfind(">") + 1)
    text = _mended(text if cut_markup < 0 else text[:cut_markup])
    if text.rfind("<![CDATA[") > text.rfind("]]>"):
        text += "]]>"
    root = parse_part(text)
    try:
        return "" if root is None else _result(root, ()) or ""
    except (_NoReplyError, SoapFaultError, ValueError):
        # The last is lxml's, of names and characters that are none: a recovering parser lets them pass.
        return ""


class _NoReplyError(Exception):
    """Why something is no SOAP reply; shown to the user, so it holds nothing of what came."""

    def __init__(self, what: str, *, cut_off: bool = False) -> None:
        super().__init__(what)
        self.cut_off = cut_off


def _parse(reply: HttpReply) -> etree._Element:
    body = reply.body
    if not body.strip():
        raise _NoReplyError("it is empty")
    text = decode(body, _declared(reply))
    for prepare in (str, _mended):
        document = prepare(text)
        # Asked of the mended text too: noise in front of it may have hidden the DOCTYPE.
        if has_doctype(document):
            raise _NoReplyError("it is an HTML page" if looks_like_html(text) else "it has a DOCTYPE")
        with contextlib.suppress(etree.LxmlError):
            return parse(document)
    if looks_like_html(text):
        raise _NoReplyError("it is an HTML page")
    if "Envelope" in text[:4096] and not _END.search(text):
        raise _NoReplyError("it ends in the middle of the envelope", cut_off=True)
    raise _NoReplyError("it is not well-formed XML")


def _declared(reply: HttpReply) -> str | None:
    declared = _DECLARATION.match(reply.body)
    return declared[1].decode() if declared else reply.charset


def _mended(text: str) -> str:
    """Without the noise around the envelope, and with its characters made legal."""
    text = text[max(text.find("<"), 0) :]
    ends = list(_END.finditer(text))
    return mend(text[: ends[-1].end()] if ends else text)


def _result(root: etree._Element, secrets: Iterable[str]) -> str | None:
    if root.tag not in _ROOTS:
        raise _NoReplyError("its root element is no SOAP envelope")
    body = root.find(f"{{{etree.QName(root).namespace}}}Body")
    if body is None:
        raise _NoReplyError("its envelope has no body")
    # Elements alone: a recovering parser may leave a reference to an entity among them.
    answer = next(body.iterchildren("*"), None)
    if answer is None:
        raise _NoReplyError("its body is empty")
    # A fault of the other version inside this version's envelope is seen too (node-soap).
    if answer.tag in _FAULTS:
        raise _fault(answer, secrets)
    values = [child for child in answer.iterchildren("*") if child.tag != _RPC_RESULT]
    if not values:
        # A null result is left out by some stacks; a bare answer has its text in itself.
        return answer.text if answer.text and answer.text.strip() else None
    value = _follow(values[0], body)
    if value.get(_NIL, "").strip() in ("true", "1"):
        return None
    return (value.text or "") + "".join(etree.tostring(child, encoding="unicode") for child in value)


def _follow(value: etree._Element, body: etree._Element) -> etree._Element:
    """The element that holds the value, where rpc/encoded only refers to it (multiRef)."""
    targets: dict[str, etree._Element] | None = None
    while (reference := value.get("href", "")).startswith("#"):
        if targets is None:
            targets = {target.get("id", ""): target for target in body.iterchildren("*")}
        # Each serves once: whoever came to it again would go round for ever.
        target = targets.pop(reference[1:], None) if reference[1:] else None
        if target is None:
            raise _NoReplyError("a reference in it leads nowhere")
        value = target
    if reference and not value.text and not len(value):
        # Taken for an empty text, it would be a poll without records.
        raise _NoReplyError("its value is in an attachment")
    return value


def _fault(fault: etree._Element, secrets: Iterable[str]) -> SoapFaultError:
    parts = {etree.QName(child).localname: child for child in fault.iterchildren("*")}
    code = _words(parts.get("faultcode", parts.get("Code")))
    text = _words(parts.get("faultstring", parts.get("Reason")))
    actor = _words(parts.get("faultactor", parts.get("Role", parts.get("Node"))))
    detail = parts.get("detail", parts.get("Detail"))
    return SoapFaultError(
        f"the gateway answered with a SOAP fault: {mask_text(code, secrets)}: {mask_text(text, secrets)}",
        code=code,
        text=text,
        actor=actor or None,
        detail=None if detail is None else etree.tostring(detail, encoding="unicode", with_tail=False),
    )


def _words(element: etree._Element | None) -> str:
    """The text of a fault's part: its own in SOAP 1.1, that of its first child in 1.2."""
    if element is None:
        return ""
    for _ in range(_FAULT_DEPTH):
        if len(element):
            element = element[0]
    return (element.text or "").strip()
