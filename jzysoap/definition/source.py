"""The origins of the service definition: the gateway, the last saved copy, a path, or a bundled one.

Only a definition that was compiled to usable bindings is ever saved. This module does no network I/O: its generators
yield the addresses that they need, and are sent the replies.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import logging
import os
import re
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urljoin, urlsplit

from jzysoap._version import __version__
from jzysoap.definition.bindings import Bindings, changes
from jzysoap.definition.cache import Cache
from jzysoap.model.errors import ConfigurationError, WsdlError
from jzysoap.model.http import HttpReply, HttpRequest, Timeout, origin
from jzysoap.model.masking import mask_text
from jzysoap.model.operations import OPERATIONS, Operations
from jzysoap.model.sent import JzySoapError
from jzysoap.settings.options import Config

logger = logging.getLogger("jzysoap")

PATH = "/services/userApi?wsdl"
"""Where a gateway has its definition, after the base address (vendor page, part two)."""

BUNDLED = "axis2-1.6.2-7param"
"""The shipped definition that is meant by ``wsdl="bundled"``."""

FETCH_TIMEOUT = Timeout(5, 10, 20)
MAX_DOCUMENT = 4 * 1024 * 1024
_MAX_DOCUMENTS = 32
_MAX_REDIRECTS = 3
_REMEMBER_FAILURE = 300.0
_FAR_FUTURE = 2.0**32

T = TypeVar("T")

Fetching = Generator[str, HttpReply, T]
"""Work that yields the addresses it needs, and is sent each reply; a failure to get one is thrown in."""

Fetch = Callable[[str], HttpReply]
"""Gets an address as ``fetch_request`` asks for it."""

_MAIN = "service.wsdl"
_SOURCE = "SOURCE"
_MAX_SOURCE = 65536
# A file of this directory, and the address that it was at.
_ORIGIN = r"^(?:Main|Import): +([\w.-]+) (.+)$"
_NOT_SENT = re.compile(r"^nothing was sent to \S+: ")

# Local documents are given addresses, since that is what imports are resolved against.
_LOCAL = "http://local.invalid/"
_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_XSD = "http://www.w3.org/2001/XMLSchema"


@dataclass(frozen=True, slots=True)
class Definition:
    """A service definition with all that it imports.

    Attributes:
        url: the address of the main document.
        documents: all documents by absolute address, the main one first.
        fetched_at: when, in seconds since the epoch.
        names: what an error calls these addresses, where they are not those of a server.
    """

    url: str
    documents: Mapping[str, bytes]
    fetched_at: float
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Of the documents' bytes, one after the other: for a single document, what ``sha256sum`` prints."""
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
        # Imported here: a process with saved bindings does without.
        from jzysoap.definition.compiler import compile_bindings

        with _named(self.names):
            return compile_bindings(self.url, self.documents, operations=operations, arguments=arguments, source=source)

    def outline(self, source: str) -> dict[str, str]:
        """Summarise the ports as flat pairs, for ``jzysoap wsdl diff``; an error calls the definition ``source``.

        Raises:
            WsdlError: the definition cannot be read.
        """
        from jzysoap.definition.compiler import outline

        with _named(self.names):
            return outline(self.url, self.documents, source)


def fetch_request(address: str, headers: Mapping[str, str]) -> HttpRequest:
    """Return the request for a document: without credentials, bounded in time and size. No redirect may be followed."""
    return HttpRequest("GET", address, headers, None, FETCH_TIMEOUT, MAX_DOCUMENT)


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


