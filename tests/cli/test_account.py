"""Where a command gets its account and its password from."""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keyring
import pytest

from jzysoap import ConfigurationError
from jzysoap.cli import credentials, keyrings, profile_file
from jzysoap.cli.account import Account, find_account
from jzysoap.cli.credentials import ask, find_password, has_terminal, read_line, refuse_readable
from tests.kit.samples import PASSWORD, PASSWORD_BASE64, USERNAME

URL = "http://127.0.0.1:9003"
OTHER = "http://127.0.0.2:9003"


def find(**given: Any) -> Account:
    options = {"profile": None, "base_url": None, "username": None, "password_fd": None}
    return find_account(argparse.Namespace(**{**options, **given}))


def write_profiles(text: str) -> Path:
    path = Path(os.environ["XDG_CONFIG_HOME"], "jzysoap", "profiles.toml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def pipe(content: bytes) -> int:
    reader, writer = os.pipe()
    os.write(writer, content)
    os.close(writer)
    return reader


WORK = f'[profiles.work]\nbase_url = "{URL}"\nusername = "{USERNAME}"\n'


# -- the account ------------------------------------------------------------------------------------------------------


def test_the_account_of_the_options(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("JZYSOAP_BASE_URL", OTHER)
    monkeypatch.setenv("JZYSOAP_INTERFACE", "servlet")
    account = find(base_url=URL, username=USERNAME)
    assert (account.config.base_url, account.config.username) == (URL, USERNAME)
    assert account.config.interface == "servlet"
    assert (account.profile, account.sources) == (None, ("--base-url", "--username"))
    assert PASSWORD not in repr(account)
    assert capsys.readouterr().err == ""


def test_the_account_of_variables(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("JZYSOAP_BASE_URL", URL)
    monkeypatch.setenv("JZYSOAP_USERNAME", USERNAME)
    monkeypatch.setenv("JZYSOAP_PASSWORD", PASSWORD)
    account = find()
    assert account.sources == ("JZYSOAP_BASE_URL", "JZYSOAP_USERNAME")
    arguments, found = account.authenticate()
    assert arguments == {"base_url": URL, "username": USERNAME, "password": PASSWORD}
    assert (found.kind, found.source) == ("variable", "JZYSOAP_PASSWORD")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("way", ["option", "variable", "default"])
def test_the_account_of_a_profile(
    way: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_profiles(
        ('default = "work"\n' if way == "default" else "") + WORK + 'channel = "member"\ntimeout = "1,2,3"\n'
    )
    if way == "variable":
        monkeypatch.setenv("JZYSOAP_PROFILE", "work")
    account = find(profile="work" if way == "option" else None)
    assert (account.config.base_url, account.config.username) == (URL, USERNAME)
    assert (account.config.channel.name, account.config.timeout) == ("MEMBER", (1, 2, 3))
    assert (account.profile, account.sources) == ("work", ("profile work", "profile work"))
    assert capsys.readouterr().err == ""


def test_a_misspelled_variable_is_said_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("JZYSOAP_PASWORD", "x")
    monkeypatch.setenv("JZYSOAP_PASSWORD", PASSWORD)
    monkeypatch.setenv("JZYSOAP_PROFILE", "")
    find(base_url=URL, username=USERNAME).authenticate()
    assert caplog.messages == ["JZYSOAP_PASWORD is set, and no option has that name: is JZYSOAP_PASSWORD meant?"]


def test_a_variable_before_a_profile_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_profiles(WORK + 'channel = "member"\n')
    monkeypatch.setenv("JZYSOAP_BASE_URL", OTHER)
    monkeypatch.setenv("JZYSOAP_CHANNEL", "card")
    monkeypatch.setenv("JZYSOAP_INTERFACE", "servlet")
    monkeypatch.setenv("JZYSOAP_PASSWORD_FILE", "somewhere")
    monkeypatch.setenv("JZYSOAP_PASSWORD", "")
    account = find(profile="work", username="me")
    assert (account.config.base_url, account.config.username) == (OTHER, "me")
    assert account.config.channel.name == "CARD"
    assert account.sources == ("JZYSOAP_BASE_URL", "--username")
    assert capsys.readouterr().err == (
        "jzysoap: using JZYSOAP_BASE_URL, JZYSOAP_CHANNEL, JZYSOAP_PASSWORD_FILE instead of what the profile work has\n"
    )
    find(profile="work", username="me", password_fd=3)
    assert "JZYSOAP_PASSWORD" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({}, "JZYSOAP_BASE_URL, JZYSOAP_USERNAME"),
        ({"base_url": URL}, "JZYSOAP_USERNAME"),
        ({"base_url": URL, "username": "me"}, None),
    ],
)
def test_variables_before_the_default_profile_are_said(
    given: dict[str, str], names: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_profiles('default = "work"\n' + WORK)
    monkeypatch.setenv("JZYSOAP_BASE_URL", OTHER)
    monkeypatch.setenv("JZYSOAP_USERNAME", "me")
    assert find(**given).profile is None
    said = f"jzysoap: using {names} instead of the profile work\n" if names else ""
    assert capsys.readouterr().err == said


def test_damaged_profiles_do_not_disturb_where_none_is_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_profiles("damaged")
    monkeypatch.setenv("JZYSOAP_BASE_URL", URL)
    monkeypatch.setenv("JZYSOAP_USERNAME", "me")
    assert find().profile is None
    assert capsys.readouterr().err == ""


def test_an_empty_list_of_recipients_of_the_environment_means_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    write_profiles(WORK)
    monkeypatch.setenv("JZYSOAP_ALLOW_RECIPIENTS", "")
    assert find(profile="work").config.allow_recipients == frozenset()


@pytest.mark.parametrize(
    ("profiles", "given", "message"),
    [
        ("", {}, "which account"),
        ("", {"base_url": URL}, "which account"),
        (WORK, {"profile": "home"}, "there is no account home; there are: work"),
        ("", {"profile": "home"}, "there is no account home; there are: none"),
        (WORK + 'channel = "fast"\n', {"profile": "work"}, "the profile work: channel must be card, gateway or member"),
        (WORK, {"profile": "work", "base_url": "nowhere"}, "base_url must be an address"),
        ('[profiles.work]\nusername = "me"\n', {"profile": "work"}, "JZYSOAP_BASE_URL is not set"),
        ("damaged", {"profile": "work"}, "profiles.toml cannot be used: Expected '='"),
        ("profiles = 1", {"profile": "work"}, "profiles.toml cannot be used: AttributeError"),
        ("[profiles]\nwork = 1", {"profile": "work"}, "profiles.toml cannot be used: TypeError"),
        (WORK + "colour = 1\n", {"profile": "work"}, "a profile cannot have colour"),
        (WORK + f'password = "{PASSWORD}"\n', {"profile": "work"}, "holds a password, in the account work"),
        (WORK + 'PASSWORD_FILE = "x"\n', {"profile": "work"}, "holds a password, in the account work"),
    ],
)
def test_what_is_wrong_with_an_account_is_said(profiles: str, given: dict[str, str], message: str) -> None:
    if profiles:
        write_profiles(profiles)
    with pytest.raises(ConfigurationError) as caught:
        find(**given)
    assert message in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_a_default_that_is_gone_is_none() -> None:
    write_profiles('default = "home"\n' + WORK)
    assert profile_file.load().default is None


def test_without_a_home_directory_there_is_no_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setattr("platformdirs.user_config_dir", lambda *_, **__: "~/.config/jzysoap")
    with pytest.raises(ConfigurationError, match="there is no home directory for profiles: set XDG_CONFIG_HOME"):
        find()


@pytest.mark.parametrize("library", ["platformdirs", "tomli_w"])
def test_a_missing_library_is_named(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_profiles(WORK)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigurationError, match=rf"this needs {library}: pip install 'jzysoap\[cli\]'"):
        profile_file.load().save()


def test_profiles_are_written_for_the_user_alone_and_completely(monkeypatch: pytest.MonkeyPatch) -> None:
    profiles = profile_file.load()
    profiles.accounts["work"] = {"base_url": URL, "username": USERNAME}
    profiles.default = "work"
    profiles.save()
    assert profiles.path.stat().st_mode & 0o777 == 0o600
    assert profiles.path.parent.stat().st_mode & 0o077 == 0
    assert profile_file.load() == profiles

    def fail(*_: object) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(os, "replace", fail)
    profiles.accounts.clear()
    with pytest.raises(ConfigurationError, match=r"cannot be used: \[Errno 28\]"):
        profiles.save()
    assert [path.name for path in profiles.path.parent.iterdir()] == ["profiles.toml"]
    assert "work" in profile_file.load().accounts


# -- the password -----------------------------------------------------------------------------------------------------


def look(descriptor: int | None = None, variables: dict[str, str] | None = None) -> credentials.Found:
    return find_password(descriptor, variables or {}, URL, USERNAME)


@pytest.mark.usefixtures("_no_terminal")
def test_the_order_of_the_ways_to_give_a_password(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyrings.store(URL, USERNAME, "in-keyring")
    everything = dict.fromkeys(credentials.VARIABLES, "x")
    found = look(pipe(b"in-pipe\n"), everything)
    assert (found.password, found.kind) == ("in-pipe", "fd")
    found = look(None, everything)
    assert (found.password, found.kind, found.source) == (None, "variable", "JZYSOAP_PASSWORD")
    found = look()
    assert (found.password, found.kind, found.source) == ("in-keyring", "keyring", "the keyring")
    keyrings.forget(URL, USERNAME)
    with pytest.raises(ConfigurationError) as caught:
        look()
    assert str(caught.value) == (
        "no password for account: the keyring has none. Other ways: --password-fd, JZYSOAP_PASSWORD, "
        "JZYSOAP_PASSWORD_FILE, or a terminal to ask at"
    )
    monkeypatch.setattr(credentials, "has_terminal", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda prompt: f"typed at {prompt}")
    found = look()
    assert (found.password, found.kind, found.keyring) == (f"typed at Password of {USERNAME}: ", "prompt", "")


@pytest.mark.usefixtures("_no_terminal")
@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (lambda patch: patch.setitem(sys.modules, "keyring", None), "this needs keyring: pip install 'jzysoap[cli]'"),
        (
            lambda _: keyring.set_keyring(keyring.core.load_keyring("tests.kit.keyrings.PlaintextKeyring")),
            "the keyring is a plain file, which is not used",
        ),
        (lambda _: Path(os.environ["TEST_KEYRING"]).write_text("broken"), "the keyring failed (RuntimeError)"),
        (
            lambda _: keyring.set_keyring(keyring.core.load_keyring("keyring.backends.fail.Keyring")),
            "this system has no keyring",
        ),
    ],
)
def test_a_keyring_that_cannot_be_used_is_said(
    prepare: Callable[[pytest.MonkeyPatch], object], why: str, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(monkeypatch)
    with pytest.raises(ConfigurationError) as caught:
        look()
    assert str(caught.value).startswith(f"no password for account: {why}. Other ways: --password-fd, ")
    assert PASSWORD not in str(caught.value)
    monkeypatch.setattr(credentials, "has_terminal", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda _: PASSWORD)
    assert look().keyring == why


@pytest.mark.parametrize("variable", ["JZYSOAP_PASSWORD_BASE64", "JZYSOAP_PASSWORD_FILE"])
def test_the_other_variables_with_a_password(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "password"
    path.write_text(f"{PASSWORD}\n")
    path.chmod(0o600)
    monkeypatch.setenv(variable, PASSWORD_BASE64 if variable.endswith("64") else str(path))
    arguments, found = find(base_url=URL, username=USERNAME).authenticate()
    assert (found.kind, found.source) == ("variable", variable)
    password = arguments.get("password") or base64.b64decode(arguments["password_base64"]).decode()
    assert password == PASSWORD


def test_a_file_that_every_user_can_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "the password"
    path.write_text(PASSWORD)
    path.chmod(0o604)
    monkeypatch.setenv("JZYSOAP_PASSWORD_FILE", str(path))
    account = find(base_url=URL, username=USERNAME)
    with pytest.raises(ConfigurationError) as caught:
        account.authenticate()
    assert f"chmod 600 '{path}'" in str(caught.value)
    path.chmod(0o640)
    assert account.authenticate()[0]["password"] == PASSWORD


def test_what_is_no_file_is_not_refused_for_its_mode(tmp_path: Path) -> None:
    refuse_readable(str(tmp_path / "missing"))
    refuse_readable("/dev/null")


def test_two_lines_of_one_descriptor_are_two_passwords() -> None:
    reader = pipe("first\r\nsécond".encode())
    assert [read_line(reader), read_line(reader)] == ["first", "sécond"]
    with pytest.raises(ConfigurationError, match="the password is empty"):
        read_line(reader)
    os.close(reader)
    with pytest.raises(ConfigurationError, match=rf"the file descriptor {reader} cannot be read \(OSError\)"):
        read_line(reader)
    with pytest.raises(ConfigurationError, match="OverflowError"):
        read_line(2**40)


def test_a_password_that_cannot_be_decoded_is_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_line(pipe(PASSWORD.encode() + b"\xff"))
    assert "UnicodeDecodeError" in str(caught.value)
    assert caught.value.__cause__ is None
    assert PASSWORD not in json.dumps(str(caught.value))


def test_a_line_without_an_end_is_not_read_for_ever() -> None:
    with open("/dev/zero", "rb") as zeros:
        assert len(read_line(zeros.fileno())) == 4096


def test_nothing_typed_is_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    def end(_: str) -> str:
        raise EOFError

    for answer in (lambda _: "", end):
        monkeypatch.setattr("getpass.getpass", answer)
        assert ask("?", empty=True) == ""
        with pytest.raises(ConfigurationError, match="the password is empty"):
            ask("?")


def test_a_terminal_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "open", lambda *_: os.dup(0))
    assert has_terminal()

    def refuse(*_: object) -> int:
        raise OSError(6, "no such device")

    monkeypatch.setattr(os, "open", refuse)
    assert not has_terminal()
