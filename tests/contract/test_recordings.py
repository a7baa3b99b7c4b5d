"""The recordings are whole, say what they are, and are what is shipped."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from jzysoap.definition.compiler import compile_bindings
from jzysoap.model.http import HttpReply
from jzysoap.settings.options import configure
from tests.kit.definitions import load_bindings
from tests.kit.recordings import ROOT, STACKS, UNUSABLE, USABLE, Stack, load, parse_http

WSDL = ROOT.parent.parent / "wsdl"
SHIPPED = sorted(path.parent.name for path in WSDL.glob("*/service.wsdl"))


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest) -> Stack:
    return load(request.param)


def test_every_folder_is_a_stack() -> None:
    assert sorted(path.name for path in ROOT.iterdir() if path.is_dir()) == list(STACKS)
    assert len(STACKS) == 17
    assert set(STACKS) - set(USABLE) == UNUSABLE


def test_every_stack_is_in_the_table() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    named = set()
    for cell in re.findall(r"^\| ([a-z][^|]*?) \|", readme, re.MULTILINE):
        first, *suffixes = cell.split(", ")
        named |= {first, *(first + suffix for suffix in suffixes)}
    assert named - {"stack"} == set(STACKS)


def test_each_file_is_read_by_the_helper(stack: Stack) -> None:
    exchanges = {f"{name}.request.http" for name in stack.requests()}
    exchanges |= {f"{name}.response.http" for name in stack.responses()}
    imports = {one["file"] for one in stack.meta["imports"]}
    assert {path.name for path in (ROOT / stack.name).iterdir()} == exchanges | imports | {"service.wsdl", "meta.json"}
    assert set(stack.responses()) <= set(stack.requests())
    assert {"sendSms", "getRestMoney", "getSmsReport", "getRecvSMS"} <= set(stack.requests())


def test_documents_are_served_by_their_own_addresses(stack: Stack) -> None:
    assert stack.fetch(stack.url) == stack.wsdl
    assert len(stack.documents) == 1 + len(stack.meta["imports"])
    assert all(stack.fetch(url).strip() for url in stack.documents)
    with pytest.raises(LookupError, match="served no"):
        stack.fetch(stack.url + "&other")


def test_every_request_is_complete(stack: Stack) -> None:
    for name in stack.requests():
        message = stack.request(name)
        assert re.fullmatch(r"POST /\S* HTTP/1\.1", message.start)
        assert len(message.body) == int(message.headers["content-length"])
        with pytest.raises(ValueError, match="not a response"):
            _ = message.status


def test_every_answer_is_complete(stack: Stack) -> None:
    for name in stack.responses():
        message = stack.response(name)
        assert message.status in (200, 500)
        if message.headers.get("transfer-encoding") == "chunked":
            assert message.body.startswith(b"<")
            assert message.body.rstrip().endswith(b">")
        elif "content-length" in message.headers:
            assert len(message.body) == int(message.headers["content-length"])
        else:
            assert (stack.name, message.headers["connection"], message.body) == ("php-soap-rpcenc", "close", b"")


def test_no_recording_holds_anyones_data(stack: Stack) -> None:
    """Made-up credentials, and the sample number of the vendor's page."""
    for name in stack.requests():
        body = stack.request(name).body.decode()
        assert set(re.findall(r"<(?:\w+:)?(?:password|in1|arg1)\b[^>]*>([^<]*)<", body)) <= {"pw123", "x", "admin"}
    for path in (ROOT / stack.name).iterdir():
        data = path.read_bytes()
        assert set(re.findall(rb"(?<!\d)1[3-9]\d{9}(?!\d)", data)) <= {b"15275427712"}
        assert b"authorization:" not in data.lower()


def test_headers_that_are_repeated_are_joined() -> None:
    message = parse_http(b"HTTP/1.1 200 OK\r\nA: 1\r\na:2\r\n\r\nx\r\n\r\ny")
    assert (message.status, message.headers, message.body) == (200, {"a": "1, 2"}, b"x\r\n\r\ny")


def test_what_has_no_head_is_refused() -> None:
    with pytest.raises(ValueError, match="no head"):
        parse_http(b"HTTP/1.1 200 OK\n\n")


def test_there_is_something_shipped() -> None:
    assert sorted(USABLE) == SHIPPED
    assert sorted(path.name for path in WSDL.iterdir() if path.is_dir() and path.name != "__pycache__") == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shipped_is_the_recording(name: str) -> None:
    """Every statement of ``SOURCE`` is held against the recording."""
    folder: Path = WSDL / name
    source = (folder / "SOURCE").read_text("utf-8")
    recorded = load(name)
    data = (folder / "service.wsdl").read_bytes()
    send = recorded.meta["ports"][0]["operations"]["sendSms"]["input"]
    arguments = [argument.split(":")[0] for argument in send.split(", ")]
    assert data == recorded.wsdl
    imports = {one["file"]: one["url"] for one in recorded.meta["imports"]}
    assert {path.name for path in folder.iterdir()} == {"service.wsdl", "SOURCE", *imports}
    for file, url in {"service.wsdl": recorded.url, **imports}.items():
        part = (folder / file).read_bytes()
        assert part == recorded.documents[url]
        assert f" {hashlib.sha256(part).hexdigest()}\n" in source
        assert not imports or f" {file} {url}\n" in source
    assert f"SHA-256:   {hashlib.sha256(b''.join(recorded.documents.values())).hexdigest()}\n" in source
    assert f" {recorded.url} (Content-Type: {recorded.meta['wsdl_content_type']})\n" in source
    assert f"Server header: {recorded.server or 'none was kept'}\n" in source
    assert f" {len(arguments)} arguments: {', '.join(arguments)}\n" in source
    assert f" {recorded.meta['target_namespace']}\n" in source
    assert "Not:       the vendor's own bytes." in source


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shipped_can_be_used_by_its_name(name: str) -> None:
    def nothing(url: str) -> HttpReply:
        raise AssertionError(f"asked for {url}")

    given = {"base_url": "http://gateway.invalid", "username": "test", "password": "pw123", "cache_dir": False}
    recorded = load(name)
    (digest,) = re.findall(r"^SHA-256: +(\w+)$", (WSDL / name / "SOURCE").read_text("utf-8"), re.MULTILINE)
    config = configure({**given, "wsdl": f"bundled:{name}", "wsdl_sha256": digest})
    assert load_bindings(config, nothing) == (compile_bindings(recorded.url, recorded.documents), "bundled")
