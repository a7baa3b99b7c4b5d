"""The pages of the documentation, and the code samples in them."""

from __future__ import annotations

import re
from pathlib import Path

CLONE = Path(__file__).parent.parent.parent

# The libraries of recipes that run in an environment of their own: tox -e mailbox.
RECIPE_LIBRARIES = ("celery", "django", "fastapi")


def read(name: str) -> str:
    """The text of a document, by its path in the clone."""
    return (CLONE / name).read_text("utf-8")


def blocks(name: str) -> list[tuple[str, str]]:
    """The code blocks of a document: language and code."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", read(name), re.MULTILINE | re.DOTALL)


def snippets(name: str, language: str = "python") -> list[str]:
    """The code samples of a document in one language."""
    return [code for found, code in blocks(name) if found == language]


def snippet(name: str, *words: str) -> str:
    """The one code sample of a document with these words in it."""
    (code,) = [code for code in snippets(name) if all(word in code for word in words)]
    return code


def recipe_library(code: str) -> str | None:
    """The library of a recipe for which a code sample needs an environment of its own, or None."""
    return next((name for name in RECIPE_LIBRARIES if re.search(rf"^from {name}\b", code, re.MULTILINE)), None)
