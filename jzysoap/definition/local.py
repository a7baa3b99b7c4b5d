"""Definitions in files: one file, a directory that ``jzysoap wsdl fetch`` wrote, or one shipped with the package.

A directory with several documents has a file ``SOURCE``, which says which file holds the document of which address.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from jzysoap.definition.collect import MAX_DOCUMENT, Definition, collect, drive, on_server, rename_addresses
from jzysoap.model.errors import WsdlError
from jzysoap.model.http import HttpReply

BUNDLED = "axis2-1.6.2-7param"
"""The shipped definition that ``wsdl="bundled"`` means."""

MAIN = "service.wsdl"
SOURCE = "SOURCE"
_MAX_SOURCE = 65536
# A line of SOURCE: the name of a file, and the address of its document.
_ORIGIN = r"^(?:Main|Import): +([\w.-]+) (.+)$"
# Local documents need addresses too, since imports are resolved against them.
_LOCAL = "http://local.invalid/"


def read_local(location: str) -> tuple[Definition, str]:
    """Return the definition at a path, or a bundled one, and its origin: ``given`` or ``bundled``.

    Raises:
        WsdlError: there is no such definition, or it imports something from outside its directory.
    """
    kind, _, which = location.partition(":")
    if kind == "bundled":
        path, source = _find_bundled(which or BUNDLED), "bundled"
    else:
        path, source = Path(location).expanduser(), "given"
        path = path / MAIN if os.path.isfile(path / MAIN) else path
    recorded = _read_source(path)
    main = next(iter(recorded), _LOCAL + quote(path.name, errors="surrogatepass"))
    # By the address at which each is looked for.
    files = {on_server(url, main): name for url, name in recorded.items()}
    names = {main: str(path), _LOCAL: str(path.parent / "_")[:-1]}
    names |= {url: str(path.parent / name) for url, name in recorded.items()}

    def read(url: str) -> HttpReply:
        name = files[url] if url in files else unquote(urlsplit(url).path.lstrip("/"), errors="surrogatepass")
        try:
            if recorded and url not in files:
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

    advice = {} if recorded else {"advice": "Record the complete definition with 'jzysoap wsdl fetch'"}
    with rename_addresses(names, location):
        return Definition(main, drive(collect(main, **advice), read), 0.0, names), source


def bundled(name: str = BUNDLED) -> bytes:
    """Return the main document of a shipped definition, by the name of its directory in ``wsdl/``.

    Raises:
        WsdlError: there is no definition of that name.
    """
    return _find_bundled(name).read_bytes()


def _find_bundled(name: str) -> Path:
    package = Path(__file__).resolve().parent.parent
    # Installed, the directory is inside the package; in a clone, beside it.
    for root in (package / "wsdl_data", package.parent / "wsdl"):
        if os.path.isfile(root / name / MAIN):
            return root / name / MAIN
    raise WsdlError(f"there is no bundled definition called {name!r}", source="bundled", readable=False)


def _read_source(path: Path) -> dict[str, str]:
    """Return the file name of each address, from the ``SOURCE`` beside a definition; empty if there is no need."""
    try:
        with open(path.parent / SOURCE, encoding="utf-8") as file:
            found = re.findall(_ORIGIN, file.read(_MAX_SOURCE), re.MULTILINE)
    except (OSError, ValueError):
        return {}
    # A definition without imports needs no addresses, and SOURCE may be about another file of the directory.
    return {url: name for name, url in found} if len(found) > 1 and found[0][0] == path.name else {}
