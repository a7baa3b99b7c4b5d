"""A gateway on loopback, for demonstrations, for tests, and to see what a program does when calls fail.

It needs the extra ``sandbox`` (``pip install 'jzysoap[sandbox]'``). It follows docs/protocol.md, which holds all that
is known of the real gateway's behaviour; where that is open, the arguments of ``Sandbox`` and ``Gateway`` decide.
"""

from jzysoap.sandbox.delivery import Delivery
from jzysoap.sandbox.protocol import Exchange
from jzysoap.sandbox.question import Question
from jzysoap.sandbox.server import Sandbox
from jzysoap.sandbox.state import Gateway, Message, RefusedError

__all__ = ["Delivery", "Exchange", "Gateway", "Message", "Question", "RefusedError", "Sandbox"]
