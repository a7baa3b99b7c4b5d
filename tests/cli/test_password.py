"""``jzysoap password`` against the sandbox: what happened is said, and whether the password may have been changed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jzysoap import Client
from jzysoap.cli import keyrings
from jzysoap.cli.main import main
from jzysoap.sandbox import Sandbox
from tests.kit.samples import PASSWORD, USERNAME
from tests.kit.servers import refused_port

NEW = "newpass1"


def valid(sandbox: Sandbox, password: str) -> bool:
    try:
        sandbox.gateway.check_password(USERNAME, password.encode())
    except Exception:  # noqa: BLE001  # refused
        return False
    return True


def pipe(*lines: str) -> str:
    """A file descriptor with some lines in it, as an argument."""
    reader, writer = os.pipe()
    os.write(writer, "".join(f"{line}\n" for line in lines).encode())
    os.close(writer)
    return str(reader)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Have a terminal at which some answers are typed; the prompts are collected."""

    def answer(*answers: str) -> list[str]:
        prompts: list[str] = []
        waiting = list(answers)

        def ask(prompt: str) -> str:
            prompts.append(prompt)
            return waiting.pop(0)

        for module in ("credentials", "password", "profiles"):
            monkeypatch.setattr(f"jzysoap.cli.{module}.has_terminal", lambda: True)
        monkeypatch.setattr("getpass.getpass", ask)
        return prompts

    return answer


def test_both_passwords_from_one_descriptor(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    both = pipe(PASSWORD, NEW)
    account = ["--base-url", sandbox.url, "--username", USERNAME]
    assert main(["password", *account, "--password-fd", both, "--new-password-fd", both]) == 0
    assert capsys.readouterr() == (f"the password of {USERNAME} was changed\n", "")
    assert valid(sandbox, NEW)


def test_all_passwords_typed(
    sandbox: Sandbox, typed: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    prompts = typed(PASSWORD, NEW, NEW)
    assert main(["password", "--base-url", sandbox.url, "--username", USERNAME]) == 0
    assert prompts == [
        f"Password of {USERNAME}: ",
        "New password (letters and digits): ",
        "The same again: ",
    ]
    assert valid(sandbox, NEW)
    assert NEW not in "".join(capsys.readouterr())


def test_a_password_that_was_typed_wrongly_is_not_sent(
    variables: Sandbox, typed: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    typed(NEW, "other1")
    assert main(["password"]) == 1
    assert capsys.readouterr() == (
        "",
        "jzysoap: the two new passwords differ; nothing was sent, and the password was not changed\n",
    )
    assert variables.exchanges == ()


@pytest.mark.usefixtures("_no_terminal")
def test_without_a_terminal_there_is_no_new_password(variables: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["password"]) == 1
    assert "no new password: give --new-password-fd" in capsys.readouterr().err
    assert variables.exchanges == ()


def test_the_source_of_the_old_password_is_said_to_be_outdated(
    variables: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["password", "--new-password-fd", pipe(NEW)]) == 0
    assert capsys.readouterr().err == "jzysoap: JZYSOAP_PASSWORD still has the old password: change it there too\n"


def test_the_keyring_gets_the_new_password(sandbox: Sandbox, stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keyrings.store(sandbox.url, USERNAME, PASSWORD)
    account = ["--base-url", sandbox.url, "--username", USERNAME]
    assert main(["password", *account, "--new-password-fd", pipe(NEW)]) == 0
    out, err = capsys.readouterr()
    assert out == f"the password of {USERNAME} was changed\nthe keyring has the new password\n"
    assert err == ""
    assert main(["balance", *account]) == 0
    assert json.loads(stored.read_text()) == {f"jzysoap {sandbox.url} {USERNAME}": NEW}


def test_a_keyring_without_the_account_gets_nothing(sandbox: Sandbox, stored: Path) -> None:
    both = pipe(PASSWORD, NEW)
    account = ["--base-url", sandbox.url, "--username", USERNAME]
    assert main(["password", *account, "--password-fd", both, "--new-password-fd", both]) == 0
    assert not stored.exists()


def test_a_keyring_that_fails_then_is_said(
    sandbox: Sandbox, stored: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keyrings.store(sandbox.url, USERNAME, PASSWORD)

    def fail(*_: str) -> None:
        raise RuntimeError("locked")

    monkeypatch.setattr("tests.kit.keyrings.FileKeyring.set_password", fail)
    account = ["--base-url", sandbox.url, "--username", USERNAME]
    assert main(["password", *account, "--new-password-fd", pipe(NEW)]) == 0
    err = capsys.readouterr().err
    assert "the keyring still has the old password (the keyring failed (RuntimeError))" in err
    assert "profile add --replace" in err


@pytest.mark.parametrize("new", ["not ascii é", "", "has blanks 1"])
def test_a_password_that_cannot_be_one_is_not_sent(
    new: str, variables: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["password", "--new-password-fd", pipe(new)]) == 1
    assert variables.exchanges == ()
    err = capsys.readouterr().err
    assert err.startswith(("jzysoap: the password was not changed: new ", "jzysoap: the password is empty"))


def test_a_refusal_means_not_changed(
    variables: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JZYSOAP_PASSWORD", "wrong")
    assert main(["password", "--new-password-fd", pipe(NEW)]) == 1
    assert capsys.readouterr().err.startswith("jzysoap: the password was not changed: the gateway refused")
    assert valid(variables, PASSWORD)


def test_no_connection_means_not_changed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("JZYSOAP_PASSWORD", PASSWORD)
    with refused_port() as port:
        account = ["--base-url", f"http://127.0.0.1:{port}", "--username", USERNAME]
        assert main(["password", *account, "--new-password-fd", pipe(NEW)]) == 1
    assert capsys.readouterr().err.startswith("jzysoap: the password was not changed: nothing was sent to")


@pytest.mark.parametrize("acted", [True, False])
def test_a_lost_answer_means_that_it_may_have_been_changed(
    acted: bool, variables: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    variables.fail_next("updatePassword", drop=True, acted=acted)
    assert main(["password", "--new-password-fd", pipe(NEW)]) == 1
    err = capsys.readouterr().err
    assert err.startswith("jzysoap: the password may have been changed: no answer from ")
    assert "Either the old or the new password may be valid now: try both" in err
    assert NEW not in err
    assert valid(variables, NEW) == acted


def test_an_interruption_means_that_it_may_have_been_changed(
    variables: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "change_password", interrupt)
    assert main(["password", "--new-password-fd", pipe(NEW)]) == 130
    assert "interrupted: the password may have been changed" in capsys.readouterr().err


def test_both_passwords_as_base64(monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox(username=USERNAME, password=PASSWORD, encoded_password_change=True) as sandbox:
        monkeypatch.setenv("JZYSOAP_PASSWORD", PASSWORD)
        account = ["--base-url", sandbox.url, "--username", USERNAME]
        assert main(["password", *account, "--base64", "--new-password-fd", pipe(NEW)]) == 0
        assert valid(sandbox, NEW)
