"""The errors: what each says of itself, and that it survives pickle and copy. All words and numbers are made up."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st

import jzysoap
from jzysoap.model import errors
from jzysoap.model.errors import (
    AccountRefusedError,
    AuthenticationError,
    ConfigurationError,
    ContentRejectedError,
    GatewayError,
    HookError,
    HttpStatusError,
    IncompletePollError,
    InsufficientBalanceError,
    InvalidMessageError,
    MalformedReplyError,
    NotSentError,
    NumberRejectedError,
    OutcomeUnknownError,
    PartlySentError,
    RateLimitedError,
    SoapFaultError,
    TransportError,
    WsdlError,
)
from jzysoap.model.sent import Batch, JzySoapError, Outcome, Sent
from jzysoap.model.values import InvalidNumber, Poll
from jzysoap.results.refusals import gateway_error

NUMBER = "13812345678"
WORDS = f"号码{NUMBER}错误 geheim"

MAKERS: dict[type[JzySoapError], Callable[[], JzySoapError]] = {
    JzySoapError: lambda: JzySoapError("so"),
    ConfigurationError: lambda: ConfigurationError("so"),
    InvalidMessageError: lambda: InvalidMessageError(
        "so", field="mobile", numbers=(InvalidNumber(1, NUMBER, "bad"),), text="geheim", position=3
    ),
    WsdlError: lambda: WsdlError("so", source="http://h/x?wsdl", readable=False),
    TransportError: lambda: TransportError("so"),
    NotSentError: lambda: NotSentError("so"),
    OutcomeUnknownError: lambda: OutcomeUnknownError("so", raw=b"geheim"),
    HttpStatusError: lambda: HttpStatusError("so", status=503, raw=b"geheim"),
    SoapFaultError: lambda: SoapFaultError("so", code="soapenv:Server", text=WORDS, actor="a", detail="<detail/>"),
    MalformedReplyError: lambda: MalformedReplyError("so", raw=b"geheim"),
    IncompletePollError: lambda: IncompletePollError("so", raw=b"geheim", poll=Poll(("one",), (), b"geheim")),
    HookError: lambda: HookError("so"),
    PartlySentError: lambda: PartlySentError("so"),
    GatewayError: lambda: GatewayError(WORDS, secrets=["geheim"]),
    AuthenticationError: lambda: AuthenticationError(WORDS, secrets=["geheim"]),
    AccountRefusedError: lambda: AccountRefusedError(WORDS, secrets=["geheim"]),
    InsufficientBalanceError: lambda: InsufficientBalanceError(WORDS, secrets=["geheim"]),
    RateLimitedError: lambda: RateLimitedError(WORDS, secrets=["geheim"]),
    ContentRejectedError: lambda: ContentRejectedError(WORDS, secrets=["geheim"]),
    NumberRejectedError: lambda: NumberRejectedError(WORDS, secrets=["geheim"], numbers=(NUMBER,)),
}
every_error = pytest.mark.parametrize("kind", MAKERS, ids=lambda kind: kind.__name__)


def pickled(protocol: int) -> Callable[[Any], Any]:
    return lambda value: pickle.loads(pickle.dumps(value, protocol))  # noqa: S301  # our own


every_copy = pytest.mark.parametrize(
    "copied", [pickled(0), pickled(2), pickled(pickle.HIGHEST_PROTOCOL), copy.copy, copy.deepcopy]
)


def family(kind: type[JzySoapError]) -> set[type[JzySoapError]]:
    return {kind}.union(*(family(child) for child in kind.__subclasses__()))


def test_no_error_is_left_out_here_nor_in_what_the_package_exports() -> None:
    ours = {kind for kind in family(JzySoapError) if kind.__module__ == "jzysoap"}
    assert set(MAKERS) == ours
    assert {getattr(jzysoap, kind.__name__) for kind in ours} == ours
    assert all(kind.__name__ in jzysoap.__all__ for kind in ours)


def test_the_docstring_draws_the_hierarchy() -> None:
    above: list[type] = []
    seen: set[type] = set()
    for line in (line for line in (errors.__doc__ or "").splitlines() if line.startswith("    ")):
        bare = line.lstrip("│├└─ ")
        depth = (len(line) - len(bare) - 4) // 4
        kind = getattr(errors, bare.split()[0])
        above[depth:] = [kind]
        seen.add(kind)
        assert kind.__base__ is (above[depth - 1] if depth else Exception) or kind is InvalidMessageError
    assert seen == set(MAKERS)


# What a program may do: (may_have_been_sent, retry).
VERDICTS = {
    JzySoapError: (False, "never"),
    ConfigurationError: (False, "never"),
    InvalidMessageError: (False, "never"),
    WsdlError: (False, "never"),
    TransportError: (False, "never"),
    NotSentError: (False, "safe"),
    OutcomeUnknownError: (True, "never"),
    HttpStatusError: (True, "never"),
    SoapFaultError: (True, "never"),
    MalformedReplyError: (True, "never"),
    IncompletePollError: (True, "later"),
    HookError: (True, "never"),
    PartlySentError: (True, "never"),
    GatewayError: (False, "never"),
    AuthenticationError: (False, "never"),
    InsufficientBalanceError: (False, "later"),
    RateLimitedError: (False, "later"),
    AccountRefusedError: (False, "never"),
    ContentRejectedError: (False, "never"),
    NumberRejectedError: (False, "never"),
}


@every_error
def test_each_says_what_may_have_happened_and_what_to_do(kind: type[JzySoapError]) -> None:
    error = MAKERS[kind]()
    assert type(error) is kind
    assert (error.may_have_been_sent, error.retry) == VERDICTS[kind]
    assert error.result is None


@every_error
def test_no_text_of_an_error_shows_what_its_attributes_hold(kind: type[JzySoapError]) -> None:
    error = MAKERS[kind]()
    for shown in (str(error), repr(error), str(error.args)):
        assert NUMBER not in shown
        assert "geheim" not in shown


@every_copy
@every_error
def test_an_error_survives_with_all_it_knows(kind: type[JzySoapError], copied: Callable[[Any], Any]) -> None:
    error = MAKERS[kind]()
    error.may_have_been_sent = True
    error.retry = "later"
    other = copied(error)
    assert type(other) is kind
    assert (str(other), repr(other), other.args) == (str(error), repr(error), error.args)
    assert vars(other) == vars(error)
    assert other.__cause__ is None


@pytest.mark.parametrize("copied", [pickled(0), pickled(pickle.HIGHEST_PROTOCOL), copy.deepcopy])
@every_error
def test_an_error_survives_a_result_that_holds_it(kind: type[JzySoapError], copied: Callable[[Any], Any]) -> None:
    error = MAKERS[kind]()
    rest = Batch(("13912345678",), Outcome.NOT_SENT)
    error.result = Sent((Batch((NUMBER,), Outcome.UNKNOWN, "7", error), rest), 2)
    other = copied(error)
    assert other is not error
    assert other.result.batches[0].error is other
    assert other.result.batches[0].mobiles == (NUMBER,)
    assert other.result.batches[1] == rest
    # The same from the other end.
    sent = copied(error.result)
    assert sent.batches[0].error.result.batches == sent.batches
    assert NUMBER not in repr(other.result)


@every_copy
def test_a_cause_of_our_own_survives(copied: Callable[[Any], Any]) -> None:
    cause = NotSentError("no route")
    cause.result = Sent((Batch((NUMBER,), Outcome.ACCEPTED, "7"), Batch((NUMBER,), Outcome.NOT_SENT, None, cause)), 1)
    with pytest.raises(PartlySentError) as caught:
        raise PartlySentError("partly", result=cause.result) from cause
    other = copied(caught.value)
    assert type(other.__cause__) is NotSentError
    assert str(other.__cause__) == "no route"
    assert other.result.batches[1].error is other.__cause__
    assert other.__cause__.result.batches[1].error is other.__cause__


@every_copy
def test_a_foreign_cause_is_left_behind_since_it_may_not_travel(copied: Callable[[Any], Any]) -> None:
    class ForeignError(Exception):
        """Nothing can pickle a class that only a function knows."""

    with pytest.raises(NotSentError) as caught:
        raise NotSentError("no route") from ForeignError
    other = copied(caught.value)
    assert other.__cause__ is None
    assert str(other) == "no route"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="notes came with Python 3.11")
def test_notes_survive() -> None:
    error = NotSentError("no route")
    getattr(error, "add_note")("on host a")  # noqa: B009  # not there on 3.10
    assert pickled(2)(error).__notes__ == ["on host a"]


def test_an_error_of_the_users_own_kind_survives() -> None:
    other = pickled(2)(OwnError(3))
    assert (type(other), other.count, str(other)) == (OwnError, 3, "3 things")


class OwnError(GatewayError):
    def __init__(self, count: int) -> None:
        JzySoapError.__init__(self, f"{count} things")
        self.count = count


def test_a_state_of_nothing_is_taken() -> None:
    error = JzySoapError("so")
    error.__setstate__(None)
    assert (str(error), error.__cause__, vars(error)) == ("so", None, {})


def test_an_invalid_message_is_a_value_error_with_its_field() -> None:
    error = InvalidMessageError("text is empty", field="text")
    assert isinstance(error, ValueError)
    assert (error.field, error.numbers, error.text, error.position) == ("text", (), None, None)


def test_what_is_not_known_has_a_harmless_default() -> None:
    assert (WsdlError("x").source, WsdlError("x").readable) == (None, True)
    assert OutcomeUnknownError("x").raw == MalformedReplyError("x").raw == b""
    fault = SoapFaultError("x", code="c", text="t")
    assert (fault.code, fault.text, fault.actor, fault.detail) == ("c", "t", None, None)


@pytest.mark.parametrize(
    ("kind", "summary"),
    [
        (GatewayError, "the gateway refused"),
        (AuthenticationError, "the gateway refused the credentials"),
        (InsufficientBalanceError, "the account's balance is too low"),
        (RateLimitedError, "the gateway wants to be asked less often"),
        (AccountRefusedError, "the gateway refused the account"),
        (ContentRejectedError, "the gateway refused the message text"),
        (NumberRejectedError, "the gateway refused a recipient"),
    ],
)
def test_the_gateways_words_are_masked_in_the_text_and_exact_on_the_attribute(
    kind: type[GatewayError], summary: str
) -> None:
    error = kind(WORDS, secrets=(one for one in ["geheim"]))
    assert str(error) == f"{summary}: 号码138****5678错误 ***"
    assert error.text == WORDS
    assert str(kind("")) == str(kind("\x00\n")) == summary
    assert kind("系统错误", may_have_been_sent=True).may_have_been_sent is True


@given(st.text(st.characters()), st.lists(st.text(st.characters()), max_size=3))
def test_any_words_make_an_error_that_travels(words: str, secrets: list[str]) -> None:
    error = GatewayError(words, secrets=secrets)
    assert error.text == words
    assert "\n" not in str(error)
    other = pickled(pickle.HIGHEST_PROTOCOL)(error)
    assert (other.text, str(other)) == (words, str(error))


FORBIDDEN = (
    "\x00\x07\x08\x1b\r\n\x7f\x85\x9b\u061c\u200e\u200f\u2028\u202a\u202e\u2066\u2069\u200b\ufeff\ud800\U000e0041"
)
"""Characters that move a terminal's cursor, turn the direction of its text, or hide."""


