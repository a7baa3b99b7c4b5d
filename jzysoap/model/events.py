"""Events for the hooks of a client. Nothing in them is secret."""

from dataclasses import dataclass

from jzysoap.model.sent import Outcome


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One finished call to the gateway, as ``on_call`` gets it.

    Attributes:
        operation: the operation's name in the web service.
        interface: ``soap`` or ``servlet``.
        outcome: accepted, rejected, not sent or unknown.
        error: the name of the error's class, else None.
        duration: in seconds.
        numbers: how many recipients the call had.
        segments: how many messages each recipient costs.
        batch_id: the gateway's id for the recipients, else None.
        definition: the origin of the service definition: ``live``, ``saved``, ``given``, ``bundled``; empty for the
            servlet.
    """

    __module__ = "jzysoap"

    operation: str
    interface: str
    outcome: Outcome
    error: str | None
    duration: float
    numbers: int
    segments: int
    batch_id: str | None
    definition: str
