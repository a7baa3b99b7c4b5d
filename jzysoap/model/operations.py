"""The operations of the gateway as plain data: the one table that all other parts read (docs/protocol.md).

A new operation, or a new argument, begins with its entry here; CONTRIBUTING.md ("Where do I change what?") names the
other files. The table that a client or a sandbox uses is its class attribute ``operations``, so that a subclass can
bring another one.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

InterfaceName = Literal["soap", "servlet"]
"""The two interfaces of the gateway (docs/protocol.md#the-two-interfaces)."""

Kind = Literal["send", "query", "poll"]
"""A ``send`` acts and must never be repeated blindly; a ``poll`` may consume what it returns."""


class Argument(NamedTuple):
    """An argument of an operation (docs/protocol.md#arguments).

    Attributes:
        name: its name on both interfaces.
        kind: its type in a service definition, where a string is always accepted.
        optional: True if a service definition may lack it. Optional arguments come last.
        parameter: its name in the methods of a client, for errors.
    """

    name: str
    kind: Literal["string", "int"] = "string"
    optional: bool = False
    parameter: str = ""


class Operation(NamedTuple):
    """An operation.

    Attributes:
        name: its name in the web service, and in this library.
        servlet: its method on the HTTP servlet.
        kind: what may be done after a failure.
        arguments: in the documented order, the credentials first.
        definition: ``required`` if every service definition must have it, ``optional`` if some have it, ``never`` if
            only the servlet has it.
    """

    name: str
    servlet: str
    kind: Kind
    arguments: tuple[Argument, ...]
    definition: Literal["required", "optional", "never"] = "required"

    def accepts(self, names: Sequence[str]) -> bool:
        """Return True if these are the arguments, each once, in any order, optional ones present or not."""
        needed = {argument.name for argument in self.arguments if not argument.optional}
        known = {argument.name for argument in self.arguments}
        return len(set(names)) == len(names) and needed <= set(names) <= known

    def parameter_of(self, name: str) -> str:
        """Return the name that an argument has in the methods of a client."""
        return next((one.parameter or name for one in self.arguments if one.name == name), name)


Operations = Mapping[str, Operation]
"""A table of operations, by name."""

CREDENTIALS = (Argument("username", parameter="username"), Argument("password", parameter="password"))
"""The first arguments of every operation."""

OPERATIONS: Operations = {
    operation.name: operation
    for operation in (
        Operation(
            "sendSms",
            "sendSMS",
            "send",
            (
                *CREDENTIALS,
                Argument("smstype", "int", parameter="channel"),
                Argument("content", parameter="text"),
                Argument("mobile", parameter="mobile"),
                Argument("isLongSms", "int", parameter="long"),
                # Seen in deployments only (docs/protocol.md#what-deployments-do).
                Argument("extenno", optional=True, parameter="extension"),
            ),
        ),
        Operation("getRestMoney", "getRestMoney", "query", CREDENTIALS),
        Operation("getSmsReport", "getSmsReport", "poll", CREDENTIALS),
        Operation("getRecvSMS", "getRecvSMS", "poll", CREDENTIALS),
        Operation(
            "updatePassword",
            "updatePassword",
            "send",
            (*CREDENTIALS, Argument("newPassword", parameter="new")),
            definition="never",
        ),
    )
}
"""The documented operations."""
