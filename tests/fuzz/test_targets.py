"""The fuzz targets, for a bounded time: rubbish, and what is right but for a few bytes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings, strategies as st

from tests.fuzz.targets import TARGETS, seeds

EDIT = st.tuples(
    st.integers(min_value=0),
    st.integers(min_value=0, max_value=40),
    st.one_of(
        st.binary(max_size=8),
        st.sampled_from(
            [b"<", b">", b"&", b"&#1;", b"&#xD83D;", b"]]>", b"<![CDATA[", b"<!DOCTYPE x>", b"<!--", b"\0", b"\xff\xfe"]
        ),
    ),
)


def edited(seed: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """A seed with some of its bytes replaced."""
    for start, length, new in edits:
        start %= len(seed) + 1
        seed = seed[:start] + new + seed[start + length :]
    return seed


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=300)
@given(data=st.data())
def test_any_bytes(name: str, data: st.DataObject) -> None:
    target: Callable[[bytes], None] = TARGETS[name]
    seed = data.draw(st.sampled_from([b"", *seeds(name)]))
    target(edited(seed, data.draw(st.lists(EDIT, max_size=6))))
