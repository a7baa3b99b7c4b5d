"""The files of the inbox's page: their size, and what must not be in them. ``tests/inbox`` shows them in a browser."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from jzysoap.sandbox import Sandbox
from tests.kit.inbox import call

NAMES = ("index.html", "inbox.js", "inbox.css", "icon.svg")
MAX_BYTES = 70_000

_PAIR = re.compile(r'^  (\w+): \["((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"\],$', re.MULTILINE)


def read(name: str) -> str:
    return (files("jzysoap.sandbox") / "page" / name).read_text(encoding="utf-8")


def test_the_page_is_small() -> None:
    assert sum(len(read(name).encode()) for name in NAMES) <= MAX_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_each_file_is_served(sandbox: Sandbox, name: str) -> None:
    answer = call(sandbox, "GET", f"/../../inbox/{name}")
    assert (answer.status_code, answer.text) == (200, read(name))


def test_nothing_is_inline_or_of_another_host() -> None:
    html = read("index.html")
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=", html)
    for name in ("index.html", "inbox.js", "inbox.css"):
        assert not re.search(r"https?://|//\w+\.\w+|@import|\burl\(", read(name)), name


def test_texts_never_become_markup() -> None:
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", read("inbox.js")
    )


def test_every_text_is_there_in_both_languages() -> None:
    script = read("inbox.js")
    table = script[script.index("export const TEXTS") : script.index("\n};\n")]
    texts = {key: (english, chinese) for key, english, chinese in _PAIR.findall(table)}
    assert len(texts) == table.count("\n")
    for key, (english, chinese) in texts.items():
        assert english, key
        assert re.search("[\u4e00-\u9fff]", english + chinese), key
        assert re.findall(r"\{\w+\}", english) != [] or "{" not in chinese, key
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", chinese)), key


def test_every_text_of_the_document_is_in_the_table() -> None:
    used = set(re.findall(r'data-(?:t|label|title|placeholder)="(\w+)"', read("index.html")))
    used |= set(re.findall(r'\bt\("(\w+)"', read("inbox.js")))
    table = {key for key, _, _ in _PAIR.findall(read("inbox.js"))}
    assert used - table == set()