def loading(config: Config, *, clock: Callable[[], float] = time.time) -> Fetching[tuple[Bindings, str]]:
    """Return the bindings to use and the origin of their definition: ``live``, ``saved``, ``given`` or ``bundled``.

    Raises:
        WsdlError: there is no usable definition. Nothing was sent.
    """
    cache = Cache(config.cache_dir)
    if config.wsdl is not None and "://" not in config.wsdl:
        definition, source = _local(config.wsdl)
        return _bindings(config, cache, definition, config.wsdl), source
    url = live_address(config)
    saved = last_saved(config)
    if saved is not None and config.wsdl_sha256 not in (None, saved.sha256):
        saved = None
    if saved is not None:
        failed_at = cache.read(f"failure {url}") if config.wsdl_max_age else None
        failed = isinstance(failed_at, float) and 0 <= clock() - failed_at < _REMEMBER_FAILURE
        young = 0 <= clock() - saved.fetched_at < config.wsdl_max_age
        if young or failed:
            # One that cannot be used (any more) is as good as none: the gateway's may have changed.
            with contextlib.suppress(WsdlError):
                bindings = _bindings(config, cache, saved, url)
                if not young:
                    _warn(saved, "it could not be had minutes ago")
                return bindings, "saved"
    try:
        definition = Definition(url, (yield from collect(url)), clock())
        bindings = _bindings(config, cache, definition, url)
    except WsdlError as error:
        if saved is None or error.readable:
            # A definition that was read and cannot be used is news of a changed gateway: the old one would be wrong.
            raise
        cache.write(f"failure {url}", clock())
        try:
            bindings = _bindings(config, cache, saved, url)
        except WsdlError:
            raise error from None
        _warn(saved, str(error))
        return bindings, "saved"
    if saved is not None:
        cache.write(f"failure {url}", None)
        kept = _unless_changed(config, cache, saved, bindings)
        if kept is not None:
            return kept, "saved"
    save(config, definition)
    return bindings, "live"


def _warn(saved: Definition, why: str) -> None:
    logger.warning(
        "using the definition of %s saved on %s, since the gateway's cannot be had: %s", saved.url, _when(saved), why
    )


def _unless_changed(config: Config, cache: Cache, saved: Definition, live: Bindings) -> Bindings | None:
    """The saved bindings, where the gateway's would send something else and nobody has accepted that; else None."""
    try:
        old = _bindings(config, cache, saved, saved.url)
        changed = "; ".join(changes(old, live))
    except (WsdlError, ValueError):
        # Of no use (any more), so that there is nothing to keep to.
        return None
    if not changed:
        return None
    if config.wsdl_accept_changes:
        logger.info("the definition of %s is not as it was on %s: %s", saved.url, _when(saved), changed)
        return None
    logger.warning(
        "the definition of %s would change what is sent, so the one saved on %s is still used: %s. "
        "If that is right, accept it: wsdl_accept_changes=True, or: jzysoap wsdl fetch --accept",
        saved.url,
        _when(saved),
        changed,
    )
    return old


def live_address(config: Config) -> str:
    """Where a client with these arguments gets its definition, where that is not a local one."""
    return config.wsdl or config.base_url + PATH


def last_saved(config: Config) -> Definition | None:
    """The definition that a client with these arguments saved last, else None."""
    return _from_json(Cache(config.cache_dir).read(f"definition {live_address(config)}"))


def save(config: Config, definition: Definition) -> None:
    """Makes a definition the one that clients with these arguments use."""
    Cache(config.cache_dir).write(f"definition {live_address(config)}", _to_json(definition))


def _when(definition: Definition) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(definition.fetched_at))


def get(location: str, fetch: Fetch) -> Definition:
    """The definition at a path or an address, or a bundled one, whatever is saved.

    Raises:
        WsdlError: there is none.
    """
    if "://" not in location:
        return _local(location)[0]
    return Definition(location, drive(collect(location), fetch), time.time())


def to_files(definition: Definition, *, content_type: str, server: str) -> dict[str, bytes]:
    """The files of a directory that holds a definition as it was served, to be given as ``wsdl=`` later.

    The documents are not touched, so that their hash stays what it was; ``SOURCE`` says which address each was at.
    """
    files: dict[str, bytes] = {}
    lines = [
        "What:      a service definition with all that it imports, byte for byte as it was served.",
        f"URL:       {definition.url} (Content-Type: {mask_text(content_type)})",
        f"Server:    {mask_text(server)}",
        f"Date:      {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(definition.fetched_at))}",
    ]
    for number, (where, document) in enumerate(definition.documents.items()):
        kind = "wsdl" if b"schemas.xmlsoap.org/wsdl/" in document else "xsd"
        name = f"import{number}.{kind}" if number else _MAIN
        files[name] = document
        lines.append(f"{'Import:' if number else 'Main:':11}{name} {where}")
        lines.append(f"           {hashlib.sha256(document).hexdigest()}")
    lines.append(f"SHA-256:   {definition.sha256}")
    files[_SOURCE] = "".join(f"{line}\n" for line in lines).encode()
    return files


