"""The terminal recordings of the documents: what they may hold, and how they are drawn."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree

from tests.kit.casts import DOCS, LANGUAGES, SCENES, Run, draw

SVG = "{http://www.w3.org/2000/svg}"
PICTURES = [DOCS / f"cast-{name}{suffix}.svg" for name in SCENES for suffix in LANGUAGES.values()]


def test_there_is_one_for_each_scene_and_language() -> None:
    assert sorted(DOCS.glob("cast-*.svg")) == sorted(PICTURES)
    for language, suffix in zip(("", ".zh-CN"), LANGUAGES.values(), strict=True):
        shown = re.findall(r"\((cast-.*?\.svg)\)", (DOCS / f"commands{language}.md").read_text("utf-8"))
        assert shown == [f"cast-{name}{suffix}.svg" for name in SCENES]


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_it_is_small_and_needs_nothing_else(path: Path) -> None:
    root = etree.fromstring(path.read_bytes())
    assert len(path.read_bytes()) < 60_000
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg",
        "title",
        "desc",
        "style",
        "rect",
        "text",
        "tspan",
    }
    assert not re.search(r"url\(|@import|href", path.read_text("utf-8"))
    name = path.name.split(".")[0].removeprefix("cast-")
    said = root.findtext(f"{SVG}desc") or ""
    assert said.startswith(f"$ jzysoap {name}")
    # A home directory, or a file of the machine on which it was made.
    assert not re.search(r"/(?:root|home|tmp|Users)\b", said)


def test_it_ends_on_the_last_screen() -> None:
    first = ((Run(0, "$ jzysoap", "#fff"),),)
    second = (*first, (Run(2, "发送 & <1>", "#f00"),))
    last = (*first, (Run(0, "done", "#fff"),))
    root = etree.fromstring(draw([(1.0, first), (2.0, second), (1.0, last)], "a & b").encode())
    assert root.findtext(f"{SVG}title") == "a & b"
    assert root.findtext(f"{SVG}desc") == "$ jzysoap\ndone"
    lines = {"".join(run.text or "" for run in line): line.get("class") for line in root.iter(f"{SVG}text")}
    # Without animation, what is gone at the end is hidden, and the rest is shown.
    assert lines == {"$ jzysoap": None, "发送 & <1>": "t0 gone", "done": "t1"}
    style = root.findtext(f"{SVG}style") or ""
    assert "t0{0%{visibility:hidden}25.00%{visibility:visible}75.00%{visibility:hidden}}" in style
    assert "t1{0%{visibility:hidden}75.00%{visibility:visible}}" in style
    (run,) = [run for run in root.iter(f"{SVG}tspan") if run.text == "发送 & <1>"]
    # A Chinese character takes two columns.
    assert float(run.get("textLength", 0)) == pytest.approx(10 * 8.4)
