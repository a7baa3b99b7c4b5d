"""HTTP as old servers speak it: what both clients read, and what only ``Client`` does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jzysoap import HttpReply, HttpRequest, OutcomeUnknownError
from jzysoap.model.masking import SecretBytes
from jzysoap.settings.options import configure
from jzysoap.transport.aio import AsyncTransport
from jzysoap.transport.sync import Transport
from tests.kit.timeouts import PATIENT
from tests.wire.conftest import Serve
from tests.wire.test_transport import after_reading

CLONE = Path(__file__).parent.parent.parent
CONFIG = configure({"base_url": "http://localhost", "username": "u", "password": "p"})


def both(serve: Serve, answer: bytes) -> list[HttpReply | str]:
    """What each transport makes of an answer: the reply, or its error's text."""
    url = serve(after_reading(answer)).url
    request = HttpRequest("POST", f"{url}/path", {}, SecretBytes(b"ask"), PATIENT, 1 << 20)
    got: list[HttpReply | str] = []
    transport = Transport(CONFIG)
    try:
        got.append(transport.exchange(request))
    except OutcomeUnknownError as error:
        got.append(str(error).partition(" left: ")[2])
    finally:
        transport.close()

    async def main() -> HttpReply:
        transport = AsyncTransport(CONFIG)
        try:
            return (await transport.exchange(request)).reply
        finally:
            await transport.aclose()

    try:
        got.append(asyncio.run(main()))
    except OutcomeUnknownError as error:
        got.append(str(error).partition(" left: ")[2])
    return got


FINAL = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 200 OK\nContent-Length: 6\nX: y\n\nanswer", id="bare LF"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 6\nX: y\r\n\nanswer", id="some bare LF"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\tc\r\nContent-Length: 6\r\n\r\nanswer", id="folded"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length:\r\n 6\r\n\r\nanswer", id="a folded length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: \xe4\xb8\x80\xff\r\nContent-Length: 6\r\n\r\nanswer", id="no ASCII"),
        pytest.param(b"HTTP/1.1 200 \xb3\xc9\xb9\xa6\r\nContent-Length: 6\r\n\r\nanswer", id="a reason in GBK"),
        pytest.param(b"HTTP/1.1 200\r\nContent-Length: 6\r\n\r\nanswer", id="no reason"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: a\0\x01\x7f\r\nContent-Length: 6\r\n\r\nanswer", id="control characters"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX_y: a\r\nContent-Length:   6  \r\n\r\nanswer", id="spaces"),
        pytest.param(b"HTTP/1.2 200 OK\r\nContent-Length: 6\r\n\r\nanswer", id="another version"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\nanswer", id="until the end"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nanswer", id="identity"),
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: x, close\r\n\r\nanswer", id="close"),
        pytest.param(b"HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n" + FINAL[17:], id="an upgrade"),
        pytest.param(CHUNKED + b"6  \r\nanswer\r\n0 \r\n\r\n", id="spaces after a chunk's size"),
        pytest.param(CHUNKED + b'0006;a=b;c="d"\r\nanswer\r\n000\r\n\r\n', id="an extension of a chunk"),
        pytest.param(CHUNKED + b"6\r\nanswer\r\n0\r\nContent-Length: 3\r\n\r\n", id="trailers"),
        pytest.param(CHUNKED.replace(b"c", b"C") + b"6\r\nanswer\r\n0\r\n\r\n", id="capitals"),
        pytest.param(CHUNKED[:-2] + b"Content-Length: 9\r\n\r\n6\r\nanswer\r\n0\r\n\r\n", id="chunks and a length"),
        pytest.param(b"HTTP/1.0" + CHUNKED[8:] + b"6\r\nanswer\r\n0\r\n\r\n", id="chunks of 1.0"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + FINAL, id="100"),
        pytest.param(b"HTTP/1.0 100 Continue\r\n\r\n" + FINAL, id="100 of 1.0"),
        pytest.param(b"HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n" + FINAL, id="100 and close"),
        pytest.param(b"HTTP/1.1 102 Processing\r\nX: y\r\nContent-Length: 9\r\n\r\n" + FINAL, id="102"),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + FINAL, id="100 and 103"
        ),
    ],
)
def test_both_read_it(answer: bytes, serve: Serve) -> None:
    one, other = both(serve, answer)
    assert isinstance(one, HttpReply)
    assert isinstance(other, HttpReply)
    assert (one.status, one.body, one.problem) == (other.status, other.body, other.problem) == (200, b"answer", None)
    # Of folded values, the white space differs.
    assert {name: value.split() for name, value in one.headers.items()} == {
        name: value.split() for name, value in other.headers.items()
    }