def collect(url: str) -> Fetching[dict[str, bytes]]:
    """A definition's main document and all that it imports, by absolute address.

    Raises:
        WsdlError: a document cannot be had, is none, or lies on another server; or definitions import each other in
            a circle (schemas may).
    """
    from jzysoap.definition.compiler import is_standard

    documents: dict[str, bytes] = {}
    definitions: dict[str, set[str]] = {}
    wanted = [url]
    while wanted:
        address = wanted.pop(0)
        if address in documents or is_standard(address):
            continue
        if not _same_server(address, url):
            hint = "; record a definition whole with 'jzysoap wsdl fetch'" if url.startswith(_LOCAL) else ""
            raise WsdlError(f"the definition at {url} imports {address} from another server{hint}", source=url)
        if len(documents) == _MAX_DOCUMENTS:
            raise WsdlError(f"the definition at {url} imports more than {_MAX_DOCUMENTS} documents", source=url)
        document = yield from _get(address)
        locations = _imports(address, document, main=not documents)
        documents[address] = document
        found = [(_absolute(address, location), is_schema) for location, is_schema in locations]
        definitions[address] = {target for target, is_schema in found if not is_schema}
        wanted += [target for target, _ in found]
    # What is left once all have gone that import nothing that is left is a circle, and what leads to it.
    while ends := [one for one, targets in definitions.items() if not targets & definitions.keys()]:
        for one in ends:
            del definitions[one]
    if definitions:
        circle = ", ".join(definitions)
        raise WsdlError(f"the definition at {url} imports itself in a circle: {circle}", source=url, readable=False)
    return documents


def bundled(name: str = BUNDLED) -> bytes:
    """The main document of a shipped definition, by the name of its directory in ``wsdl/``.

    Raises:
        WsdlError: there is none of that name.
    """
    return _bundled(name).read_bytes()


def _bundled(name: str) -> Path:
    here = Path(__file__).resolve().parent.parent
    # Installed, the directory lies inside the package; in a clone, beside it.
    for root in (here / "wsdl_data", here.parent / "wsdl"):
        if os.path.isfile(root / name / _MAIN):
            return root / name / _MAIN
    raise WsdlError(f"there is no bundled definition called {name!r}", source="bundled", readable=False)


def _bindings(config: Config, cache: Cache, definition: Definition, source: str) -> Bindings:
    digest = definition.sha256
    if config.wsdl_sha256 not in (None, digest):
        raise WsdlError(f"the definition at {source} has sha256 {digest}, not wsdl_sha256", source=source)
    # A definition with imports from elsewhere in the address space compiles differently: its address counts too.
    table = list(config.operations.values())
    key = f"bindings {digest} {definition.url} {config.arguments} {table} {__version__} {_zeep_version()}"
    try:
        return Bindings.from_json(cache.read(key), config.operations)
    except ValueError:
        bindings = definition.compile(source, config.arguments, config.operations)
        cache.write(key, bindings.to_json())
        return bindings


def _zeep_version() -> str:
    from importlib.metadata import version

    return version("zeep")


def _local(location: str) -> tuple[Definition, str]:
    kind, _, which = location.partition(":")
    if kind == "bundled":
        path, source = _bundled(which or BUNDLED), "bundled"
    else:
        path, source = Path(location).expanduser(), "given"
        path = path / _MAIN if os.path.isfile(path / _MAIN) else path
    recorded = _recorded(path)
    main = next(iter(recorded), _LOCAL + quote(path.name, errors="surrogatepass"))
    names = {main: str(path), _LOCAL: str(path.parent / "_")[:-1]}
    names |= {url: str(path.parent / name) for url, name in recorded.items()}

    def read(url: str) -> HttpReply:
        name = recorded[url] if url in recorded else unquote(urlsplit(url).path.lstrip("/"), errors="surrogatepass")
        try:
            if recorded and url not in recorded:
                raise ValueError("not recorded")
            if ".." in Path(name).parts:
                raise ValueError("outside the definition's directory")
            with open(path.parent / name, "rb") as file:
                document = file.read(MAX_DOCUMENT + 1)
        except (OSError, ValueError) as error:
            what = path if url == main else f"{path}: it imports {url}"
            raise WsdlError(f"cannot read {what}: {type(error).__name__}", source=location, readable=False) from error
        return HttpReply(
            200, {}, document, f"it is larger than {MAX_DOCUMENT:,} bytes" if len(document) > MAX_DOCUMENT else None
        )

    with _named(names, location):
        return Definition(main, drive(collect(main), read), 0.0, names), source


