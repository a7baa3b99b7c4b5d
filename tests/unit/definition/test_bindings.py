"""Compiled bindings as data. Their comparison is tested in ``test_source_changes``."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from jzysoap.definition.bindings import Bindings
from jzysoap.definition.compiler import compile_bindings
from tests.kit.definitions import DOCUMENTED, SIGNATURES, URL, definition


def compiled(document: bytes) -> Bindings:
    return compile_bindings(URL, {URL: document})


BINDINGS = compiled(definition(arguments=DOCUMENTED))
JSON = json.dumps(BINDINGS.to_json())


@pytest.mark.parametrize("count", [6, 7])
def test_bindings_survive_json(count: int) -> None:
    bindings = compiled(definition(arguments=DOCUMENTED[:count], namespace="urn:b"))
    assert Bindings.from_json(json.loads(json.dumps(bindings.to_json()))) == bindings


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        "bindings",
        1,
        {**BINDINGS.to_json(), "soap": "1.3"},
        {**BINDINGS.to_json(), "soap": ["1.1"]},
        {**BINDINGS.to_json(), "port": None},
        {**BINDINGS.to_json(), "operations": []},
        {**BINDINGS.to_json(), "operations": {}},
        {**BINDINGS.to_json(), "operations": {"sendSms": ["", [""], []]}},
    ],
)
def test_other_data_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match="bindings"):
        Bindings.from_json(data)


@pytest.mark.parametrize(
    "operation",
    [
        None,
        [],
        ["urn:x", ["a", "b", "c"]],
        ["urn:x", ["a", "b"], ["username", "password"]],
        ["urn:x", ["a", "b", "c", "d"], ["username", "password"]],
        ["urn:x", ["a", "b", 1], ["username", "password"]],
        ["urn:x", ["a", "b", "\ud800"], ["username", "password"]],
        ["urn:x", ["a", "b"], ["username"]],
        ["urn:x", ["a", "b", "c"], ["username", "username"]],
        ["urn:x", ["a", "b", "c"], ["username", "content"]],
        ["urn:x", ["a", "b", "c", "d"], ["username", "password", "other"]],
        ["urn:x", ["a", "b", "c"], ["username", None]],
        ["urn:x\r\nX: y", ["a", "b", "c"], ["username", "password"]],
        ["urn:x\n", ["a", "b", "c"], ["username", "password"]],
        ["\u00e1", ["a", "b", "c"], ["username", "password"]],
        [None, ["a", "b", "c"], ["username", "password"]],
    ],
)
def test_an_operation_that_would_make_a_wrong_request_is_refused(operation: Any) -> None:
    data = BINDINGS.to_json()
    with pytest.raises(ValueError):  # noqa: PT011  # also one of a codec
        Bindings.from_json({**data, "operations": {**data["operations"], "getRestMoney": operation}})


def _places(data: Any) -> list[tuple[Any, Any]]:
    """Return each container of JSON data with each of its keys."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [place for key, value in items for place in [(data, key), *_places(value)]]


junk = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from([*SIGNATURES["sendSms"], *SIGNATURES, [], {}, "1.1"])
)


@given(st.data())
def test_changed_data_gives_complete_bindings_or_an_error(data: st.DataObject) -> None:
    mutated = json.loads(JSON)
    for _ in range(data.draw(st.integers(1, 3))):
        places = _places(mutated)
        container, key = data.draw(st.sampled_from(places))
        kind = data.draw(st.sampled_from(["change", "remove", "add"]))
        if kind == "change":
            container[key] = data.draw(junk)
        elif kind == "remove":
            del container[key]
        elif isinstance(container, list):
            container.insert(key, data.draw(junk))
        else:
            container[data.draw(st.text())] = data.draw(junk)
        if not _places(mutated):
            break
    try:
        bindings = Bindings.from_json(mutated)
    except ValueError:
        return
    assert set(bindings.templates) == set(SIGNATURES)
    assert isinstance(bindings.port, str)
    assert bindings.soap in ("1.1", "1.2")
    for name, one in bindings.templates.items():
        assert sorted(one.slots) in (sorted(SIGNATURES[name]), sorted(SIGNATURES[name][:6]))
        assert len(one.pieces) == len(one.slots) + 1
        assert all(isinstance(piece, bytes) for piece in one.pieces)
        assert one.action.isascii()
        assert not set(one.action) & set(' "\r\n')
