"""The failure matrix, for {SOAP, servlet} × {Client, AsyncClient}."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from jzysoap import (
    AsyncClient,
    Client,
    ConfigurationError,
    HttpStatusError,
    IncompletePollError,
    JzySoapError,
    Outcome,
    Sent,
)
from tests.kit.leaks import shown, spellings
from tests.kit.samples import MOBILE, PASSWORD, TEXT, USERNAME
from tests.wire.matrix import CASES, DOCUMENTS, READ, Case, JobLimit, Stage, document


def run(kind: type[Client] | type[AsyncClient], url: str, operation: str, options: dict[str, Any]) -> Any:
    """One call by a client of either kind."""
    arguments = (MOBILE, TEXT) if operation == "send" else ()
    name = "send" if operation == "send" else "reports"
    defaults = {"wsdl": "bundled", "cache_dir": False, **options}
    if kind is Client:
        with Client(url, USERNAME, PASSWORD, **defaults) as client:
            return getattr(client, name)(*arguments)

    async def call() -> Any:
        async with AsyncClient(url, USERNAME, PASSWORD, **defaults) as client:
            method: Callable[..., Awaitable[Any]] = getattr(client, name)
            return await method(*arguments)

    return asyncio.run(call())


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("operation", ["send", "poll"])
@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("interface", ["soap", "servlet"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_matrix(
    case: Case,
    interface: str,
    kind: type[Client] | type[AsyncClient],
    operation: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # At the root, so that what the libraries below log is seen too.
    caplog.set_level(logging.DEBUG)
    stage = Stage(interface, {"interface": interface})
    expected = case.expected(interface, operation)
    raised: JzySoapError | JobLimit | None = None
    result: Any = None
    with case.serve(stage) as url:
        try:
            result = run(kind, url, operation, stage.options)
        except (JzySoapError, JobLimit) as error:
            raised = error
        seen = [len(server.requests) for server in stage.servers]
    assert type(raised) is (expected or type(None)), repr(raised)
    for text in shown(raised, caplog.records):
        for secret in spellings(PASSWORD, TEXT, MOBILE):
            assert secret not in text
    assert sum(seen) <= case.requests, "a request was repeated, or went elsewhere"
    if isinstance(raised, JobLimit):
        # What became of the call is in on_call and in the log alone.
        return
    if raised is None:
        if operation == "send":
            assert isinstance(result, Sent)
            assert [batch.outcome for batch in result.batches] == [Outcome.ACCEPTED]
        else:
            assert len(result) == (0 if interface == "servlet" and case.servlet_poll is READ else 2)
        return
    assert raised.may_have_been_sent is (type(raised).may_have_been_sent if case.sent is None else case.sent)
    if operation == "send":
        # What is wrong with the configuration stays wrong.
        again = isinstance(raised, ConfigurationError) or raised.may_have_been_sent
        assert raised.retry == ("never" if again else "later" if isinstance(raised, HttpStatusError) else "safe")
        assert raised.result is not None
        wanted = Outcome.UNKNOWN if raised.may_have_been_sent else Outcome.NOT_SENT
        assert [batch.outcome for batch in raised.result.batches] == [wanted]
    else:
        assert raised.retry in ("safe", "later") or isinstance(raised, ConfigurationError)
    if isinstance(raised, HttpStatusError):
        assert str(raised.status) in str(raised)
    if isinstance(raised, IncompletePollError):
        assert raised.poll.raw == raised.raw


@pytest.mark.parametrize("language", DOCUMENTS)
def test_the_documents_show_this_matrix(language: str) -> None:
    path = Path(__file__).parent.parent.parent / DOCUMENTS[language]
    text = path.read_text(encoding="utf-8")
    assert document(language, text) == text, "run: python -m tests.wire.matrix"
