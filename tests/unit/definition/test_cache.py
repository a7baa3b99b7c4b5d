"""The cache directory: which files are read, and that no file makes a call fail."""

from __future__ import annotations

import gc
import logging
import math
import os
import pwd
import resource
import stat
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from jzysoap.definition.cache import Cache, default_directory
from tests.kit.cached import read_entry, write_entry

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
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """A function that returns the log messages since its last call."""
    caplog.set_level(logging.INFO, "jzysoap")

    def messages_since() -> list[str]:
        messages = [record.getMessage() for record in caplog.records]
        assert {record.levelno for record in caplog.records} <= {logging.INFO}
        caplog.clear()
        return messages

    return messages_since


Logged = Callable[[], list[str]]


def path_of(directory: Path, name: str = NAME) -> Path:
    """Write a value and return the path of its file."""
    before = set(directory.glob("*")) if directory.exists() else set()
    Cache(str(directory)).write(name, 1)
    (path,) = set(directory.glob("*")) - before
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(), value=json_values)
def test_what_was_written_is_read(directory: Path, name: str, value: Any) -> None:
    Cache(str(directory)).write(name, value)
    assert Cache(str(directory)).read(name) == value


def test_different_names_are_different_files(directory: Path, logged: Logged) -> None:
    cache = Cache(str(directory))
    for name in ("", "a", "A", "../a", "/etc/passwd", "a\x00b", "a" * 5000, "字"):
        cache.write(name, name)
    for name in ("", "a", "A", "../a", "/etc/passwd", "a\x00b", "a" * 5000, "字"):
        assert cache.read(name) == name
    assert cache.read("another") is None
    assert {len(path.name) for path in directory.iterdir()} == {45}
    assert logged() == []


def test_files_and_directory_are_readable_by_the_user_alone(directory: Path) -> None:
    umask = os.umask(0)
    try:
        path = path_of(directory)
    finally:
        os.umask(umask)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(directory.iterdir()) == [path]


def test_a_value_is_overwritten_completely(directory: Path) -> None:
    cache = Cache(str(directory))
    cache.write(NAME, "x" * 100_000)
    cache.write(NAME, "y")
    assert cache.read(NAME) == "y"


@pytest.mark.parametrize("off", [False, ""])
def test_without_a_cache_nothing_is_saved(
    off: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: Logged
) -> None:
    monkeypatch.chdir(tmp_path)
    Cache(off).write(NAME, 1)
    assert Cache(off).read(NAME) is None
    assert list(tmp_path.iterdir()) == []
    assert logged() == []


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
def test_the_platforms_cache_directory(
    monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], expected: str | None
) -> None:
    def nobody(uid: int) -> None:
        raise KeyError(uid)

    # As in a container whose user is not in /etc/passwd.
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


def test_a_path_may_begin_with_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    Cache("~/own").write(NAME, 7)
    assert Cache(str(tmp_path / "own")).read(NAME) == 7


def test_a_relative_path_is_resolved_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    cache = Cache("own")
    monkeypatch.chdir(tmp_path / "elsewhere")
    cache.write(NAME, 7)
    assert Cache(str(tmp_path / "own")).read(NAME) == 7


def test_a_relative_path_in_a_deleted_directory_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: Logged
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert Cache("own").read(NAME) is None
    (message,) = logged()
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
    tmp_path: Path, logged: Logged, make: Callable[[Path], Path | str], why: str
) -> None:
    directory = make(tmp_path / "cache")
    before = {path: path.lstat() for path in tmp_path.rglob("*")}
    cache = Cache(str(directory))
    cache.write(NAME, 1)
    assert cache.read(NAME) is None
    # Neither its content nor its permissions were changed.
    after = {path: path.lstat() for path in tmp_path.rglob("*")}
    assert {path: status.st_mode for path, status in after.items() if path in before} == {
        path: status.st_mode for path, status in before.items()
    }
    assert not [path for path in after if path.suffix == ".json"]
    messages = logged()
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


def saying(value: str) -> Callable[[Path], object]:
    return lambda path: write_entry(path, value)


