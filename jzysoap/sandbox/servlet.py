"""The sandbox's HTTP servlet: forms to questions, result strings to plain text (docs/protocol.md#http-servlet).

Its charset is GBK; that of its twin is UTF-8. Nothing here does I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from jzysoap.model.operations import Operations
from jzysoap.sandbox.question import Question, decode_password


@dataclass(frozen=True, slots=True)
class Servlet:
    """One of the two addresses.

    Attributes:
        charset: the charset that its answers declare.
        codec: the codec that reads its forms and writes its answers.
        encoded: True if it takes passwords as BASE64.
    """

    charset: str
    codec: str
    encoded: bool


GBK = Servlet("GBK", "gb18030", encoded=True)
"""``/servlet/UserServiceAPI``. GB18030 holds all of GBK and every other character."""

UTF8 = Servlet("UTF-8", "utf-8", encoded=False)
"""``/servlet/UserServiceAPIUTF8`` (docs/protocol.md#6-some-resellers-have-a-utf-8-servlet)."""


def read_request(
    servlet: Servlet, query: bytes, body: bytes, operations: Operations, *, encoded_password_change: bool
) -> Question | None:
    """Read a form from the query string and the body; an argument in both has the query string's value.

    Args:
        servlet: the address that the form was sent to.
        query: the bytes of the query string, with or without URL encoding.
        body: the bytes of the body. A part of it without ``name=`` is ignored, and so is an argument that the
            operation does not have.
        operations: the table of operations.
        encoded_password_change: True if ``updatePassword`` takes both passwords as BASE64 at the GBK address.

    Returns:
        The question, or None if the method is unknown.
    """
    form = _parse_form(body, servlet.codec) | _parse_form(query, servlet.codec)
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
        _decode(arguments.get("password", ""), encoded) or b"",
        "servlet",
        None if new is None else _decode(new, encoded),
    )


def build_response(servlet: Servlet, result: str | None) -> tuple[str, bytes]:
    """Return the Content-Type and the body of an answer.

    The body ends with a line break (docs/protocol.md#2-a-servlet-answer-ends-with-a-line-break).
    """
    return f"text/html;charset={servlet.charset}", f"{result or ''}\r\n".encode(servlet.codec)


def _decode(password: str, encoded: bool) -> bytes | None:
    return decode_password(password) if encoded else password.encode()


def _parse_form(form: bytes, codec: str) -> dict[str, str]:
    arguments: dict[str, str] = {}
    for part in form.split(b"&"):
        name, separator, value = (unquote_to_bytes(piece.replace(b"+", b" ")) for piece in part.partition(b"="))
        if separator:
            arguments.setdefault(name.decode(codec, "replace").strip(), value.decode(codec, "replace"))
    return arguments
