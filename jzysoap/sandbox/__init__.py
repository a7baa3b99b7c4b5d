"""A gateway on loopback, for demonstrations, for tests, and to see what a program does when calls fail.

It needs the extra ``sandbox`` (``pip install 'jzysoap[sandbox]'``). It follows docs/protocol.md, which holds all that
is known of the real gateway's behaviour; where that is open, the arguments of ``Sandbox`` and ``Gateway`` decide.
"""

from jzysoap.sandbox.delivery import Delivery
from jzysoap.sandbox.events import Event, EventLog, FaultHappened, Refusal
from jzysoap.sandbox.messages import Message, RefusedError
from jzysoap.sandbox.protocol import Exchange
from jzysoap.sandbox.question import Question
from jzysoap.sandbox.rules import Rule
from jzysoap.sandbox.server import Sandbox
from jzysoap.sandbox.state import Gateway

__all__ = [
    "Delivery",
    "Event",
    "EventLog",
    "Exchange",
    "FaultHappened",
    "Gateway",
    "Message",
    "Question",
    "Refusal",
    "RefusedError",
    "Rule",
    "Sandbox",
]
