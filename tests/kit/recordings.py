"""The recordings in ``tests/recorded`` as Python values: definitions, requests, answers.

Only reads files; what is in them is told by ``tests/recorded/README.md``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent / "recorded"

STACKS = tuple(sorted(path.parent.name for path in ROOT.glob("*/meta.json")))
"""The names of all recorded stacks."""

UNUSABLE = frozenset({"axis-1.4-doc"})
"""Stacks that nobody can call rightly, so that their definitions must be refused."""

USABLE = tuple(name for name in STACKS if name not in UNUSABLE)


@dataclass(frozen=True, slots=True)
class Message:
    """A recorded HTTP request or response.

    Attributes:
        start: the request line or status line.
        headers: by lower-case name, as received: also a Transfer-Encoding that the body no longer has.
        body: the bytes after the head, put together where they came in chunks.
    """

    start: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def status(self) -> int:
        """The status of a response."""
        version, status, *_ = self.start.split(" ", 2)
        if not version.startswith("HTTP/"):
            raise ValueError(f"not a response: {self.start}")
        return int(status)


@dataclass(frozen=True, slots=True)
class Stack:
    """A recorded stack.

    Attributes:
        name: its folder's name.
        url: where its definition was served.
        documents: its definition and what that imports, by absolute address.
        server: its Server header, or None.
        meta: all of its ``meta.json``.
    """

    name: str
    url: str
    documents: Mapping[str, bytes]
    server: str | None
    meta: Mapping[str, Any]

    @property
    def wsdl(self) -> bytes:
        """The definition's main document."""
        return self.documents[self.url]

    def fetch(self, url: str) -> bytes:
        """A document of the definition, as the stack would serve it.

        Raises:
            LookupError: it served no such document.
        """
        if url not in self.documents:
            raise LookupError(f"{self.name} served no {url}")
        return self.documents[url]

    def requests(self) -> tuple[str, ...]:
        """The names of the recorded exchanges, such as ``sendSms`` and ``getSmsReport_null``."""
        return tuple(sorted(path.name.removesuffix(".request.http") for path in self._folder.glob("*.request.http")))

    def responses(self) -> tuple[str, ...]:
        """The names of those that got an answer that was kept."""
        return tuple(sorted(path.name.removesuffix(".response.http") for path in self._folder.glob("*.response.http")))

    def request(self, name: str) -> Message:
        """The request of an exchange."""
        return parse_http((self._folder / f"{name}.request.http").read_bytes())

    def response(self, name: str) -> Message:
        """The answer of an exchange."""
        return parse_http((self._folder / f"{name}.response.http").read_bytes())

    @property
    def _folder(self) -> Path:
        return ROOT / self.name


@cache
def load(name: str) -> Stack:
    """A recorded stack, by its folder's name."""
    folder = ROOT / name
    meta = json.loads((folder / "meta.json").read_bytes())
    documents = {meta["recorded_from"]: (folder / "service.wsdl").read_bytes()}
    documents |= {one["url"]: (folder / one["file"]).read_bytes() for one in meta["imports"]}
    return Stack(name, meta["recorded_from"], documents, meta["server"], meta)


def parse_http(data: bytes) -> Message:
    """A recorded message from its file's bytes.

    Raises:
        ValueError: there is no end of a head in them.
    """
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        raise ValueError("no head")
    start, *lines = head.decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(":")
        key, value = key.lower(), value.strip()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return Message(start, headers, body)
