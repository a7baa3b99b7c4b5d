"""The documents of a service definition: fetched with all that they import, and checked before zeep sees them.

This module does no I/O: its generators yield the addresses that they need, and are sent the replies.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urljoin, urlsplit, urlunsplit

from jzysoap.definition.bindings import Bindings
from jzysoap.definition.standard import standard_schema
from jzysoap.model.errors import ConfigurationError, WsdlError
from jzysoap.model.http import HttpReply, HttpRequest, Timeout, origin
from jzysoap.model.masking import mask_text
from jzysoap.model.operations import OPERATIONS, Operations
from jzysoap.model.sent import JzySoapError

FETCH_TIMEOUT = Timeout(5, 10, 20)
"""The limits for fetching one document, in seconds."""

MAX_DOCUMENT = 4 * 1024 * 1024
"""Bytes of one document at most."""

T = TypeVar("T")

Fetching = Generator[str, HttpReply, T]
"""Work that yields the addresses that it needs. It is sent each reply; the failure to get one is thrown in."""

Fetch = Callable[[str], HttpReply]
"""A function that gets the document at an address, as ``fetch_request`` asks for it."""

_MAX_DOCUMENTS = 32
_MAX_REDIRECTS = 3
_NOT_SENT = re.compile(r"^nothing was sent to \S+: ")
_SCHEMA_IMPORTS = ("import", "include", "redefine")
_ADVICE = (
    "Save the definition and what it imports in one directory, write the names of the files as the locations of the "
    "imports, and give the path of the definition as wsdl"
)


@dataclass(frozen=True, slots=True)
class Definition:
    """A service definition with all that it imports.

    Attributes:
        url: the address of the main document.
        documents: all documents by absolute address, the main document first.
        fetched_at: the time of fetching, in seconds since the epoch.
        names: replacements for addresses in error texts: the paths of a local definition.
    """

    url: str
    documents: Mapping[str, bytes]
    fetched_at: float
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """The SHA-256 of the documents' bytes, one after the other; of a single document, as ``sha256sum`` prints."""
        digest = hashlib.sha256()
        for document in self.documents.values():
            digest.update(document)
        return digest.hexdigest()

    def compile(
        self, source: str, arguments: Sequence[str] | None = None, operations: Operations = OPERATIONS
    ) -> Bindings:
        """Return the compiled bindings; an error calls the definition ``source``.

        Raises:
            WsdlError: the definition cannot be used.
        """
        # Imported here since it brings zeep, which a process with saved bindings never needs.
        from jzysoap.definition.compiler import compile_bindings

        with rename_addresses(self.names):
            return compile_bindings(self.url, self.documents, operations=operations, arguments=arguments, source=source)


def fetch_request(address: str, headers: Mapping[str, str], limits: Timeout = FETCH_TIMEOUT) -> HttpRequest:
    """Return the request for a document: without credentials, limited in time and size. Redirects are not followed.

    Args:
        address: the document's.
        headers: those of the client.
        limits: what is left of the limits of the call that waits for the document.
    """
    timeout = Timeout(*(max(min(pair), 0.001) for pair in zip(limits, FETCH_TIMEOUT, strict=True)))
    return HttpRequest("GET", address, headers, None, timeout, MAX_DOCUMENT)


def drive(fetching: Fetching[T], fetch: Fetch) -> T:
    """Run a generator to its end, with a function that gets each address."""
    try:
        address = next(fetching)
        while True:
            try:
                reply = fetch(address)
            except JzySoapError as error:
                address = fetching.throw(error)
            else:
                address = fetching.send(reply)
    except StopIteration as stop:
        value: T = stop.value
        return value


def collect(url: str, *, advice: str = _ADVICE) -> Fetching[dict[str, bytes]]:
    """Return the main document of a definition and all that it imports, by absolute address.

    Args:
        url: the address of the main document.
        advice: the end of the error text for an import from another server.

    Raises:
        WsdlError: a document cannot be fetched, is not WSDL or a schema, or is on another server alone; or definitions
            import each other in a cycle (schemas may).
    """
    documents: dict[str, bytes] = {}
    definitions: dict[str, set[str]] = {}
    wanted = [url]
    while wanted:
        address = wanted.pop(0)
        if address in documents or standard_schema(address) is not None:
            continue
        if len(documents) == _MAX_DOCUMENTS:
            raise WsdlError(f"the definition at {url} imports more than {_MAX_DOCUMENTS} documents", source=url)
        reply = yield from _fetch_for(address, url, advice)
        document, locations = _read_imports(address, reply, main=not documents)
        documents[address] = document
        found = [(_resolve(address, location), is_schema) for location, is_schema in locations]
        definitions[address] = {target for target, is_schema in found if not is_schema}
        wanted += [target for target, _ in found]
    # Repeatedly drop the definitions that import no remaining definition; what remains is an import cycle.
    while ends := [one for one, targets in definitions.items() if not targets & definitions.keys()]:
        for one in ends:
            del definitions[one]
    if definitions:
        cycle = ", ".join(definitions)
        raise WsdlError(f"the definition at {url} has an import cycle: {cycle}", source=url, readable=False)
    return documents


