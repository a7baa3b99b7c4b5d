"""``jzysoap profile``: accounts by name, their passwords in the keyring or nowhere."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from jzysoap.cli.main import main
from jzysoap.sandbox import Sandbox
from tests.kit.samples import PASSWORD, USERNAME

URL = "http://127.0.0.1:9003"


def add(name: str, *more: str, url: str = URL, username: str = USERNAME) -> int:
    return main(["profile", "add", name, "--base-url", url, "--username", username, *more])


def pipe(line: str) -> str:
    reader, writer = os.pipe()
    os.write(writer, f"{line}\n".encode())
    os.close(writer)
    return str(reader)


def content() -> dict[str, Any]:
    return tomllib.loads(Path(os.environ["XDG_CONFIG_HOME"], "jzysoap", "profiles.toml").read_text("utf-8"))


def test_an_account_is_added_used_and_removed(
    sandbox: Sandbox, stored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add("work", "--option", "channel=member", "--password-fd", pipe(PASSWORD), url=f"{sandbox.url}/") == 0
    assert capsys.readouterr() == ("added the account work\nits password is in the keyring\n", "")
    account = {"base_url": sandbox.url, "username": USERNAME, "channel": "member"}
    assert content() == {"default": "work", "profiles": {"work": account}}
    assert json.loads(stored.read_text()) == {f"jzysoap {sandbox.url} {USERNAME}": PASSWORD}
    assert main(["balance"]) == 0
    assert main(["balance", "--profile", "work", "--output", "csv"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["profile", "remove", "work"]) == 0
    assert capsys.readouterr() == ("removed the account work\n", "")
    assert content() == {"profiles": {}}
    assert json.loads(stored.read_text()) == {}


@pytest.mark.usefixtures("_no_terminal", "stored")
def test_the_default_account(capsys: pytest.CaptureFixture[str]) -> None:
    assert add("home") == add("work") == 0
    capsys.readouterr()
    assert main(["profile", "use", "work"]) == 0
    assert capsys.readouterr() == ("work is the default account\n", "")
    assert main(["profile", "list"]) == 0
    out = capsys.readouterr().out
    assert out == (f"name  address                account  default\nhome  {URL}  account\nwork  {URL}  account  yes\n")
    assert main(["profile", "list", "--output", "jsonl"]) == 0
    assert [json.loads(line)["default"] for line in capsys.readouterr().out.splitlines()] == [False, True]
    assert main(["profile", "list", "--output", "csv"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [f"home,{URL},account,false", f"work,{URL},account,true"]
    assert main(["profile", "remove", "home"]) == 0
    assert content()["default"] == "work"


@pytest.mark.usefixtures("_no_terminal")
def test_without_a_password_none_is_stored(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert add("work") == 0
    out, err = capsys.readouterr()
    assert out == "added the account work\n"
    assert err.startswith("jzysoap: no password was stored (none was given). Other ways: --password-fd, ")
    assert not stored.exists()
    assert main(["profile", "remove", "work"]) == 0
    assert capsys.readouterr().err == ""


def test_without_a_keyring_no_password_is_asked_for_or_stored(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("getpass.getpass", lambda _: pytest.fail("asked"))
    assert add("work") == 0
    assert add("home", "--password-fd", pipe(PASSWORD), username="other") == 0
    err = capsys.readouterr().err.splitlines()
    assert [line.partition(".")[0] for line in err] == [
        "jzysoap: no password was stored (this system has no keyring)"
    ] * 2
    assert PASSWORD not in str(content())
    assert main(["profile", "remove", "home"]) == 0
    assert "could not be removed from the keyring: this system has no keyring" in capsys.readouterr().err


def test_a_typed_password_is_stored(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jzysoap.cli.profiles.has_terminal", lambda: True)
    prompts = []

    def answer(prompt: str) -> str:
        prompts.append(prompt)
        return PASSWORD if len(prompts) == 1 else ""

    monkeypatch.setattr("getpass.getpass", answer)
    assert add("work") == add("home", username="other") == 0
    assert prompts[0] == f"Password of {USERNAME} (empty to store none): "
    assert json.loads(stored.read_text()) == {f"jzysoap {URL} {USERNAME}": PASSWORD}


def test_a_password_that_another_account_shares_stays(stored: Path) -> None:
    assert add("one", "--password-fd", pipe(PASSWORD)) == 0
    assert add("two", "--password-fd", pipe(PASSWORD)) == 0
    assert main(["profile", "remove", "one"]) == 0
    assert PASSWORD in stored.read_text()
    assert main(["profile", "remove", "two"]) == 0
    assert PASSWORD not in stored.read_text()


@pytest.mark.usefixtures("_no_terminal", "stored")
def test_an_account_is_replaced_only_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert add("work") == 0
    assert add("work", username="other") == 1
    assert "there is an account work already: --replace replaces it" in capsys.readouterr().err
    assert add("work", "--replace", username="other") == 0
    assert content()["profiles"]["work"]["username"] == "other"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--base-url", "nowhere"], "base_url must be an address"),
        (["--option", "channel"], "--option must be NAME=VALUE"),
        (["--option", "channel=fast"], "channel must be card, gateway or member"),
        (["--option", "password=x"], "a profile cannot have password"),
        (["--option", "base_url=x"], "a profile cannot have base_url"),
        (["--option", "colour=x"], "a profile cannot have colour"),
        (["--password-fd", "999"], "the file descriptor 999 cannot be read"),
    ],
)
def test_an_account_that_cannot_be_used_is_not_added(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add("work", *arguments) == 1
    assert message in capsys.readouterr().err
    assert add("a/b") == 1
    assert "the name a/b cannot be used" in capsys.readouterr().err
    assert not Path(os.environ["XDG_CONFIG_HOME"]).exists()


@pytest.mark.parametrize("action", ["use", "remove"])
def test_an_unknown_account_is_an_error(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", action, "work"]) == 1
    assert capsys.readouterr().err == "jzysoap: there is no account work; there are: none\n"
