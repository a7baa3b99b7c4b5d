"""The interfaces without a client: calls to requests, replies to result strings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from jzysoap.calls.operations import Call
from jzysoap.definition.bindings import Bindings
from jzysoap.interface.servlet import ServletInterface
from jzysoap.interface.soap import SoapInterface
from jzysoap.model.masking import Secret, SecretBytes
from jzysoap.model.operations import OPERATIONS
from jzysoap.results.parse import Answer
from jzysoap.settings.options import Config, configure


def config_of(**options: Any) -> Config:
    """Checked options; the address and the account are made up."""
    return configure({"base_url": "http://gateway.invalid", "username": "test", "password": "pw123", **options})


def call_of(operation: str, **arguments: str) -> Call[str | None]:
    """A call whose model is the result string."""

    def parse(answer: Answer) -> str | None:
        return answer.text

    return Call(OPERATIONS[operation], parse, arguments)


SOAP = SoapInterface(config_of())
"""The web service, to read replies with."""

SERVLET = ServletInterface(config_of())
"""The servlet in GBK, to read replies with."""


def build_soap(call: Call[Any], username: str, password: str, bindings: Bindings) -> tuple[dict[str, str], SecretBytes]:
    """The headers and the body of a call over SOAP, checked before."""
    interface = SoapInterface(replace(config_of(), username=username))
    interface.use_bindings(bindings)
    interface.check(call)
    return interface.encode(call, Secret(password))


def build_form(call: Call[Any], username: str, password: str, *, encoding: str) -> tuple[dict[str, str], SecretBytes]:
    """The headers and the body of a call over the servlet, in GBK or in UTF-8."""
    interface = ServletInterface(replace(config_of(utf8_servlet=encoding == "utf-8"), username=username))
    return interface.encode(call, Secret(password))
