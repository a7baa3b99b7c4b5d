"""The words of the command line in English and Chinese.

Each word has a key, ``group.name``; the group names the module here that has it, so that a command loads only its own
words. A module has one dictionary ``TEXTS``: from the key's name to the English and the Chinese text. Both texts of a
pair have the same placeholders.
"""

from __future__ import annotations

import os
from importlib import import_module

LANGUAGES = ("en", "zh")
"""The languages, in the order of each pair."""

# Those that gettext reads, in its order.
_LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG")


def language() -> str:
    """Return the language to use: that of ``JZYSOAP_LANG``, or of the locale; English if they name another one."""
    names = [os.environ.get("JZYSOAP_LANG"), *(os.environ.get(name) for name in _LOCALES)]
    chosen = next((name for name in names if name), "")
    return "zh" if chosen.lower().startswith("zh") else "en"


def translate(key: str, **values: object) -> str:
    """Return the text of a key in the language to use, with its placeholders filled in."""
    group, _, name = key.partition(".")
    pair: tuple[str, str] = import_module(f"jzysoap.cli.texts.{group}").TEXTS[name]
    found = pair[LANGUAGES.index(language())]
    return found.format(**values) if values else found
