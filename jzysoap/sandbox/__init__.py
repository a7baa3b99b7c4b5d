"""A gateway of one's own on loopback, for demonstrations, for tests, and to see what happens when things go wrong.

It needs the extra ``sandbox`` (``pip install 'jzysoap[sandbox]'``). It answers as ``Sandbox`` and ``Gateway`` are told
to; what it knows of the real gateway's behaviour is what the vendor's page and public deployments show.
"""

from jzysoap.sandbox.protocol import Exchange
from jzysoap.sandbox.question import Question
from jzysoap.sandbox.server import Sandbox
from jzysoap.sandbox.state import Gateway, Message, RefusedError

__all__ = ["Exchange", "Gateway", "Message", "Question", "RefusedError", "Sandbox"]
