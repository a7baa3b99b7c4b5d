"""The public names: loaded when first used, at home in the package, and open to ``typing.get_type_hints``."""

from __future__ import annotations

import ast
import builtins
import collections.abc
import copy
import inspect
import pickle
import re
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import jzysoap

TREE = ast.parse(Path(jzysoap.__file__).read_text("utf-8"))
CLASSES = [name for name in jzysoap.__all__ if isinstance(getattr(jzysoap, name), type)]


def test_the_names_for_type_checkers_are_those_that_are_loaded() -> None:
    block = next(node for node in TREE.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    for_type_checkers = {
        (node.module or "").removeprefix("jzysoap."): {alias.name for alias in node.names} for node in imports
    }
    assert for_type_checkers == {module: set(names.split()) for module, names in jzysoap._MODULES.items()}
    assert sorted(jzysoap.__all__) == sorted([*jzysoap._HOME, "__version__"])
    assert set(jzysoap.__all__) <= set(dir(jzysoap))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'jzysoap' has no attribute 'Clinet'"):
        _ = jzysoap.Clinet  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", CLASSES)
def test_a_public_class_is_at_home_in_the_package(name: str) -> None:
    kind: Any = getattr(jzysoap, name)
    assert kind.__module__ == "jzysoap"
    assert pickle.loads(pickle.dumps(kind)) is kind  # noqa: S301  # our own
    assert copy.copy(kind) is kind


@pytest.mark.parametrize("name", CLASSES)
def test_the_type_hints_of_a_public_class_can_be_had(name: str) -> None:
    kind: Any = getattr(jzysoap, name)
    get_type_hints(kind)
    for _, method in inspect.getmembers(kind, inspect.isfunction):
        get_type_hints(method)


@pytest.mark.parametrize("module", ["jzysoap", "jzysoap.cli.main", "jzysoap.model.values"])
def test_importing_a_part_does_not_import_what_is_slow(module: str) -> None:
    slow = {"requests", "urllib3", "lxml", "zeep", "asyncio", "httptools"}
    code = f"import sys, {module}; print(*sorted({slow} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)  # noqa: S603  # our own
    assert ran.stdout.split() == []


@pytest.mark.parametrize(
    "name", [*CLASSES, *(name for name in jzysoap.__all__ if inspect.isfunction(getattr(jzysoap, name)))]
)
def test_signatures_name_only_what_is_public(name: str) -> None:
    kind: Any = getattr(jzysoap, name)
    known = {*jzysoap.__all__, *vars(builtins), *typing.__all__, *collections.abc.__all__}
    known |= {"os", "PathLike", "datetime", "collections", "abc", "jzysoap", "T_co"}
    methods = [method for key, method in inspect.getmembers(kind, inspect.isfunction) if not key.startswith("_")]
    for one in [] if typing.is_typeddict(kind) else [kind, *methods]:
        said = re.sub(r"\"[^\"]*\"|Literal\[[^]]*\]", "", told(one))
        assert set(re.findall(r"[A-Za-z_]\w*", said)) <= known, (one, said)


def told(one: Any) -> str:
    """The types in a signature, as ``help`` shows them."""
    signature = inspect.signature(one)
    types = [*(parameter.annotation for parameter in signature.parameters.values()), signature.return_annotation]
    types = [kind for kind in types if kind is not inspect.Parameter.empty]
    return " ".join(kind if isinstance(kind, str) else inspect.formatannotation(kind) for kind in types).replace(
        "~", ""
    )