def _recorded(path: Path) -> dict[str, str]:
    """Which file holds what was at which address, as a ``SOURCE`` beside a definition with imports says."""
    try:
        with open(path.parent / _SOURCE, encoding="utf-8") as file:
            found = re.findall(_ORIGIN, file.read(_MAX_SOURCE), re.MULTILINE)
    except (OSError, ValueError):
        return {}
    # Of a definition that imports nothing, all is known; and other files may lie beside it.
    return {url: name for name, url in found} if len(found) > 1 and found[0][0] == path.name else {}


@contextlib.contextmanager
def _named(names: Mapping[str, str], source: str = "") -> Iterator[None]:
    """Calls the addresses in an error by what the user calls them."""
    try:
        yield
    except WsdlError as error:
        text = str(error)
        for url, name in names.items():
            text = text.replace(url, name)
        error.args = (text,)
        error.source = source or error.source
        raise


def _get(url: str) -> Fetching[bytes]:
    address = url
    for _ in range(_MAX_REDIRECTS + 1):
        try:
            reply = yield address
        except (WsdlError, ConfigurationError):
            raise
        except JzySoapError as error:
            raise WsdlError(
                # What was not sent is the request for the definition, which would be said twice.
                f"cannot get the definition at {address}, nothing was sent: {_NOT_SENT.sub('', str(error))}",
                source=url,
                readable=False,
                retry="later",
            ) from error
        if reply.status not in (301, 302, 303, 307, 308):
            break
        target = _absolute(address, reply.headers.get("location", ""))
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
    return reply.body


def _absolute(base: str, location: str) -> str:
    try:
        # An address is left as it is spelled, which is how zeep asks for it.
        return location if urlsplit(location).scheme else urljoin(base, location)
    except ValueError:
        # No address at all, so on no server either.
        return location


def _same_server(one: str, other: str) -> bool:
    try:
        return origin(one) == origin(other)
    except ValueError:
        return False


def _imports(url: str, document: bytes, *, main: bool) -> list[tuple[str, bool]]:
    """The locations that a document imports, each with whether it is that of a schema.

    Raises:
        WsdlError: it is not XML, has a DOCTYPE, or (the main one) is no WSDL.
    """
    from lxml import etree

    def refuse(what: str) -> WsdlError:
        return WsdlError(f"what is at {url} is no service definition: {what}", source=url, readable=False)

    if not document.strip():
        raise refuse("it is empty")
    is_html = b"<html" in document[:4096].lower()
    try:
        root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.LxmlError as error:
        raise refuse(f"it is {'an HTML page' if is_html else 'not well-formed XML'}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise refuse("it is an HTML page" if is_html else "it has a DOCTYPE")
    if main and root.tag != f"{{{_WSDL}}}definitions":
        raise refuse(f"its root element is {etree.QName(root).localname}")
    locations = [(node.get("location"), False) for node in root.iter(f"{{{_WSDL}}}import")]
    schemas = root.iter(*(f"{{{_XSD}}}{kind}" for kind in _REFERENCES))
    locations += [(node.get("schemaLocation"), True) for node in schemas]
    return [(location, is_schema) for location, is_schema in locations if location]


_REFERENCES = ("import", "include", "redefine")


def _to_json(definition: Definition) -> dict[str, Any]:
    return {
        "url": definition.url,
        "fetched_at": definition.fetched_at,
        "documents": {url: base64.b64encode(document).decode() for url, document in definition.documents.items()},
    }


def _from_json(data: Any) -> Definition | None:
    try:
        documents = {url: base64.b64decode(document, validate=True) for url, document in data["documents"].items()}
        definition = Definition(data["url"], documents, float(data["fetched_at"]))
        return definition if definition.url in documents and 0 <= definition.fetched_at < _FAR_FUTURE else None
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
        return None
