"""A question: one call of one operation, as either interface reads it.

Nothing here knows HTTP or SOAP.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from jzysoap.model.operations import InterfaceName


@dataclass(frozen=True, slots=True)
class Question:
    """A call that the sandbox received.

    Attributes:
        operation: the name of the operation in the table.
        arguments: by name, the credentials included; an argument that was omitted or nil is missing.
        password: the decoded bytes of the password; empty if it cannot be decoded, which no account's password is.
        via: the interface that the call came through.
        new_password: the decoded bytes of the new password of a change of password; None if it was omitted or cannot
            be decoded.
        exchange: the number of the exchange that the call came in; None if that is not known.
    """

    operation: str
    arguments: Mapping[str, str] = field(repr=False)
    password: bytes = field(repr=False)
    via: InterfaceName
    new_password: bytes | None = field(default=None, repr=False)
    exchange: int | None = None

    @property
    def username(self) -> str:
        """The account's name; empty if it was omitted."""
        return self.arguments.get("username", "")

    @property
    def mobiles(self) -> tuple[str, ...]:
        """The recipients of a send; empty for other calls."""
        return tuple(number.strip() for number in self.arguments.get("mobile", "").split(",") if number.strip())

    @property
    def text(self) -> str:
        """The text of a send; empty for other calls."""
        return self.arguments.get("content", "")


def decode_password(text: str) -> bytes | None:
    """Return the bytes of a BASE64 password, with its padding or without; None if the text is not BASE64.

    A line break in the text is refused: the encoder of the page's Java sample makes one after 76 characters, and it
    must not reach the gateway (docs/protocol.md#arguments).
    """
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