def one_bit_flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        pytest.param(linked, "OSError: ", id="link"),
        pytest.param(group_writable, "OSError: not a plain file of the user's own", id="group-writable"),
        pytest.param(given_away, "OSError: not a plain file of the user's own", id="foreign", marks=as_root),
        pytest.param(a_directory, "IsADirectoryError: ", id="directory"),
        pytest.param(a_pipe, "OSError: not a plain file of the user's own", id="pipe"),
        pytest.param(too_large, "OSError: not a plain file of the user's own", id="too large"),
        pytest.param(holding(b""), "OSError: its checksum is wrong", id="empty"),
        pytest.param(holding(b'{"url": "http://h'), "OSError: its checksum is wrong", id="cut off"),
        pytest.param(holding(b"\x80\x04K\x07."), "OSError: its checksum is wrong", id="pickle"),
        pytest.param(holding(b"\xff\xfe\xfa"), "OSError: its checksum is wrong", id="no text"),
        pytest.param(holding(b"\x00" * 4096), "OSError: its checksum is wrong", id="after a crash"),
        pytest.param(holding(b"1 2"), "OSError: its checksum is wrong", id="more"),
        pytest.param(one_bit_flipped, "OSError: its checksum is wrong", id="one bit"),
        pytest.param(saying("1 2"), "JSONDecodeError: ", id="no JSON"),
        pytest.param(saying("[" * 200_000), "RecursionError: ", id="too deep"),
    ],
)
def test_a_file_that_cannot_be_trusted_or_read_is_ignored(
    directory: Path, logged: Logged, spoil: Callable[[Path], object], why: str
) -> None:
    spoil(path_of(directory))
    # Close the files that other tests left open, so that they do not count.
    gc.collect()
    descriptors = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(3):
        assert Cache(str(directory)).read(NAME) is None
    messages = logged()
    assert len(messages) == 3
    assert all(message.startswith(f"the cache in {directory} cannot be read: {why}") for message in messages)
    if descriptors:
        assert len(os.listdir("/proc/self/fd")) <= descriptors


def test_a_number_too_long_for_python_is_ignored(directory: Path) -> None:
    path_of(directory).write_bytes(b"9" * 10_000)
    value = Cache(str(directory)).read(NAME)
    # Python has a limit since 3.10.7; older ones read it.
    assert value is None or value == 10**10_000 - 1


@pytest.mark.parametrize("spoil", [linked, group_writable, a_pipe, holding(b"{")])
def test_an_unusable_file_is_replaced(directory: Path, spoil: Callable[[Path], object]) -> None:
    path = path_of(directory)
    spoil(path)
    Cache(str(directory)).write(NAME, 7)
    assert Cache(str(directory)).read(NAME) == 7
    assert stat.S_ISREG(path.lstat().st_mode)
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600


def test_a_link_is_replaced_and_not_followed(directory: Path, tmp_path: Path) -> None:
    path = path_of(directory)
    (tmp_path / "precious").write_text("kept")
    path.unlink()
    path.symlink_to(tmp_path / "precious")
    Cache(str(directory)).write(NAME, 7)
    assert (tmp_path / "precious").read_text() == "kept"


def test_a_failed_write_leaves_no_file(directory: Path, logged: Logged) -> None:
    path = path_of(directory)
    a_directory(path)
    cache = Cache(str(directory))
    cache.write(NAME, 7)
    assert list(directory.iterdir()) == [path]
    (message,) = logged()
    assert message.startswith(f"the cache in {directory} cannot be written: IsADirectoryError: ")


def test_a_disk_without_room_keeps_the_old_value(directory: Path, logged: Logged) -> None:
    cache = Cache(str(directory))
    cache.write(NAME, "old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        cache.write(NAME, "new" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert logged() == [f"the cache in {directory} cannot be written: OSError: [Errno 27] File too large"]
    assert cache.read(NAME) == "old"
    assert len(list(directory.iterdir())) == 1


def test_files_of_writers_that_were_killed_are_removed(directory: Path) -> None:
    path = path_of(directory)
    orphan, writing, other = directory / ".new-abc", directory / ".new-def", directory / "mine"
    for one in (orphan, writing, other):
        one.write_text("half of i")
    for one in (path, orphan, other):
        os.utime(one, (time.time() - 7200,) * 2)
    Cache(str(directory)).write("other", 2)
    assert not orphan.exists()
    assert all(one.exists() for one in (path, writing, other))
    assert Cache(str(directory)).read(NAME) == 1


def test_a_temporary_file_may_be_gone_already(directory: Path, monkeypatch: pytest.MonkeyPatch, logged: Logged) -> None:
    def swept(source: str, target: Path) -> None:
        os.unlink(source)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", swept)
    Cache(str(directory)).write(NAME, 1)
    assert logged() == [f"the cache in {directory} cannot be written: OSError: [Errno 5] Input/output error"]


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
def test_a_value_nested_too_deep_is_not_written(directory: Path, logged: Logged, make: Callable[[], list[Any]]) -> None:
    Cache(str(directory)).write(NAME, make())
    assert len(logged()) == 1
    assert list(directory.iterdir()) == []


def test_a_value_that_is_not_json_raises_and_leaves_no_file(directory: Path) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        Cache(str(directory)).write(NAME, b"bytes")
    assert list(directory.iterdir()) == []


def test_a_name_that_cannot_be_encoded_is_not_saved(directory: Path, logged: Logged) -> None:
    cache = Cache(str(directory))
    cache.write("\ud800", 1)
    assert cache.read("\ud800") is None
    assert len(logged()) == 2
    assert list(directory.iterdir()) == []


def test_nan_and_infinity_can_be_saved(directory: Path) -> None:
    Cache(str(directory)).write(NAME, [math.nan, math.inf, "\ud800"])
    nan, inf, lone = Cache(str(directory)).read(NAME)
    assert math.isnan(nan)
    assert (inf, lone) == (math.inf, "\ud800")
    assert read_entry(path_of(directory, "other")) == 1


def test_many_readers_and_writers_see_complete_values(directory: Path) -> None:
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