@every_error
@given(text=st.text(st.sampled_from(f"a错{FORBIDDEN}"), max_size=50), times=st.sampled_from([1, 1000]))
def test_no_text_is_long_or_disturbs_a_terminal(kind: type[JzySoapError], text: str, times: int) -> None:
    error = kind(text * times)
    error.add(text * times)
    rebuilt = type(error)(*error.args)
    for shown in (str(error), str(rebuilt), str(pickled(2)(error))):
        assert len(shown) <= 2000
        assert not set(shown) & set(FORBIDDEN)
    assert rebuilt.may_have_been_sent is error.may_have_been_sent
    assert repr(error).isprintable()


def test_what_is_cut_off_is_kept_where_it_belongs() -> None:
    words = "号码错误:" + ",".join(f"138{number:08}" for number in range(5000))
    error = gateway_error(words, raw=words.encode())
    assert isinstance(error, NumberRejectedError)
    assert len(str(error)) < 300
    assert (error.text, len(error.numbers), error.raw) == (words, 5000, words.encode())
    invalid = tuple(InvalidNumber(place, "1380013800", "is not a number" * 50) for place in range(5000))
    with_numbers = InvalidMessageError("; ".join(map(str, invalid)), field="mobile", numbers=invalid)
    assert (len(str(with_numbers)), str(with_numbers)[-1]) == (2000, "…")
    assert with_numbers.numbers == invalid
