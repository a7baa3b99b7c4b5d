"""The HTTP servlet's side of the wire: forms in, plain text out, in GBK or, at its twin, in UTF-8."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from jzysoap.model.operations import Operations
from jzysoap.sandbox.question import Question, decode_password


@dataclass(frozen=True, slots=True)
class Servlet:
    """One of the two addresses.

    Attributes:
        charset: what its answers declare.
        codec: what forms are read with and answers are written with.
        encoded: whether passwords come as BASE64.
    """

    charset: str
    codec: str
    encoded: bool


GBK = Servlet("GBK", "gb18030", encoded=True)
"""``/servlet/UserServiceAPI``. GB18030 holds all of GBK and every other character."""

UTF8 = Servlet("UTF-8", "utf-8", encoded=False)
"""``/servlet/UserServiceAPIUTF8``, which some resellers have: passwords go there in the clear."""


def read_request(
    servlet: Servlet, query: bytes, body: bytes, operations: Operations, *, encoded_password_change: bool
) -> Question | None:
    """Read a form out of the query string and the body; where both name an argument, the query string's counts.

    Args:
        servlet: which address it was sent to.
        query: the query string's bytes, with or without URL encoding.
        body: the body's; a part of it without ``name=`` is ignored, as is a name that the operation does not have.
        operations: the table of operations.
        encoded_password_change: whether the passwords of ``updatePassword`` are BASE64 at the GBK address.

    Returns:
        What it asks for, or None when its method is unknown.
    """
    form = _arguments(body, servlet.codec) | _arguments(query, servlet.codec)
    method = form.get("method", "").strip()
    operation = next((one for one in operations.values() if one.servlet == method), None)
    if operation is None:
        return None
    arguments = {one.name: form[one.name] for one in operation.arguments if one.name in form}
    encoded = servlet.encoded and (encoded_password_change or operation.name != "updatePassword")
    new = arguments.get("newPassword")
    return Question(
        operation.name,
        arguments,
        _password(arguments.get("password", ""), encoded) or b"",
        "servlet",
        None if new is None else _password(new, encoded),
    )


def build_response(servlet: Servlet, result: str | None) -> tuple[str, bytes]:
    """A result string: the Content-Type and the body, which ends with a line break as one writes it in Java."""
    return f"text/html;charset={servlet.charset}", f"{result or ''}\r\n".encode(servlet.codec)


def _password(text: str, encoded: bool) -> bytes | None:
    return decode_password(text) if encoded else text.encode()


def _arguments(form: bytes, codec: str) -> dict[str, str]:
    arguments: dict[str, str] = {}
    for part in form.split(b"&"):
        name, separator, value = (unquote_to_bytes(piece.replace(b"+", b" ")) for piece in part.partition(b"="))
        if separator:
            arguments.setdefault(name.decode(codec, "replace").strip(), value.decode(codec, "replace"))
    return arguments
