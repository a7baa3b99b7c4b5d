"""Requests that are shown instead of sent."""

from __future__ import annotations

from secrets import token_hex

from jzysoap.calls import operations as calls
from jzysoap.client.sync import Client
from jzysoap.model.door import public
from jzysoap.model.masking import Secret
from jzysoap.model.values import Channel

MASK = "***"


@public
def preview(
    client: Client,
    mobiles: list[str],
    text: str,
    *,
    channel: Channel | None = None,
    extension: str | None = None,
    signature: str | None = None,
    long: bool | None = None,
) -> str:
    """Return the request of a send as text, with ``***`` for its password. The password is not asked for.

    Args:
        client: the client; its service definition is loaded if need be.
        mobiles, text, channel, extension, signature, long: as in ``Client.send``, for one batch.

    Raises:
        InvalidMessageError: an argument, by name.
        JzySoapError: there is no usable definition.
    """
    plan = calls.send(
        client._config,
        mobiles,
        text,
        channel=channel,
        extension=extension,
        signature=signature,
        long=long,
        batch_size=len(mobiles),
    )
    client.prepare()
    call = plan.parts[0].call
    client._session.check(call)
    # A token needs no escaping, and is part of no text.
    stand_in = token_hex(16)
    request = client._session.build(call, Secret(stand_in))
    custom = client._config.headers or {}
    headers = [f"{name}: {MASK if name in custom else value}" for name, value in request.headers.items()]
    body = bytes(request.body or b"").decode().replace(stand_in, MASK)
    return "\n".join([f"{request.method} {request.url}", *headers, "", body])
