"""The files of a client's cache, as a test reads and spoils them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def write_entry(path: Path, value: str) -> None:
    """Write a value, given as JSON, with the checksum that it must have."""
    data = value.encode()
    path.write_bytes(hashlib.sha256(data).hexdigest().encode() + b"\n" + data)


def read_entry(path: Path) -> Any:
    """Return the value of a file."""
    return json.loads(path.read_bytes().partition(b"\n")[2])