def on_server(address: str, url: str) -> str:
    """Return where a document is looked for: at its address, or at the same path on the server of ``url``.

    Gateways write their internal addresses into definitions. Another server is never asked: a request would carry the
    client's headers to whoever wrote the definition.

    Raises:
        ValueError: the address is malformed.
    """
    if _same_server(address, url):
        return address
    parts, main = urlsplit(address), urlsplit(url)
    return urlunsplit((main.scheme, main.netloc, "/" + parts.path.lstrip("/"), parts.query, ""))


@contextlib.contextmanager
def rename_addresses(names: Mapping[str, str], source: str = "") -> Iterator[None]:
    """Replace addresses in the text of a WsdlError by the names that the user gave them."""
    try:
        yield
    except WsdlError as error:
        text = str(error)
        for url, name in names.items():
            text = text.replace(url, name)
        error.args = (text, error.may_have_been_sent)
        error.source = source or error.source
        raise


def _fetch_for(address: str, url: str, advice: str) -> Fetching[HttpReply]:
    """Return the reply that has a document which the definition at ``url`` imports, or that definition."""
    try:
        tried = on_server(address, url)
        return (yield from _fetch_document(tried))
    except ValueError:
        failed = ", which is malformed"
    except WsdlError as error:
        if _same_server(address, url):
            raise
        failed = f" from another server, which is never asked, and in its place: {error}"
    raise WsdlError(
        f"the definition at {url} imports {mask_text(address)}{failed}. {advice}",
        source=url,
        readable=False,
        retry="later",
    )


def _fetch_document(url: str) -> Fetching[HttpReply]:
    address = url
    for _ in range(_MAX_REDIRECTS + 1):
        try:
            reply = yield address
        except (WsdlError, ConfigurationError):
            raise
        except JzySoapError as error:
            raise WsdlError(
                # The error's own beginning, "nothing was sent to …", would say the same twice.
                f"cannot get the definition at {address}, nothing was sent: {_NOT_SENT.sub('', str(error))}",
                source=url,
                readable=False,
                retry="later",
            ) from error
        if reply.status not in (301, 302, 303, 307, 308):
            break
        target = _resolve(address, reply.headers.get("location", ""))
        if not _same_server(target, address):
            raise WsdlError(
                f"the definition at {address} redirects to another server: {mask_text(target)}",
                source=url,
                readable=False,
            )
        address = target
    if reply.status != 200 or reply.problem:
        what = reply.problem or f"HTTP {reply.status}"
        hint = ": check base_url" if reply.status == 404 else ""
        raise WsdlError(
            f"cannot get the definition at {address}, nothing was sent: {what}{hint}",
            source=url,
            readable=False,
            retry="later",
        )
    return reply


def _resolve(base: str, location: str) -> str:
    try:
        # An absolute address stays verbatim, since zeep asks for it in this spelling.
        return location if urlsplit(location).scheme else urljoin(base, location)
    except ValueError:
        # A malformed address is on no server, so that it is refused.
        return location


def _same_server(one: str, other: str) -> bool:
    try:
        return origin(one) == origin(other)
    except ValueError:
        return False


def _read_imports(url: str, reply: HttpReply, *, main: bool) -> tuple[bytes, list[tuple[str, bool]]]:
    """Return a document, and the locations that it imports, each with True if it is the location of a schema.

    Raises:
        WsdlError: the document is not XML, has a DOCTYPE, or is the main document and not WSDL.
    """
    # Imported here since it brings lxml.
    from jzysoap.definition.documents import WSDL, XSD, UnreadableError, read_document

    try:
        document, root = read_document(reply)
        if main and root.tag != f"{{{WSDL}}}definitions":
            raise UnreadableError(f"its root element is {root.tag.rpartition('}')[2]}")
    except UnreadableError as why:
        raise WsdlError(
            f"the document at {url} is not a service definition: {why}", source=url, readable=False
        ) from why.__cause__
    locations = [(node.get("location"), False) for node in root.iter(f"{{{WSDL}}}import")]
    schemas = root.iter(*(f"{{{XSD}}}{kind}" for kind in _SCHEMA_IMPORTS))
    locations += [(node.get("schemaLocation"), True) for node in schemas]
    return document, [
        (location.strip(), is_schema) for location, is_schema in locations if location and location.strip()
    ]
