"""The words of the command line: both languages complete, and the choice between them."""

from __future__ import annotations

import ast
import pkgutil
import re
import string
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from jzysoap.cli import texts
from jzysoap.cli.texts import language, translate

GROUPS = [module.name for module in pkgutil.iter_modules(texts.__path__)]
PAIRS = [
    (f"{group}.{name}", pair)
    for group in GROUPS
    for name, pair in import_module(f"jzysoap.cli.texts.{group}").TEXTS.items()
]
_CHINESE = re.compile("[\u4e00-\u9fff]")
# Pairs that need no Chinese.
_ALIKE = {"account.from-variable"}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def used() -> Iterator[str]:
    """The keys that the code names, with ``{}`` for a part that is put in."""
    for path in Path(texts.__file__).parent.parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)  # type: ignore[misc]  # texts


@pytest.mark.parametrize(("key", "pair"), PAIRS)
def test_both_languages_have_the_same_placeholders(key: str, pair: tuple[str, str]) -> None:
    english, chinese = pair
    assert placeholders(english) == placeholders(chinese)
    assert not _CHINESE.search(english)
    assert _CHINESE.search(chinese) or key in _ALIKE
    assert "你" not in chinese


def test_every_key_that_the_code_names_exists_and_every_key_is_named() -> None:
    keys = {key for key, _ in PAIRS}
    named = set(used())
    plain = {name for name in named if re.fullmatch(rf"(?:{'|'.join(GROUPS)})\.[a-z0-9-]*[a-z0-9]", name)}
    assert plain <= keys
    patterns = [
        re.escape(name).replace(r"\{\}", "[a-z0-9-]+") for name in named if re.match(r"[a-z]+\.[a-z-]*\{\}", name)
    ]
    composed = {key for key in keys for pattern in patterns if re.fullmatch(pattern, key)}
    assert keys - plain <= composed


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_TW.Big5"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_CN.GBK"}, "zh"),
        ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"JZYSOAP_LANG": "zh", "LC_ALL": "C"}, "zh"),
        ({"JZYSOAP_LANG": "en", "LC_ALL": "zh_CN.UTF-8"}, "en"),
    ],
)
def test_the_language_is_that_of_the_variable_or_of_the_locale(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("JZYSOAP_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language() == expected


def test_a_text_has_its_placeholders_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    assert translate("account.changed", username="{a}") == "the password of {a} was changed"
    monkeypatch.setenv("JZYSOAP_LANG", "zh")
    assert translate("account.changed", username="{a}") == "{a} 的密码已修改"