# As docs/failures.md has them.
STRICTER: dict[tuple[str, str], list[bytes]] = {
    ("more than one space, or a tab, in the status line", "状态行里有多个空格或制表符"): [
        b"HTTP/1.1  200  OK\r\nContent-Length: 6\r\n\r\nanswer",
        b"HTTP/1.1\t200\tOK\r\nContent-Length: 6\r\n\r\nanswer",
        b" " + FINAL,
    ],
    (
        "a header line without a colon or a name, or with a space or a non-ASCII byte in its name",
        "头部行没有冒号或名称，或者名称里有空格或非 ASCII 字节",
    ): [
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX\r\n\r\nanswer",
        b"HTTP/1.1 200 OK\r\n: y\r\nContent-Length: 6\r\n\r\nanswer",
        b"HTTP/1.1 200 OK\r\nX y: z\r\n\r\nanswer",
        b"HTTP/1.1 200 OK\r\nX\xe4: y\r\n\r\nanswer",
        b"HTTP/1.1 200 OK\r\nX(y): z\r\nContent-Length: 6\r\n\r\nanswer",
    ],
    ("a bare CR in a header", "头部值里有单独的 CR"): [b"HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\nanswer"],
    (
        "`Content-Length` that is repeated, empty, signed or not a number",
        "`Content-Length` 重复、为空、带符号或不是数字",
    ): [
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Length: 6\r\n\r\nanswer",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6, 6\r\n\r\nanswer",
        b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nanswer",
        b"HTTP/1.1 200 OK\r\nContent-Length: +6\r\n\r\nanswer",
        b"HTTP/1.1 200 OK\r\nContent-Length: six\r\n\r\nanswer",
    ],
    (
        "a chunk's size with a space, sign or `0x` in front, or a bare LF or `; ` behind",
        "分块大小前有空格、符号或 `0x`，或者后面是单独的 LF 或 `; `",
    ): [
        CHUNKED + b" 6\r\nanswer\r\n0\r\n\r\n",
        CHUNKED + b"+6\r\nanswer\r\n0\r\n\r\n",
        CHUNKED + b"0x6\r\nanswer\r\n0\r\n\r\n",
        CHUNKED + b"6\nanswer\r\n0\r\n\r\n",
        CHUNKED + b"6; a=b\r\nanswer\r\n0\r\n\r\n",
    ],
    ("a connection that ends before the empty line after the last chunk", "连接在最后一个分块之后的空行之前结束"): [
        CHUNKED + b"6\r\nanswer\r\n0\r\n",
        CHUNKED + b"6\r\nanswer\r\n0",
    ],
}


@pytest.mark.parametrize("answer", [answer for answers in STRICTER.values() for answer in answers])
def test_only_client_reads_it(answer: bytes, serve: Serve) -> None:
    one, other = both(serve, answer)
    assert isinstance(one, HttpReply)
    assert (one.status, one.body, one.problem) == (200, b"answer", None)
    problem = other.problem if isinstance(other, HttpReply) else other
    assert problem in ("the answer is not valid HTTP", "the connection was closed")


@pytest.mark.parametrize(("number", "name"), [(0, "docs/failures.md"), (1, "docs/failures.zh-CN.md")])
def test_the_documents_say_so(number: int, name: str) -> None:
    lines = (CLONE / name).read_text("utf-8").splitlines()
    assert [line for line in lines if any(f"| {row[number]} |" in line for row in STRICTER)] == [
        f"| {row[number]} |" for row in STRICTER
    ]
