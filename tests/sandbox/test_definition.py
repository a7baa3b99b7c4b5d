"""The definition that a sandbox serves: which ones it accepts, and a custom one."""

from __future__ import annotations

import pytest
import requests

from jzysoap import WsdlError
from jzysoap.definition.local import bundled
from jzysoap.sandbox import Sandbox

LACKING = bundled().replace(b"getRecvSMS", b"getReceived")
RENAMED = bundled().replace(b'"content"', b'"text"')


def test_a_custom_definition_is_served_verbatim() -> None:
    document = bundled().replace(b"pojo7.service", b"custom.service")
    with Sandbox(definition=document) as sandbox:
        served = requests.get(f"{sandbox.url}/services/userApi?wsdl", timeout=30).content
    assert served.replace(sandbox_address(served), sandbox_address(document)) == document


def sandbox_address(document: bytes) -> bytes:
    """The host and the port that a definition names."""
    return document.partition(b'location="http://')[2].partition(b"/")[0]


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("axis-1.4-rpcenc", "cannot serve the definition bundled:axis-1.4-rpcenc: it must be document/literal"),
        ("spyne", "cannot serve the definition bundled:spyne: it must be document/literal"),
        (b"", "cannot serve the definition given as bytes: it must be document/literal"),
        (b"<a/>", "lacks the operation sendSms"),
        (LACKING, "the definition given as bytes lacks the operation getRecvSMS"),
        (RENAMED, "other arguments of sendSms than the table of operations: extenno, .*, text, username"),
        ("xfire-1.2.6", "other arguments of sendSms than the table of operations: in0, in1"),
    ],
    ids=["rpc", "imports", "empty", "no definition", "operation", "argument", "numbered"],
)
def test_a_definition_that_the_sandbox_cannot_serve(definition: str | bytes, message: str) -> None:
    with pytest.raises(WsdlError, match=message):
        Sandbox(definition=definition)
