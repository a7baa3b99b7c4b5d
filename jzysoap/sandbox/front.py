"""The front of the sandbox: the page and the JSON API on their paths, the gateway on all others.

Werkzeug is imported with the first request for page or API, so that tests that only send need not wait for it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from jzysoap.model.operations import Operations
from jzysoap.sandbox.guard import Guard
from jzysoap.sandbox.protocol import Application
from jzysoap.sandbox.state import Gateway

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIXES = ("/inbox", "/api")
"""The first parts of the paths that are not the gateway's."""


class Front:
    """A WSGI application.

    Args:
        application: the gateway over HTTP.
        guard: refuses hosts, pages, and callers without the token.
        gateway: the state.
        operations: the table of operations.
    """

    def __init__(self, application: Application, guard: Guard, gateway: Gateway, operations: Operations) -> None:
        self._application = application
        self._guard = guard
        self._gateway = gateway
        self._operations = operations
        self._web: WSGIApplication | None = None
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        path = environ["PATH_INFO"]
        if path != "/" and not any(path == prefix or path.startswith(f"{prefix}/") for prefix in PREFIXES):
            return self._application(environ, start_response)
        with self._lock:
            if self._web is None:
                from jzysoap.sandbox.web import Web

                self._web = Web(self._application, self._guard, self._gateway, self._operations)
        return self._web(environ, start_response)
