"""Definitions in files: recorded with all imports, shipped, or written by hand; and their names in errors."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from jzysoap.cli.definition import to_files
from jzysoap.definition.collect import Definition
from jzysoap.definition.compiler import compile_bindings
from jzysoap.definition.local import bundled
from jzysoap.definition.source import get
from jzysoap.model.errors import WsdlError
from jzysoap.model.http import HttpReply
from jzysoap.settings.options import configure
from tests.kit.definitions import URL, definition, load_bindings
from tests.kit.recordings import ROOT, STACKS, UNUSABLE, load
from tests.unit.definition.gateway import Clock, Gateway, configured, load_error

SPLIT = [name for name in STACKS if len(load(name).documents) > 1]


def nothing(url: str) -> HttpReply:
    raise AssertionError(f"asked for {url}")


def bound(location: object) -> object:
    given = {"base_url": "http://gateway.invalid", "username": "test", "password": "pw123", "cache_dir": False}
    return load_bindings(configure({**given, "wsdl": location}), nothing)[0]


def refusal(location: object) -> WsdlError:
    with pytest.raises(WsdlError) as caught:
        bound(location)
    assert "local.invalid" not in str(caught.value)
    assert caught.value.source == str(location)
    return caught.value


def write(name: str, directory: Path) -> Definition:
    """Record a definition as if it were served now."""
    stack = load(name)
    found = get(stack.url, lambda url: HttpReply(200, {}, stack.fetch(url)))
    directory.mkdir(parents=True)
    for file, data in to_files(found, content_type="text/xml", server="made up").items():
        (directory / file).write_bytes(data)
    return found


@pytest.mark.parametrize("name", STACKS)
def test_a_recorded_definition_is_used_verbatim(name: str, tmp_path: Path) -> None:
    stack, directory = load(name), tmp_path / "a b" / "定义"
    found = write(name, directory)
    assert sorted(path.read_bytes() for path in directory.iterdir() if path.name != "SOURCE") == sorted(
        stack.documents.values()
    )
    for location in (directory, directory / "service.wsdl"):
        copy = get(str(location), nothing)
        assert list(copy.documents.values()) == list(stack.documents.values())
        # The same pin fits both.
        assert copy.sha256 == found.sha256
        if name not in UNUSABLE:
            assert bound(location) == compile_bindings(stack.url, stack.documents)


def test_source_has_all_facts(tmp_path: Path) -> None:
    found = write("jaxws-ri-2.3.0.2-soap12", tmp_path / "new")
    main, schema = found.documents.values()
    url = "http://127.0.0.1:18083/services/userApiSoap12"
    lines = (tmp_path / "new" / "SOURCE").read_text("utf-8").splitlines()
    assert lines[3].startswith("Date:      20")
    assert lines[3].endswith("Z")
    assert [*lines[:3], *lines[4:]] == [
        "What:      a service definition with all that it imports, byte for byte as it was served.",
        f"URL:       {url}?wsdl (Content-Type: text/xml)",
        "Server:    made up",
        f"Main:      service.wsdl {url}?wsdl",
        f"           {hashlib.sha256(main).hexdigest()}",
        f"Import:    import1.xsd {url}?xsd=1",
        f"           {hashlib.sha256(schema).hexdigest()}",
        f"SHA-256:   {found.sha256}",
    ]


@pytest.mark.parametrize("name", SPLIT)
def test_without_source_an_error_says_what_to_do(name: str) -> None:
    path = ROOT / name / "service.wsdl"
    (imported,) = set(load(name).documents) - {load(name).url}
    shown = str(refusal(path))
    assert shown.startswith(
        f"the definition at {path} imports {imported} from another server, which is never asked, and in its place: "
        f"cannot read {path}: it imports "
    )
    assert shown.endswith("FileNotFoundError. Record the complete definition with 'jzysoap wsdl fetch'")


def test_a_document_that_source_does_not_name_is_not_read(tmp_path: Path) -> None:
    write("jaxws-ri-2.3.0.2", tmp_path / "new")
    source = tmp_path / "new" / "SOURCE"
    lines = source.read_text("utf-8")
    source.write_text(lines.replace("?xsd=1", "?xsd=2"), "utf-8")
    path = tmp_path / "new" / "service.wsdl"
    message = str(refusal(path))
    assert message.startswith(f"cannot read {path}: it imports http://127.0.0.1:18083/services/userApi?xsd=1: ")
    source.write_text(lines.replace("import1.xsd", ".."), "utf-8")
    assert str(refusal(path)).startswith(f"cannot read {path}: it imports ")
    source.write_text(lines.replace("import1.xsd", "import2.xsd"), "utf-8")
    assert str(refusal(path)) == f"cannot read {path}: it imports {tmp_path / 'new' / 'import2.xsd'}: FileNotFoundError"
    source.write_bytes(b"\xff")
    assert "imports http://127.0.0.1:18083/services/userApi?xsd=1 from another server" in str(refusal(path))


def test_the_source_of_another_file_is_ignored(tmp_path: Path) -> None:
    write("jaxws-ri-2.3.0.2", tmp_path / "new")
    (tmp_path / "new" / "own.wsdl").write_bytes(definition())
    assert bound(tmp_path / "new" / "own.wsdl") == compile_bindings(URL, {URL: definition()})


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"", "the document at {path} is not a service definition: it is empty"),
        (b"<html>", "the document at {path} is not a service definition: it is an HTML page"),
        (definition(operations=["login"]), "the definition at {path} cannot be used: port port0 (SOAP 1.1): "),
        (definition(schema='<x:import namespace="u" schemaLocation="a%20b.xsd"/>'), "cannot read {path}: it imports "),
        (b"<" + b" " * (5 << 20), "cannot get the definition at {path}, nothing was sent: it is larger than 4,194,304"),
    ],
)
def test_an_error_names_the_users_path(
    document: bytes, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / "own 定义.wsdl", Path("own 定义.wsdl")):
        path.write_bytes(document)
        assert str(refusal(path)).startswith(why.format(path=path))


def test_an_error_of_zeep_names_the_users_path(tmp_path: Path) -> None:
    kind = definition().replace(b'type="x:string"', b'type="t:none"')
    (tmp_path / "a.wsdl").write_bytes(kind)
    assert str(refusal(tmp_path / "a.wsdl")).startswith(f"the definition at {tmp_path / 'a.wsdl'} cannot be read: ")


def test_a_large_file_is_not_read_completely(tmp_path: Path) -> None:
    import tracemalloc

    with open(tmp_path / "large.wsdl", "wb") as file:
        file.truncate(200 << 20)
    tracemalloc.start()
    try:
        assert "it is larger than" in str(refusal(tmp_path / "large.wsdl"))
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["cxf-3.3.2-jaxws-sei-webparam", "jaxws-ri-2.3.0.2"])
def test_a_file_may_import_files_beside_it(name: str, tmp_path: Path, gateway: Gateway, clock: Clock) -> None:
    stack = load(name)
    (imported,) = set(stack.documents) - {stack.url}
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "part").write_bytes(stack.documents[imported])
    document = stack.wsdl.replace(imported.encode(), b"parts/part")
    assert document != stack.wsdl
    (tmp_path / "own.wsdl").write_bytes(document)
    bindings, _ = load_bindings(configured(tmp_path, wsdl=tmp_path / "own.wsdl"), gateway.fetch, clock=clock)
    assert bindings == compile_bindings(stack.url, stack.documents)


@pytest.mark.parametrize(
    "other", ["../secret.xsd", "a/../../secret.xsd", "%2e%2e/secret.xsd", "absent.xsd", "%00", "."]
)
def test_a_file_cannot_import_from_outside_its_directory(
    other: str, tmp_path: Path, gateway: Gateway, clock: Clock
) -> None:
    (tmp_path / "here" / "a").mkdir(parents=True)
    (tmp_path / "secret.xsd").write_bytes(b'<schema xmlns="http://www.w3.org/2001/XMLSchema"/>')
    path = tmp_path / "here" / "own.wsdl"
    path.write_bytes(definition(schema=f'<x:include schemaLocation="{other}"/>'))
    error = load_error(configured(tmp_path, wsdl=path), gateway, clock)
    assert str(error).startswith(f"cannot read {path}: ")
    assert error.source == str(path)


@pytest.mark.parametrize(
    "other",
    [
        "file:///etc/passwd",
        "http://gateway.invalid/a.xsd",
        "//gateway.invalid/a.xsd",
        "http://[x",
        "https://local.invalid/",
    ],
)
def test_a_file_cannot_import_from_an_address(other: str, tmp_path: Path, gateway: Gateway, clock: Clock) -> None:
    (tmp_path / "own.wsdl").write_bytes(definition(schema=f'<x:include schemaLocation="{other}"/>'))
    error = load_error(configured(tmp_path, wsdl=tmp_path / "own.wsdl"), gateway, clock)
    assert ("which is malformed" if "[" in other else "from another server") in str(error)
    assert "jzysoap wsdl fetch" in str(error)
    assert not gateway.asked


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, gateway: Gateway, clock: Clock) -> None:
    for path, why in ((tmp_path / "absent.wsdl", "FileNotFoundError"), (tmp_path, "IsADirectoryError|PermissionError")):
        with pytest.raises(WsdlError, match=why):
            load_bindings(configured(tmp_path, wsdl=path), gateway.fetch, clock=clock)


@pytest.mark.parametrize(
    ("name", "directory"),
    [
        ("bundled", "axis2-1.6.2-7param"),
        ("bundled:axis2-1.6.2-7param", "axis2-1.6.2-7param"),
        ("bundled:axis2-1.6.2", "axis2-1.6.2"),
    ],
)
def test_a_bundled_definition_can_be_given(
    name: str, directory: str, tmp_path: Path, gateway: Gateway, clock: Clock
) -> None:
    for _ in range(2):
        bindings, source = load_bindings(configured(tmp_path, wsdl=name), gateway.fetch, clock=clock)
        assert source == "bundled"
        assert bindings == compile_bindings(load(directory).url, load(directory).documents)
    assert not gateway.asked
    assert bundled(directory) == load(directory).wsdl


@pytest.mark.parametrize("name", ["axis2", "", "axis2-1.6.2/service.wsdl"])
def test_other_bundled_names_are_an_error(name: str, tmp_path: Path, gateway: Gateway, clock: Clock) -> None:
    with pytest.raises(WsdlError, match=r"^there is no bundled definition called "):
        bundled(name)
    if name:
        assert load_error(configured(tmp_path, wsdl=f"bundled:{name}"), gateway, clock).source == "bundled"
