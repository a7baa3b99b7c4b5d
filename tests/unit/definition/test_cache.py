"""The cache directory: what is read from it, what is not, and that nothing in it makes a call fail."""

from __future__ import annotations

import gc
import json
import logging
import math
import os
import pwd
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from jzysoap.definition.cache import Cache, default_directory

NAME = "definition http://h:9003/services/userApi?wsdl"
FOREIGN = 65534
"""A user that these tests do not run as."""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=10,
)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "a" / "cache"


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What the log has been told since the last time."""
    caplog.set_level(logging.INFO, "jzysoap")

    def take() -> list[str]:
        messages = [record.getMessage() for record in caplog.records]
        assert {record.levelno for record in caplog.records} <= {logging.INFO}
        caplog.clear()
        return messages

    return take


Told = Callable[[], list[str]]


def path_of(directory: Path, name: str = NAME) -> Path:
    """Where a value is, found by writing it."""
    before = set(directory.glob("*")) if directory.exists() else set()
    Cache(str(directory)).write(name, 1)
    (path,) = set(directory.glob("*")) - before
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(), value=json_values)
def test_what_was_written_is_read(directory: Path, name: str, value: Any) -> None:
    Cache(str(directory)).write(name, value)
    assert Cache(str(directory)).read(name) == value


def test_names_do_not_meet(directory: Path, told: Told) -> None:
    cache = Cache(str(directory))
    for name in ("", "a", "A", "../a", "/etc/passwd", "a\x00b", "a" * 5000, "字"):
        cache.write(name, name)
    for name in ("", "a", "A", "../a", "/etc/passwd", "a\x00b", "a" * 5000, "字"):
        assert cache.read(name) == name
    assert cache.read("another") is None
    assert {len(path.name) for path in directory.iterdir()} == {45}
    assert told() == []


def test_what_is_made_is_the_users_alone(directory: Path) -> None:
    umask = os.umask(0)
    try:
        path = path_of(directory)
    finally:
        os.umask(umask)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(directory.iterdir()) == [path]


def test_a_value_is_overwritten_whole(directory: Path) -> None:
    cache = Cache(str(directory))
    cache.write(NAME, "x" * 100_000)
    cache.write(NAME, "y")
    assert cache.read(NAME) == "y"


@pytest.mark.parametrize("off", [False, ""])
def test_no_cache_at_all(off: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Told) -> None:
    monkeypatch.chdir(tmp_path)
    Cache(off).write(NAME, 1)
    assert Cache(off).read(NAME) is None
    assert list(tmp_path.iterdir()) == []
    assert told() == []


def test_the_users_cache_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    Cache(None).write(NAME, 7)
    assert Cache(None).read(NAME) == Cache(str(tmp_path / "xdg" / "jzysoap")).read(NAME) == 7


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"HOME": "/home/u"}, "/home/u/.cache/jzysoap"),
        ("linux", {"HOME": "/home/u", "XDG_CACHE_HOME": ""}, "/home/u/.cache/jzysoap"),
        ("linux", {"HOME": "/home/u", "XDG_CACHE_HOME": "/x"}, "/x/jzysoap"),
        ("linux", {"HOME": "/home/u", "XDG_CACHE_HOME": "relative"}, None),
        ("linux", {"HOME": "relative"}, None),
        ("darwin", {"HOME": "/home/u", "XDG_CACHE_HOME": "/x"}, "/home/u/Library/Caches/jzysoap"),
        ("win32", {"HOME": "/home/u"}, "/home/u/AppData/Local/jzysoap"),
        ("win32", {"HOME": "/home/u", "LOCALAPPDATA": "/l"}, "/l/jzysoap"),
        ("linux", {}, None),
        ("darwin", {}, None),
        ("win32", {}, None),
    ],
)
def test_where_the_platform_wants_caches(
    monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], expected: str | None
) -> None:
    def nobody(uid: int) -> None:
        raise KeyError(uid)

    # As in a container whose user has no entry.
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setattr(sys, "platform", platform)
    for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert default_directory() == (expected and Path(expected))
    if expected is None:
        Cache(None).write(NAME, 1)
        assert Cache(None).read(NAME) is None


def test_a_path_from_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    Cache("~/own").write(NAME, 7)
    assert Cache(str(tmp_path / "own")).read(NAME) == 7


def test_a_relative_path_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    cache = Cache("own")
    monkeypatch.chdir(tmp_path / "elsewhere")
    cache.write(NAME, 7)
    assert Cache(str(tmp_path / "own")).read(NAME) == 7


def test_a_relative_path_in_a_directory_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert Cache("own").read(NAME) is None
    (message,) = told()
    assert message.startswith("the cache in None cannot be found: FileNotFoundError: ")


def file_in_its_place(path: Path) -> Path:
    path.touch()
    return path


def below_a_file(path: Path) -> Path:
    path.touch()
    return path / "a" / "b"


def link(path: Path) -> Path:
    (path.parent / "target").mkdir(mode=0o700)
    path.symlink_to(path.parent / "target")
    return path


def link_to_nowhere(path: Path) -> Path:
    path.symlink_to(path.parent / "target")
    return path


def writable(mode: int) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.mkdir()
        path.chmod(mode)
        return path

    return make


def foreign(path: Path) -> Path:
    path.mkdir(mode=0o700)
    os.chown(path, FOREIGN, FOREIGN)
    return path


NOT_OWN = "OSError: the directory is not the user's own, or others can write to it, or it is a link"


@pytest.mark.parametrize(
    ("make", "why"),
    [
        pytest.param(file_in_its_place, NOT_OWN, id="file"),
        pytest.param(below_a_file, "NotADirectoryError: ", id="below a file"),
        pytest.param(link, NOT_OWN, id="link"),
        pytest.param(link_to_nowhere, NOT_OWN, id="link to nowhere"),
        pytest.param(writable(0o770), NOT_OWN, id="group"),
        pytest.param(writable(0o707), NOT_OWN, id="others"),
        pytest.param(writable(0o1777), NOT_OWN, id="like /tmp"),
        pytest.param(foreign, NOT_OWN, id="foreign", marks=as_root),
        pytest.param(lambda _: Path("/proc/self/jzysoap"), "", id="no place for directories"),
        pytest.param(lambda path: path / ("a" * 300), "OSError: ", id="name too long"),
        pytest.param(lambda path: path / "a\x00b", "ValueError: ", id="NUL"),
        pytest.param(lambda path: path / "\ud800", "UnicodeEncodeError: ", id="surrogate"),
        pytest.param(lambda _: "~no-user-of-this-name/x", "RuntimeError: ", id="no home"),
    ],
)
def test_a_directory_that_cannot_be_trusted_is_not_used(
    tmp_path: Path, told: Told, make: Callable[[Path], Path | str], why: str
) -> None:
    directory = make(tmp_path / "cache")
    before = {path: path.lstat() for path in tmp_path.rglob("*")}
    cache = Cache(str(directory))
    cache.write(NAME, 1)
    assert cache.read(NAME) is None
    # Neither what is in it nor its rights were changed.
    after = {path: path.lstat() for path in tmp_path.rglob("*")}
    assert {path: status.st_mode for path, status in after.items() if path in before} == {
        path: status.st_mode for path, status in before.items()
    }
    assert not [path for path in after if path.suffix == ".json"]
    messages = told()
    assert messages
    assert all(why in message for message in messages)


def test_a_directory_that_becomes_untrusted_is_no_longer_used(directory: Path) -> None:
    cache = Cache(str(directory))
    cache.write(NAME, 1)
    directory.chmod(0o777)
    assert cache.read(NAME) is None
    cache.write("another", 1)
    assert len(list(directory.iterdir())) == 1
    directory.chmod(0o700)
    assert cache.read(NAME) == 1


def linked(path: Path) -> None:
    target = path.with_name("target")
    path.rename(target)
    path.symlink_to(target)


def group_writable(path: Path) -> None:
    path.chmod(0o620)


def given_away(path: Path) -> None:
    os.chown(path, FOREIGN, FOREIGN)


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def too_large(path: Path) -> None:
    os.truncate(path, 64 * 1024 * 1024 + 1)


def holding(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        pytest.param(linked, "OSError: ", id="link"),
        pytest.param(group_writable, "OSError: not a plain file of the user's own", id="group-writable"),
        pytest.param(given_away, "OSError: not a plain file of the user's own", id="foreign", marks=as_root),
        pytest.param(a_directory, "IsADirectoryError: ", id="directory"),
        pytest.param(a_pipe, "OSError: not a plain file of the user's own", id="pipe"),
        pytest.param(too_large, "OSError: not a plain file of the user's own", id="too large"),
        pytest.param(holding(b""), "JSONDecodeError: ", id="empty"),
        pytest.param(holding(b'{"url": "http://h'), "JSONDecodeError: ", id="cut off"),
        pytest.param(holding(b"\x80\x04K\x07."), "UnicodeDecodeError: ", id="pickle"),
        pytest.param(holding(b"\xff\xfe\xfa"), "UnicodeDecodeError: ", id="no text"),
        pytest.param(holding(b"\x00" * 4096), "JSONDecodeError: ", id="after a crash"),
        pytest.param(holding(b"1 2"), "JSONDecodeError: ", id="more"),
        pytest.param(holding(b"[" * 200_000), "RecursionError: ", id="too deep"),
    ],
)
def test_a_file_that_cannot_be_trusted_or_read_is_not_there(
    directory: Path, told: Told, spoil: Callable[[Path], object], why: str
) -> None:
    spoil(path_of(directory))
    # What other tests left open goes now, not in between.
    gc.collect()
    descriptors = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(3):
        assert Cache(str(directory)).read(NAME) is None
    messages = told()
    assert len(messages) == 3
    assert all(message.startswith(f"the cache in {directory} cannot be read: {why}") for message in messages)
    if descriptors:
        assert len(os.listdir("/proc/self/fd")) <= descriptors


def test_a_number_too_long_for_python_is_not_there(directory: Path) -> None:
    path_of(directory).write_bytes(b"9" * 10_000)
    value = Cache(str(directory)).read(NAME)
    # Python has a limit since 3.10.7; older ones read it.
    assert value is None or value == 10**10_000 - 1


@pytest.mark.parametrize("spoil", [linked, group_writable, a_pipe, holding(b"{")])
def test_a_spoilt_file_is_replaced(directory: Path, spoil: Callable[[Path], object]) -> None:
    path = path_of(directory)
    spoil(path)
    Cache(str(directory)).write(NAME, 7)
    assert Cache(str(directory)).read(NAME) == 7
    assert stat.S_ISREG(path.lstat().st_mode)
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(directory: Path, tmp_path: Path) -> None:
    path = path_of(directory)
    (tmp_path / "precious").write_text("kept")
    path.unlink()
    path.symlink_to(tmp_path / "precious")
    Cache(str(directory)).write(NAME, 7)
    assert (tmp_path / "precious").read_text() == "kept"


def test_what_cannot_be_written_leaves_nothing_behind(directory: Path, told: Told) -> None:
    path = path_of(directory)
    a_directory(path)
    cache = Cache(str(directory))
    cache.write(NAME, 7)
    assert list(directory.iterdir()) == [path]
    (message,) = told()
    assert message.startswith(f"the cache in {directory} cannot be written: IsADirectoryError: ")


def test_a_full_disk_keeps_the_old_value(directory: Path, monkeypatch: pytest.MonkeyPatch, told: Told) -> None:
    cache = Cache(str(directory))
    cache.write(NAME, "old")

    def full(value: object, file: Any) -> None:
        file.write("half of i")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(json, "dump", full)
        cache.write(NAME, "new")
    assert told() == [f"the cache in {directory} cannot be written: OSError: [Errno 28] No space left on device"]
    assert cache.read(NAME) == "old"
    assert len(list(directory.iterdir())) == 1


def test_a_half_written_file_that_is_gone_already(directory: Path, monkeypatch: pytest.MonkeyPatch, told: Told) -> None:
    def swept(source: str, target: Path) -> None:
        os.unlink(source)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", swept)
    Cache(str(directory)).write(NAME, 1)
    assert told() == [f"the cache in {directory} cannot be written: OSError: [Errno 5] Input/output error"]


def circle() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def tower() -> list[Any]:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize("make", [circle, tower])
def test_a_value_without_end_is_not_written(directory: Path, told: Told, make: Callable[[], list[Any]]) -> None:
    Cache(str(directory)).write(NAME, make())
    assert len(told()) == 1
    assert list(directory.iterdir()) == []


def test_a_value_that_is_no_json_is_a_mistake_of_ours_and_leaves_nothing(directory: Path) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        Cache(str(directory)).write(NAME, b"bytes")
    assert list(directory.iterdir()) == []


def test_a_name_that_has_no_bytes_is_not_there(directory: Path, told: Told) -> None:
    cache = Cache(str(directory))
    cache.write("\ud800", 1)
    assert cache.read("\ud800") is None
    assert len(told()) == 2
    assert list(directory.iterdir()) == []


def test_a_number_that_is_none_is_read_as_such(directory: Path) -> None:
    Cache(str(directory)).write(NAME, [math.nan, math.inf, "\ud800"])
    nan, inf, lone = Cache(str(directory)).read(NAME)
    assert math.isnan(nan)
    assert (inf, lone) == (math.inf, "\ud800")
    assert json.loads(path_of(directory, "other").read_bytes()) == 1


def test_many_writers_and_readers_see_whole_values(directory: Path) -> None:
    values = [[number] * 20_000 for number in range(4)]
    wrong: list[object] = []
    ready = threading.Barrier(8)

    def write(value: list[int]) -> None:
        ready.wait()
        for _ in range(20):
            Cache(str(directory)).write(NAME, value)

    def read() -> None:
        ready.wait()
        for _ in range(40):
            value = Cache(str(directory)).read(NAME)
            if value is not None and value not in values:
                wrong.append(value)

    threads = [threading.Thread(target=write, args=(value,)) for value in values]
    threads += [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert Cache(str(directory)).read(NAME) in values
    assert len(list(directory.iterdir())) == 1
