"""An interface: how the wire spells a call and its answer. Nothing here does I/O."""

from __future__ import annotations

import email
import re
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import replace
from typing import Any, ClassVar

from jzysoap._version import __version__
from jzysoap.calls.operations import Call
from jzysoap.definition.bindings import Bindings
from jzysoap.model.errors import HttpStatusError, SoapFaultError
from jzysoap.model.http import HttpReply, HttpRequest
from jzysoap.model.masking import EVIDENCE, Secret, SecretBytes
from jzysoap.model.operations import InterfaceName
from jzysoap.settings.options import Config

# The words of nginx, Apache and Tomcat on a port for TLS.
_WANTS_TLS = re.compile(
    rb"plain HTTP request was sent to HTTPS port|speaking plain HTTP to an SSL|host and port requires TLS",
    re.IGNORECASE,
)
_NO_PAGE = re.compile(rb"/services/userApi|/servlet/UserServiceAPI|No service was found", re.IGNORECASE)
_NO_SERVICE = re.compile(
    "service cannot be found for the endpoint reference|could not find a target service", re.IGNORECASE
)

# The words of Axis2, CXF, JAX-WS RI, Axis 1.4, XFire, .NET, PHP, NuSOAP, gSOAP, Spring-WS and SOAP::Lite.
_OTHER_DEFINITION = re.compile(
    r"namespace|soapaction|action parameter|dispatch method|wrapper element|unexpected (?:sub)?element|unmarshalling"
    r"|not recogni[sz]ed|endpoint reference|no (?:adapter|endpoint)|versionmismatch|procedure"
    r"|(?:no such|invalid|unknown) (?:operation|method|function)|failed to locate"
    r"|(?:operation|method|function)\b.{0,200}?\bnot\b",
    re.IGNORECASE | re.DOTALL,
)


class Interface(ABC):
    """One of the gateway's interfaces, for one client.

    Args:
        config: the client's options.

    Attributes:
        name: its name.
        headers: the headers of every request.
        needs_definition: True while it needs a service definition before it can build a request.
    """

    name: ClassVar[InterfaceName]
    needs_definition = False

    def __init__(self, config: Config) -> None:
        self._config = config
        custom = config.headers or {}
        taken = {name.lower() for name in custom}
        own = {"User-Agent": f"jzysoap/{__version__}", "Accept-Encoding": "gzip"}
        self.headers = {**{name: own[name] for name in own if name.lower() not in taken}, **custom}

    @property
    @abstractmethod
    def path(self) -> str:
        """The path of the interface, after the base address."""

    @abstractmethod
    def encode(self, call: Call[Any], password: Secret) -> tuple[dict[str, str], SecretBytes]:
        """Return the headers and the body of a call; the password is plain if ``needs_plain_password`` says so."""

    @staticmethod
    @abstractmethod
    def read(reply: HttpReply, *, secrets: Collection[str] = ()) -> str | None:
        """Return the result string of a complete reply; None for nil.

        Args:
            reply: the reply.
            secrets: texts that an error's message must not show.

        Raises:
            JzySoapError: the reply has no result string.
        """

    @staticmethod
    @abstractmethod
    def read_part(reply: HttpReply) -> str:
        """Return the result string of a poll's reply that was cut off, as far as it was received."""

    def check(self, call: Call[Any]) -> None:  # noqa: B027  # an interface may carry everything
        """Refuse what this interface cannot carry, before anything is sent.

        Raises:
            InvalidMessageError: naming the argument.
        """

    def needs_plain_password(self, call: Call[Any]) -> bool:
        """Return True if the password of a call is sent in the clear instead of as BASE64."""
        return call.plain_password

    def use_bindings(self, bindings: Bindings) -> None:  # noqa: B027  # an interface may need none
        """Use the compiled bindings of a service definition."""

    def build(self, call: Call[Any], password: Secret) -> HttpRequest:
        """Return the request of a call."""
        config = self._config
        poll = call.operation.kind == "poll"
        headers, body = self.encode(call, password)
        return HttpRequest(
            "POST",
            ((config.poll_url if poll else None) or config.base_url) + self.path,
            {**self.headers, **headers},
            body,
            config.poll_timeout if poll else config.timeout,
            config.max_poll_bytes if poll else config.max_reply_bytes,
            consuming=poll,
            not_after=call.not_after,
        )


def unpack(reply: HttpReply) -> HttpReply:
    """Return the reply inside a reply of several parts, as stacks send it with attachments (MTOM); else the same."""
    if "multipart/" not in reply.headers.get("content-type", "").lower():
        return reply
    head = f"Content-Type: {reply.headers['content-type']}\r\n\r\n".encode("latin-1", "replace")
    message: Any = email.message_from_bytes(head + reply.body.lstrip())
    if not message.is_multipart():
        return reply
    parts = message.get_payload()
    start = message.get_param("start")
    part = next((one for one in parts if start and one["Content-ID"] == start), parts[0])
    body = part.get_payload(decode=True)
    if body is None:
        return reply
    return replace(reply, headers={**reply.headers, "content-type": part.get("Content-Type", "")}, body=body)


def says_no_service(words: str) -> bool:
    """Return True if a fault's words are those of Axis2 or Axis 1.4 for a service that is not there: none has acted."""
    return _NO_SERVICE.search(words[:EVIDENCE]) is not None


def is_about_definition(error: SoapFaultError) -> bool:
    """Return True if a fault is one that a stack raises when it is asked by another definition than its own."""
    return _OTHER_DEFINITION.search(f"{error.code} {error.text}"[:EVIDENCE]) is not None


def status_error(reply: HttpReply) -> HttpStatusError:
    """Return the error for an HTTP status that came without a result."""
    hint = ""
    # A servlet container's page names the path that was asked for; CXF has its own words. A 404 of something else, such
    # as a proxy that had passed the request on before, proves nothing.
    if reply.status == 404 and _NO_PAGE.search(reply.body[:EVIDENCE]):
        return HttpStatusError(
            "the gateway has no service at this address (HTTP status 404), so nothing was sent: check base_url",
            may_have_been_sent=False,
            status=404,
            retry="later",
        )
    if reply.status == 407:
        return HttpStatusError(
            "a proxy wants a user and a password (HTTP status 407): give them in the address in proxies", status=407
        )
    if reply.status == 404:
        hint = ": check base_url"
    elif _WANTS_TLS.search(reply.body[:EVIDENCE]):
        hint = ": it speaks TLS, try https://"
    elif reply.status in (301, 302, 303, 307, 308):
        hint = " (a redirect, which is never followed): check base_url"
    return HttpStatusError(f"the gateway answered with HTTP status {reply.status}{hint}", status=reply.status)
