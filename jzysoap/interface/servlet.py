"""The HTTP servlet interface: a call to the bytes of a form, the bytes of a reply to its result string.

Vendor page, part one. The form's charset is GBK; a twin at some resellers takes UTF-8. Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlencode

from jzysoap.calls.operations import Call
from jzysoap.encoding.charsets import decode
from jzysoap.interface.base import status_error
from jzysoap.model.errors import ConfigurationError
from jzysoap.model.http import HttpReply
from jzysoap.model.masking import SecretBytes
from jzysoap.results.parse import is_result

PATH = "/servlet/UserServiceAPI"
UTF8_PATH = "/servlet/UserServiceAPIUTF8"

# The servlet spells one of them differently.
_METHODS: Mapping[str, str] = {"sendSms": "sendSMS"}


def build(call: Call[object], username: str, password: str, *, encoding: str) -> tuple[dict[str, str], SecretBytes]:
    """The headers and the body of a call.

    Args:
        call: what to ask for.
        username: the account.
        password: as this servlet wants it.
        encoding: ``"gbk"`` or ``"utf-8"``.

    Raises:
        ConfigurationError: the user name, or the password in the clear, cannot be spelled in that encoding.
    """
    method = _METHODS.get(call.operation, call.operation)
    fields = {"method": method, "username": username, "password": password, **call.arguments}
    try:
        # Twenty thousand numbers are quoted at once, but for their commas; no comma is made by the quoting of others.
        body = urlencode(fields, safe=",", encoding=encoding, errors="strict").replace(",", "%2C")
    except UnicodeEncodeError as error:
        # All else was checked before; the codec's own error holds what it could not encode.
        odd = "password" if error.object == password else "username"
        raise ConfigurationError(f"{odd} cannot be spelled in {encoding}, the servlet's charset") from None
    headers = {"Content-Type": f"application/x-www-form-urlencoded; charset={encoding.upper()}"}
    return headers, SecretBytes(body.encode("ascii"))


def read(reply: HttpReply, *, secrets: Collection[str] = ()) -> str:  # noqa: ARG001  # as soap.read takes them
    """The result string of a reply.

    Args:
        reply: what came, complete.
        secrets: what no error may show; none of it is shown here.

    Raises:
        HttpStatusError: a status from 300 on without a result.
    """
    text = decode(reply.body, reply.charset)
    if reply.status >= 300 and not is_result(text):
        raise status_error(reply)
    return text


def read_part(reply: HttpReply) -> str:
    """The result string of a reply that was cut off, as far as it came."""
    return decode(reply.body, reply.charset)
