"""Decompression. All data is made up."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import given, strategies as st

from jzysoap.transport.body import Inflater, ReplyBody

TEXT = b"<smsreport><psreport><mobile>1</mobile></psreport></smsreport>"
HUGE = 10**9
BROKEN = "its compression is broken"
CUT_OFF = "its compressed data ends in the middle"


def inflate(encoding: str, pieces: Iterable[bytes], limit: int = HUGE) -> tuple[bytes, str | None]:
    """Return the bytes made of all pieces, and the problem with them."""
    inflater = Inflater(encoding)
    made = b""
    try:
        for piece in pieces:
            made += inflater.feed(piece, limit - len(made))
        inflater.finish()
    except ValueError as error:
        return made, str(error)
    return made, None


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@given(st.binary(), st.integers(1, 100))
def test_whatever_the_pieces_it_comes_out_as_it_went_in(data: bytes, size: int) -> None:
    assert inflate("gzip", cut(gzip.compress(data), size)) == (data, None)
    assert inflate(" GZip ", cut(gzip.compress(data), size)) == (data, None)
    assert inflate("x-gzip", cut(gzip.compress(data), size)) == (data, None)
    assert inflate("deflate", cut(zlib.compress(data), size)) == (data, None)
    # Servers mistake one for the other.
    assert inflate("gzip", cut(zlib.compress(data), size)) == (data, None)
    # Headers are left out, or say something else.
    for encoding in ("", "UTF-8", "identity, gzip", "gzip;q=1", "gzip, utf-8"):
        assert inflate(encoding, cut(gzip.compress(data), size)) == (data, None)
    if data[:2] != b"\x1f\x8b":
        assert inflate("", cut(data, size)) == inflate("Identity", cut(data, size)) == (data, None)


@pytest.mark.parametrize("size", [64, HUGE])
def test_deflated_data_may_lack_its_header(size: int) -> None:
    packer = zlib.compressobj(wbits=-15)
    bare = packer.compress(TEXT * 9) + packer.flush()
    assert inflate("deflate", cut(bare, size)) == (TEXT * 9, None)
    assert inflate("deflate", cut(bare[:-3], size))[1] == CUT_OFF


def test_nothing_at_all_is_no_fault() -> None:
    for encoding in ("gzip", "deflate", "", "identity"):
        assert inflate(encoding, []) == inflate(encoding, [b""]) == (b"", None)


@given(st.lists(st.binary(), min_size=1, max_size=5), st.integers(1, 100))
def test_a_gzip_file_of_several_members_is_read_to_its_end(parts: list[bytes], size: int) -> None:
    data = b"".join(gzip.compress(part) for part in parts)
    assert inflate("gzip", cut(data, size)) == (b"".join(parts), None)
    assert inflate("gzip", [data]) == (b"".join(parts), None)


@pytest.mark.parametrize("padding", [b"\x00" * 512, b"\r\n", b"<html>"])
@pytest.mark.parametrize("size", [1, 7, HUGE])
def test_padding_after_the_end_is_left_out(padding: bytes, size: int) -> None:
    assert inflate("gzip", cut(gzip.compress(TEXT) + padding, size)) == (TEXT, None)


def test_a_second_member_may_be_cut_off_or_broken() -> None:
    whole = gzip.compress(TEXT)
    assert inflate("gzip", [whole + whole[:-9]]) == (TEXT + TEXT, CUT_OFF)
    assert inflate("gzip", [whole + b"\x1fno member"]) == (TEXT, BROKEN)


BROTLI = b"\x8b\x1f\x80<smsreport></smsreport>\x03"


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "UTF-8, br"])
def test_an_encoding_that_is_not_supported_leaves_the_bytes_verbatim(encoding: str) -> None:
    assert inflate(encoding, [BROTLI, TEXT]) == (BROTLI + TEXT, "its Content-Encoding is not supported")


@pytest.mark.parametrize(
    "encoding",
    ["UTF-8", "utf8", "GBK", "none", "identity", "text/xml", "7bit", "\x00", "", "identity, utf-8", "br", "zstd"],
)
def test_a_charset_or_nonsense_is_no_encoding_of_a_plain_body(encoding: str) -> None:
    assert inflate(encoding, [TEXT, TEXT]) == (TEXT + TEXT, None)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("size", [1, 2, 7, HUGE])
def test_what_is_not_compressed_at_all_is_kept(encoding: str, size: int) -> None:
    # As behind a proxy that decompresses and leaves the header.
    assert inflate(encoding, cut(TEXT, size)) == (TEXT, None)
    assert inflate(encoding, cut(TEXT, size), limit=10) == (TEXT[:10], None)
    assert taken({"content-encoding": "gzip"}, [TEXT[:1]]) == (TEXT[:1], None, True)
    # What is no text either may be data whose beginning was lost.
    assert inflate("gzip", cut(BROTLI + TEXT, size)) == (BROTLI + TEXT, BROKEN)


@given(st.integers(1, 200), st.integers(1, 64))
def test_a_stream_cut_off_anywhere_keeps_what_came(length: int, size: int) -> None:
    data = gzip.compress(TEXT * 3)[:length]
    made, problem = inflate("gzip", cut(data, size))
    assert (TEXT * 3).startswith(made)
    assert problem == (CUT_OFF if length < len(gzip.compress(TEXT * 3)) else None)


@pytest.mark.parametrize("size", [1, 16, HUGE])
def test_a_wrong_checksum_at_the_end_costs_nothing(size: int) -> None:
    data = gzip.compress(TEXT)[:-8] + b"\x00" * 8
    assert inflate("gzip", cut(data, size)) == (TEXT, BROKEN)


def test_what_came_before_a_fault_is_kept() -> None:
    # Each block is flushed, so the fault cannot reach back.
    packer = zlib.compressobj(wbits=31)
    good = packer.compress(TEXT) + packer.flush(zlib.Z_FULL_FLUSH)
    data = good + b"\xff\xff\xff\xff" + good
    for size in (1, 10, HUGE):
        assert inflate("gzip", cut(data, size)) == (TEXT, BROKEN)


@given(st.binary(min_size=1), st.integers(0, 400), st.integers(1, 100))
def test_a_broken_stream_is_a_fault_or_what_it_says_and_never_an_escape(noise: bytes, place: int, size: int) -> None:
    data = gzip.compress(TEXT)
    place = min(place, len(data))
    made, problem = inflate("gzip", cut(data[:place] + noise + data[place:], size), limit=4096)
    assert len(made) <= 4096
    assert problem in (None, BROKEN, CUT_OFF)


def test_after_a_fault_there_is_no_going_on() -> None:
    inflater = Inflater("gzip")
    assert inflater.feed(gzip.compress(TEXT)[:-8] + b"\x00" * 8, HUGE) == TEXT
    with pytest.raises(ValueError, match=f"^{BROKEN}$"):
        inflater.feed(TEXT, HUGE)
    with pytest.raises(ValueError, match=f"^{BROKEN}$"):
        inflater.finish()


@pytest.mark.parametrize("limit", [0, 1, 10, 1000])
def test_a_bomb_gives_what_it_may(limit: int) -> None:
    bomb = gzip.compress(b"\x00" * 10_000_000)
    assert Inflater("gzip").feed(bomb, limit) == b"\x00" * limit
    assert Inflater("").feed(TEXT, limit) == TEXT[:limit]
    # Nor does one that is broken, or comes in members, give more.
    assert Inflater("gzip").feed(bomb[:-8] + b"\x00" * 8, limit) == b"\x00" * limit
    assert Inflater("gzip").feed(gzip.compress(b"\x00" * 7) * 500, limit) == b"\x00" * limit
    assert len(Inflater("gzip").feed(gzip.compress(TEXT)[:-8] + b"\x00" * 8, 5)) == 5


def test_a_fault_beyond_the_limit_is_not_reached_while_salvaging() -> None:
    data = gzip.compress(TEXT)[:-8] + b"\x00" * 8
    assert inflate("gzip", [data], limit=len(TEXT)) == (TEXT, BROKEN)


def taken(headers: dict[str, str], pieces: Iterable[bytes], limit: int = HUGE) -> tuple[bytes, str | None, bool]:
    """A body, its problem, and whether it took all pieces."""
    body = ReplyBody(headers, limit)
    whole = all(map(body.feed, pieces))
    body.finish()
    return body.value(), body.problem, whole


def test_a_body_up_to_its_limit() -> None:
    limit = len(TEXT)
    for headers, data in (({}, TEXT), ({"content-encoding": "gzip"}, gzip.compress(TEXT))):
        for size in (1, 7, 1000):
            assert taken(headers, cut(data, size), limit) == (TEXT, None, True)
            more = f"it is larger than {limit - 1} bytes"
            assert taken(headers, cut(data, size), limit - 1)[:2] == (TEXT[:-1], more)
    assert taken({}, [b"a", b"b", b"c"], 1) == (b"a", "it is larger than 1 bytes", False)


def test_a_body_of_nothing() -> None:
    assert taken({}, []) == taken({"content-length": "0"}, [b""]) == (b"", None, True)
    assert taken({"content-length": "3"}, []) == (b"", "the connection ended after 0 of 3 bytes", True)


def test_a_body_that_is_shorter_than_it_was_announced() -> None:
    problem = "the connection ended after 62 of 1,000 bytes"
    assert taken({"content-length": "1000"}, [TEXT]) == (TEXT, problem, True)
    assert taken({"content-length": "1000", "transfer-encoding": "chunked"}, [TEXT]) == (TEXT, None, True)
    # What was announced is what comes, compressed; and what is wrong with that tells more.
    packed = gzip.compress(TEXT)
    assert taken({"content-length": str(len(packed)), "content-encoding": "gzip"}, [packed]) == (TEXT, None, True)
    assert taken({"content-length": "1000", "content-encoding": "gzip"}, [packed[:-1]]) == (TEXT, CUT_OFF, True)


@pytest.mark.parametrize("length", ["", "-1", "++5000", "1e9", "²", "٣٣٣٣", "9" * 5000, "500 000"])
def test_a_length_that_is_none_announces_nothing(length: str) -> None:
    assert taken({"content-length": length}, [TEXT]) == (TEXT, None, True)


def test_a_body_with_a_fault_in_it() -> None:
    broken = gzip.compress(TEXT)[:-8] + b"\x00" * 8
    assert taken({"content-encoding": "gzip"}, [broken, b"more"]) == (TEXT, BROKEN, False)
    assert taken({"content-encoding": "br"}, [BROTLI]) == (BROTLI, "its Content-Encoding is not supported", True)


@pytest.mark.parametrize("byte", [b"a", b"\x1f", b"x"])
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_too_short_to_tell_whether_it_is_compressed_is_kept(encoding: str, byte: bytes) -> None:
    body = ReplyBody({"content-encoding": encoding}, 10)
    assert body.feed(byte)
    body.finish()
    # The first byte of gzip is none of a text.
    assert (body.value(), body.problem) == (byte, CUT_OFF if byte == b"\x1f" else None)


@pytest.mark.parametrize("size", [1, 2, 3, 99])
def test_what_follows_the_padding_is_padding(size: int) -> None:
    padded = gzip.compress(TEXT) + b"\n\x1fx"
    assert inflate("gzip", [gzip.compress(TEXT), *cut(b"\n\x1fx", size)]) == (TEXT, None)
    assert inflate("gzip", cut(padded, size)) == (TEXT, None)


@pytest.mark.parametrize(
    ("headers", "complete"),
    [
        ({"content-length": "4"}, False),
        ({"content-length": "4, 4"}, False),
        ({"content-length": "+4"}, False),
        ({"content-length": " 4"}, False),
        ({"content-length": "4", "transfer-encoding": "identity"}, False),
        ({"content-length": "4", "transfer-encoding": ""}, False),
        ({"content-length": "3"}, True),
        # Nothing can be told.
        ({}, True),
        ({"content-length": ""}, True),
        ({"content-length": "4, 5"}, True),
        ({"content-length": "four"}, True),
        ({"content-length": "-4"}, True),
        ({"content-length": "4", "transfer-encoding": "chunked"}, True),
        ({"content-length": "4", "transfer-encoding": "gzip, Chunked"}, True),
    ],
)
def test_what_was_announced_must_come(headers: dict[str, str], complete: bool) -> None:
    body = ReplyBody(headers, 10)
    assert body.feed(b"abc")
    body.finish()
    assert body.value() == b"abc"
    assert body.problem == (None if complete else "the connection ended after 3 of 4 bytes")
