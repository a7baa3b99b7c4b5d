"""What both interfaces share."""

from __future__ import annotations

from jzysoap.model.errors import HttpStatusError
from jzysoap.model.http import HttpReply


def status_error(reply: HttpReply) -> HttpStatusError:
    """Return the error for an HTTP status that came without a result."""
    hint = ""
    if reply.status == 404:
        hint = ": check base_url"
    elif reply.status in (301, 302, 303, 307, 308):
        hint = " (a redirect, which is never followed): check base_url"
    return HttpStatusError(f"the gateway answered with HTTP status {reply.status}{hint}", status=reply.status)
