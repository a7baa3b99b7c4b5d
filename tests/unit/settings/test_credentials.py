"""The password of a client. All passwords are made up."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st

from jzysoap.model.errors import ConfigurationError
from jzysoap.model.masking import Secret
from jzysoap.settings.credentials import Credentials
from jzysoap.settings.options import configure

GEHEIM = "Z2VoZWlt"


def credentials(password: Any = None, **others: Any) -> Credentials:
    return Credentials(configure({"base_url": "http://h", "username": "user", "password": password, **others}))


class Vault:
    """A callable that returns one password after the other, and counts its calls."""

    def __init__(self, *passwords: Any) -> None:
        self.passwords = list(passwords)
        self.asked = 0

    def __call__(self) -> Any:
        self.asked += 1
        password = self.passwords.pop(0)
        if isinstance(password, BaseException):
            raise password
        return password


def test_a_password_as_text() -> None:
    known = credentials("geheim")
    assert (known.encoded(), known.plain()) == (GEHEIM, "geheim")
    assert isinstance(known.encoded(), Secret)
    assert isinstance(known.plain(), Secret)
    assert known.renew(GEHEIM) is False


def test_a_password_in_base64_is_sent_verbatim() -> None:
    known = credentials(password_base64="YWI")
    assert (known.encoded(), known.plain()) == ("YWI", "ab")
    assert known.renew("YWI") is False


@given(st.text(min_size=1), st.sampled_from(["utf-8", "gb18030", "utf-16"]))
def test_the_plain_password_is_the_given_one(password: str, encoding: str) -> None:
    known = credentials(password, password_encoding=encoding)
    assert base64.b64decode(known.encoded()).decode(encoding) == password
    assert known.plain() == password
    unpadded = credentials(password_base64=known.encoded().rstrip("="), password_encoding=encoding)
    assert unpadded.plain() == password


def test_a_password_that_does_not_decode_has_no_plain_form() -> None:
    known = credentials(password_base64=base64.b64encode(b"geheim\xff").decode())
    with pytest.raises(ConfigurationError, match=r"^password_base64 does not decode to text in password_encoding$"):
        known.plain()
    encoded = base64.b64encode(b"geheim\xff").decode()
    assert set(known.secrets(known.encoded())) == {encoded, "Z2VoZWlt/w"}


def test_a_callable_is_called_once_when_the_password_is_needed() -> None:
    vault = Vault("geheim")
    known = credentials(vault)
    assert vault.asked == 0
    assert [known.encoded(), known.encoded(), known.plain()] == [GEHEIM, GEHEIM, "geheim"]
    assert vault.asked == 1


def test_after_a_refused_password_the_callable_is_called_again() -> None:
    vault = Vault("old", "geheim", "geheim")
    known = credentials(vault)
    old = known.encoded()
    assert known.renew(old) is True
    assert known.encoded() == GEHEIM
    # Another call was refused with the old password too: the callable is not called again.
    assert known.renew(old) is True
    assert vault.asked == 2
    # The vault has no other password.
    assert known.renew(GEHEIM) is False
    assert vault.asked == 3


@pytest.mark.parametrize("wrong", [None, "", 7, True, b"geheim", bytearray(b"geheim"), ["geheim", 1][1:]])
def test_a_callable_that_returns_no_password(wrong: object) -> None:
    known = credentials(Vault(wrong, "geheim"))
    with pytest.raises(ConfigurationError) as caught:
        known.encoded()
    assert str(caught.value) == "password must be text, not empty, or a callable that returns it"
    # The next call calls the callable again.
    assert known.encoded() == GEHEIM


def test_a_callable_that_returns_an_unencodable_password() -> None:
    known = credentials(Vault("geheim字"), password_encoding="ascii")
    with pytest.raises(ConfigurationError) as caught:
        known.encoded()
    assert str(caught.value) == "password cannot be encoded in ascii: set password_encoding"


def test_a_callable_that_fails() -> None:
    failure = OSError("no vault today")
    known = credentials(Vault(failure, "geheim"))
    with pytest.raises(ConfigurationError, match=r"^the password callable failed$") as caught:
        known.encoded()
    assert caught.value.__cause__ is failure
    assert (caught.value.retry, caught.value.may_have_been_sent) == ("later", False)
    assert known.encoded() == GEHEIM


def test_a_callable_that_fails_later_leaves_the_old_password() -> None:
    known = credentials(Vault("geheim", OSError("no vault today"), "new"))
    assert known.encoded() == GEHEIM
    with pytest.raises(ConfigurationError, match=r"^the password callable failed$"):
        known.renew(GEHEIM)
    assert known.encoded() == GEHEIM
    assert known.renew(GEHEIM) is True
    assert known.plain() == "new"


def test_an_interrupt_of_a_callable_is_not_a_failure() -> None:
    known = credentials(Vault(KeyboardInterrupt(), "geheim"))
    with pytest.raises(KeyboardInterrupt):
        known.encoded()
    assert known.encoded() == GEHEIM


@pytest.mark.parametrize("others", [{"password": "old"}, {"password": Vault("old")}, {"password_base64": "b2xk"}])
def test_a_changed_password_replaces_the_old_one(others: dict[str, Any]) -> None:
    known = credentials(**others)
    assert known.plain() == "old"
    known.replace("geheim")
    assert (known.encoded(), known.plain()) == (GEHEIM, "geheim")


def test_a_change_to_an_unencodable_password_changes_nothing() -> None:
    known = credentials("geheim", password_encoding="ascii")
    with pytest.raises(ValueError, match=r"^cannot be encoded in ascii: set password_encoding$"):
        known.replace("字")
    assert known.encoded() == GEHEIM


def test_secrets_are_the_password_and_its_base64() -> None:
    known = credentials("a+<密>")
    encoded = known.encoded()
    assert known.secrets(encoded) == known.secrets(encoded)
    assert set(known.secrets(encoded)) == {"a+<密>", encoded, encoded.rstrip("=")}
    # A call may have been sent with an earlier password.
    assert set(known.secrets(Secret(GEHEIM))) == {GEHEIM, "geheim"}


@pytest.mark.parametrize("others", [{"password": "geheim"}, {"password": Vault("geheim")}, {"password_base64": GEHEIM}])
def test_credentials_do_not_show_the_password(others: dict[str, Any]) -> None:
    known = credentials(**others)
    assert "geheim" not in repr(known.secrets(known.encoded()))
    assert repr(known) == "<Credentials ***>"
    assert "geheim" not in repr(vars(known))
    assert GEHEIM not in repr(vars(known))


def test_a_change_does_not_wait_for_a_callable_and_wins() -> None:
    """An event loop replaces the password, and the callable may wait for that loop."""
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        go_on.wait(10)
        return "older"

    known = credentials(slow)
    for ask in (known.encoded, lambda: known.renew(GEHEIM)):
        begun.clear()
        go_on.clear()
        thread = threading.Thread(target=ask)
        thread.start()
        assert begun.wait(10)
        known.replace("newest")
        go_on.set()
        thread.join(10)
        assert known.plain() == "newest"
        known.replace("geheim")


@pytest.mark.parametrize("others", [{"password": "old"}, {"password_base64": "b2xk"}])
def test_a_password_replaced_meanwhile_counts_as_renewed(others: dict[str, Any]) -> None:
    known = credentials(**others)
    old = known.encoded()
    assert known.renew(old) is False
    known.replace("geheim")
    assert known.renew(old) is True


def in_threads(count: int, work: Callable[[], object]) -> None:
    barrier = threading.Barrier(count)

    def run() -> None:
        barrier.wait()
        work()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_many_threads_call_the_callable_once() -> None:
    vault = Vault("old", "geheim")
    known = credentials(vault)
    seen: list[str] = []
    in_threads(8, lambda: seen.append(known.encoded()))
    assert seen == ["b2xk"] * 8
    renewed: list[bool] = []
    in_threads(8, lambda: renewed.append(known.renew("b2xk")))
    assert renewed == [True] * 8
    assert (vault.asked, known.plain()) == (2, "geheim")


def test_a_child_does_not_wait_for_a_thread_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    known = credentials(Vault("geheim"))
    # A fork leaves the lock locked if another thread of the parent is calling its vault.
    known._turn.get().__enter__()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert known.encoded() == GEHEIM
    assert known.renew("other") is True
