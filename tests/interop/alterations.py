"""The texts that are sent, and what becomes of them in stacks that alter some."""

from __future__ import annotations

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "chinese": "您的验证码是 1234，请勿泄露。",
    "markup": "a & b < c > d \" e ' f &amp; &#33;",
    "cdata": "a]]>b<![CDATA[c]]>",
    "line feed": "one\ntwo\n\nfour",
    "crlf": "one\r\ntwo",
    "carriage return": "one\rtwo",
    "tab": "one\ttwo",
    "edges": "  two spaces  ",
    "edge breaks": "\n\tone\t\n",
    "emoji": "😀👍🏽",
    "rare": "𠮷野家",
}

# XFire 1.2 reads every argument with its white space at both ends cut off (Aegis, on XMLStreamReader's text).
_STRIPPED = {("xfire", "edges"): "two spaces", ("xfire", "edge breaks"): "one"}

ARRIVES: Mapping[tuple[str, str], str] = _STRIPPED
"""The text that arrives, by stack and text, if it is another one."""

# Axis 1.4 writes a carriage return as it is, where XML wants &#13;: for every reader of XML it is a line feed then.
_BARE = {("axis", "crlf"): "one\ntwo", ("axis", "carriage return"): "one\ntwo"}

RETURNS: Mapping[tuple[str, str], str] = _BARE
"""The text in the answer, if it is not the one that arrived."""
