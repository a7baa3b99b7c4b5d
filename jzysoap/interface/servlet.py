"""The HTTP servlet interface: calls as forms, results as plain text (docs/protocol.md#http-servlet).

The form's charset is GBK; a twin of the servlet at some resellers takes UTF-8. Nothing here does I/O.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any
from urllib.parse import urlencode

from jzysoap.calls.operations import Call
from jzysoap.calls.text import check_gbk
from jzysoap.encoding.charsets import decode
from jzysoap.interface.base import Interface, status_error
from jzysoap.model.errors import ConfigurationError
from jzysoap.model.http import HttpReply
from jzysoap.model.masking import Secret, SecretBytes
from jzysoap.results.parse import is_result

_RESULT = re.compile(r"\s*(?:success|failure)[;；]", re.IGNORECASE)

PATH = "/servlet/UserServiceAPI"
UTF8_PATH = "/servlet/UserServiceAPIUTF8"


class ServletInterface(Interface):
    """The servlet, in GBK or in UTF-8."""

    name = "servlet"

    @property
    def path(self) -> str:
        return UTF8_PATH if self._config.utf8_servlet else PATH

    def needs_plain_password(self, call: Call[Any]) -> bool:
        return self._config.utf8_servlet or call.plain_password

    def check(self, call: Call[Any]) -> None:
        if not self._config.utf8_servlet:
            for name, value in call.arguments.items():
                if not value.isascii():
                    check_gbk(value, field=call.operation.parameter_of(name))

    def encode(self, call: Call[Any], password: Secret) -> tuple[dict[str, str], SecretBytes]:
        encoding = "utf-8" if self._config.utf8_servlet else "gbk"
        credentials = {"username": self._config.username, "password": password}
        fields = {"method": call.operation.servlet, **credentials, **call.arguments}
        try:
            # Keeping commas while quoting makes a list of 20,000 numbers one word, which is quoted at once; quoting
            # produces no commas of its own.
            body = urlencode(fields, safe=",", encoding=encoding, errors="strict").replace(",", "%2C")
        except UnicodeEncodeError as error:
            # Only the credentials have not been checked before. The codec's own error holds the text itself.
            what = "password" if error.object == password else "username"
            raise ConfigurationError(f"{what} cannot be encoded in {encoding}, the servlet's charset") from None
        headers = {"Content-Type": f"application/x-www-form-urlencoded; charset={encoding.upper()}"}
        return headers, SecretBytes(body.encode("ascii"))

    @staticmethod
    def read(reply: HttpReply, *, secrets: Collection[str] = ()) -> str:  # noqa: ARG004  # no text is shown here
        text = decode(reply.body, reply.charset)
        if "<" in text and not is_result(text):
            # A notice of PHP, say, in front of the result.
            notice, _, line = text.rstrip().rpartition("\n")
            text = line if "<" in notice and _RESULT.match(line) else text
        if reply.status >= 300 and not is_result(text):
            raise status_error(reply)
        return text

    @staticmethod
    def read_part(reply: HttpReply) -> str:
        return decode(reply.body, reply.charset)
