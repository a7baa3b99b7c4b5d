"""``Client`` and ``AsyncClient`` have the same names, arguments and defaults."""

from __future__ import annotations

import inspect

import jzysoap
from jzysoap import AsyncClient, Client
from jzysoap.settings.options import OPTIONS, default_of

# What the language itself spells differently.
SPELLED = {"close": "aclose", "__enter__": "__aenter__", "__exit__": "__aexit__"}


def public(kind: type) -> dict[str, inspect.Signature]:
    """The public methods of a class with their signatures."""
    return {
        name: inspect.signature(member)
        for name, member in inspect.getmembers(kind, callable)
        if not name.startswith("_") or name in (*SPELLED, *SPELLED.values(), "__init__")
    }


def test_the_same_methods_with_the_same_arguments() -> None:
    expected = {SPELLED.get(name, name): signature for name, signature in public(Client).items()}
    found = public(AsyncClient)
    assert set(found) == set(expected)
    for name, signature in expected.items():
        assert [*found[name].parameters.values()] == [*signature.parameters.values()] or name == "__aenter__", name
        if name not in ("__init__", "__aenter__", "from_env"):
            assert found[name].return_annotation == signature.return_annotation, name


def test_every_call_is_awaitable_in_one_and_not_in_the_other() -> None:
    for name in ("send", "balance", "reports", "replies", "change_password", "prepare"):
        assert inspect.iscoroutinefunction(getattr(AsyncClient, name))
        assert not inspect.iscoroutinefunction(getattr(Client, name))


def test_everything_public_is_documented() -> None:
    for name in jzysoap.__all__:
        value = getattr(jzysoap, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, name
    for kind in (Client, AsyncClient):
        for name in public(kind):
            if not name.startswith("__"):
                assert getattr(kind, name).__doc__, (kind, name)
        for argument in inspect.signature(kind).parameters:
            assert f"{argument}:" in (kind.__doc__ or ""), argument


def test_every_argument_is_configuration() -> None:
    arguments = inspect.signature(Client).parameters
    assert set(arguments) == set(OPTIONS)
    for name, argument in arguments.items():
        default = default_of(name)
        if argument.default is not inspect.Parameter.empty and name not in ("headers", "allow_recipients"):
            assert argument.default == default, name


def test_what_is_exported() -> None:
    assert sorted(jzysoap.__all__, key=str.lower) == sorted(set(jzysoap.__all__), key=str.lower)
    assert all(hasattr(jzysoap, name) for name in jzysoap.__all__)
    assert not hasattr(jzysoap, "nothing_of_the_kind")
