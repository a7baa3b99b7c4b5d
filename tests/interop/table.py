"""The tables of ``docs/compatibility.md`` and its Chinese counterpart, from what a run found out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.interop.alterations import ARRIVES, RETURNS
from tests.interop.ledger import Facts, Ledger

DOCS = Path(__file__).parent.parent.parent / "docs"

CHECKS = (
    "test_definition",
    "test_operations",
    "test_arguments",
    "test_texts",
    "test_null_and_empty",
    "test_failure",
    "test_fault",
    "test_five_megabytes",
    "test_a_hundred_thousand_reports",
)
"""The tests of ``test_servers.py``, in the order in which the documents explain them."""


@dataclass(frozen=True, slots=True)
class Language:
    """The words of one of the two documents."""

    document: str
    servers: tuple[str, ...]
    clients: tuple[str, ...]
    everything: str
    but: str
    not_yet: str
    nothing: str
    to: str
    arriving: str
    returning: str
    parts: str
    texts: Mapping[str, str]


ENGLISH = Language(
    "compatibility.md",
    ("service", "stack", "version", "style", "SOAP", "arguments of `sendSms`", "passes", "altered"),
    ("client", "stack", "version", "SOAP", "passes"),
    "all",
    "all but {}",
    "not yet",
    "nothing",
    "{} to {}",
    "arriving: {}",
    "in answers: {}",
    "{} documents",
    {
        "crlf": "CR LF becomes LF",
        "carriage return": "CR becomes LF",
        "edges": "spaces at the edges are cut off",
        "edge breaks": "line breaks and tabs at the edges are cut off",
    },
)

CHINESE = Language(
    "compatibility.zh-CN.md",
    ("服务", "框架", "版本", "风格", "SOAP", "`sendSms` 的参数", "通过", "被改动的内容"),
    ("客户端", "框架", "版本", "SOAP", "通过"),
    "全部",
    "除 {} 外全部",
    "尚未支持",
    "无",
    "{} 至 {}",
    "送达时：{}",
    "返回时：{}",
    "{} 个文档",
    {
        "crlf": "CR LF 变成 LF",
        "carriage return": "CR 变成 LF",
        "edges": "首尾空格被去掉",
        "edge breaks": "首尾的换行和制表符被去掉",
    },
)

LANGUAGES = (ENGLISH, CHINESE)


def tables(ledger: Ledger, language: Language) -> tuple[str, str]:
    """The table of servers and that of clients."""
    servers = [_server(name, facts, ledger, language) for name, facts in ledger.facts.items() if "/" in name]
    clients = [
        [f"`{name}`", facts.title, facts.version, ", ".join(facts.soap), _passes(ledger.outcomes[name], language)]
        for name, facts in ledger.facts.items()
        if "/" not in name
    ]
    return _table(language.servers, servers), _table(language.clients, clients)


def updated(document: str, made: tuple[str, str]) -> str:
    """A document with these tables in place of those between its marks."""
    for name, table in zip(("servers", "clients"), made, strict=True):
        before, mark, rest = document.partition(f"<!-- {name}: made by tox -e interop -->\n")
        _, end, after = rest.partition("<!-- end -->")
        if not end:
            raise ValueError(f"the document has no place for the table of {name}")
        document = before + mark + table + end + after
    return document


def without_local_versions(document: str) -> str:
    """Without the version of PHP, which is that of the machine."""
    return re.sub(r"(?m)^(\| `php[^|]*\|[^|]*\|)[^|]*\|", r"\1 |", document)


def _server(name: str, facts: Facts, ledger: Ledger, language: Language) -> list[str]:
    style = facts.style
    if facts.documents > 1:
        style += ", " + language.parts.format(facts.documents)
    first, last = facts.arguments[0], facts.arguments[-1]
    return [
        f"`{name}`",
        facts.title,
        facts.version,
        style,
        ", ".join(facts.soap),
        f"{len(facts.arguments)}: " + language.to.format(f"`{first}`", f"`{last}`"),
        _passes(ledger.outcomes[name], language),
        _altered(name, ledger, language),
    ]


def _passes(outcomes: Mapping[str, set[str]], language: Language) -> str:
    failing = [str(CHECKS.index(test) + 1) for test in CHECKS if outcomes.get(test, set()) - {"passed"}]
    awaited = any("awaited" in kinds for kinds in outcomes.values())
    if awaited:
        return language.not_yet
    return language.but.format(", ".join(failing)) if failing else language.everything


def _altered(service: str, ledger: Ledger, language: Language) -> str:
    if ledger.outcomes[service]["test_texts"] != {"passed"}:
        return "–"
    stack = service.partition("/")[0]
    found = []
    for template, alterations in ((language.arriving, ARRIVES), (language.returning, RETURNS)):
        kinds = [language.texts[kind] for name, kind in alterations if name == stack]
        if kinds:
            found.append(template.format(", ".join(kinds)))
    return "; ".join(found) or language.nothing


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, *rows]
    texts = ["| " + " | ".join(line) + " |" for line in lines]
    texts.insert(1, "|" + "---|" * len(head))
    return "\n".join(texts) + "\n"
