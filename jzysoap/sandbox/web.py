"""The page and the JSON API of the inbox over HTTP, with Werkzeug: routes, headers, tokens, and refused requests.

``endpoints`` has the calls. No other module imports Werkzeug.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule as Route
from werkzeug.wrappers import Request, Response

from jzysoap.model.errors import ConfigurationError
from jzysoap.model.operations import Operations
from jzysoap.sandbox.endpoints import Endpoint, endpoints
from jzysoap.sandbox.fields import FieldError, check_body, check_query
from jzysoap.sandbox.guard import COOKIE, Guard
from jzysoap.sandbox.inbox import Inbox
from jzysoap.sandbox.messages import RefusedError
from jzysoap.sandbox.protocol import Application
from jzysoap.sandbox.schema import build_document
from jzysoap.sandbox.state import Gateway

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

API = "/api/v1"
PAGE = "/inbox/"

MAX_BODY = 1024 * 1024
"""The largest body of a request for page or API, in bytes."""

_FILES = {
    "index.html": "text/html; charset=utf-8",
    "inbox.js": "text/javascript; charset=utf-8",
    "inbox.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_LOGIN = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>jzysoap inbox</title>
<form method="post" action="/inbox/login">
<p>{problem}
<p><label>Token / 令牌 <input type="password" name="token" required autofocus autocomplete="current-password"></label>
<button>Open / 打开</button>
</form>
"""


class Web:
    """A WSGI application.

    Args:
        application: the gateway over HTTP.
        guard: refuses hosts, pages, and callers without the token.
        gateway: the state.
        operations: the table of operations.
    """

    def __init__(self, application: Application, guard: Guard, gateway: Gateway, operations: Operations) -> None:
        self._guard = guard
        self._inbox = Inbox(gateway, application)
        table = endpoints(operations)
        self._document = build_document(table, operations)
        routes = [
            Route(f"{API}{one.path.replace('{', '<').replace('}', '>')}", methods=[one.method], endpoint=one)
            for one in table
        ]
        routes.append(Route(f"{API}/openapi.json", methods=["GET"], endpoint=self._openapi))
        routes += [
            Route("/", methods=["GET"], endpoint=_redirect),
            Route("/inbox", methods=["GET"], endpoint=_redirect),
            Route(PAGE, methods=["GET"], endpoint=self._page),
            Route(f"{PAGE}login", methods=["POST"], endpoint=self._login),
            Route(f"{PAGE}<name>", methods=["GET"], endpoint=self._file),
        ]
        self._map = Map(routes, strict_slashes=True, redirect_defaults=False, merge_slashes=False)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        response = self._respond(Request(environ, populate_request=False))
        response.headers.extend(_HEADERS)
        return response(environ, start_response)

    def _respond(self, request: Request) -> Response:
        refused = self._guard.refuse(request.environ)
        if refused is not None and not (refused == 403 and _is_visit(request)):
            return _problem(refused, "this host or this page is not answered")
        try:
            endpoint, places = self._map.bind("localhost").match(request.path, request.method)
        except HTTPException as error:
            # Not found, or not by this method.
            return _problem(error.code or 404, error.name, headers=error.get_response().headers.items())
        public = endpoint in (_redirect, self._login)
        if not public and not self._guard.knows(request.environ):
            return self._ask_for_token() if endpoint == self._page else _problem(401, "the token is missing or wrong")
        if isinstance(endpoint, Endpoint):
            return self._call(endpoint, places, request)
        response: Response = endpoint(request, **places)
        return response

    def _call(self, endpoint: Endpoint, places: Mapping[str, str], request: Request) -> Response:
        try:
            values = check_query(endpoint.places, {name: [value] for name, value in places.items()})
            values |= check_query(endpoint.query, dict(request.args.lists()))
            if endpoint.body is not None:
                if request.mimetype != "application/json":
                    return _problem(415, "the Content-Type must be application/json")
                if (request.content_length or 0) > MAX_BODY:
                    return _problem(413, f"the body may have {MAX_BODY:,} bytes")
                values |= _read_body(endpoint, request.get_data())
            status, answer = endpoint.call(self._inbox, values)
        except FieldError as error:
            return _problem(400, str(error), error.field or None)
        except RefusedError as error:
            return _problem(400, str(error))
        except ConfigurationError as error:
            return _problem(500, str(error))
        if answer is None:
            return Response(status=status)
        response = _json(status, answer)
        if endpoint.call == Inbox.export:
            response.headers["Content-Disposition"] = 'attachment; filename="inbox.json"'
        return response

    def _openapi(self, _: Request) -> Response:
        return _json(200, self._document)

    def _page(self, request: Request) -> Response:
        return self._file(request, "index.html")

    def _file(self, _: Request, name: str) -> Response:
        if name not in _FILES:
            return _problem(404, "Not Found")
        return Response((files("jzysoap.sandbox") / "page" / name).read_bytes(), content_type=_FILES[name])

    def _ask_for_token(self, problem: str = "") -> Response:
        response = Response(_LOGIN.replace("{problem}", problem), 401, content_type=_FILES["index.html"])
        # Named so that a browser shows the form, not a dialog of its own.
        response.headers["WWW-Authenticate"] = "Bearer"
        return response

    def _login(self, request: Request) -> Response:
        if (request.content_length or 0) > MAX_BODY or not self._guard.is_token(request.form.get("token", "")):
            return self._ask_for_token("That is not the token. / 令牌不正确。")
        response = _redirect(request)
        response.set_cookie(COOKIE, self._guard.cookie, httponly=True, samesite="Lax", path="/")
        return response


def _is_visit(request: Request) -> bool:
    """Return True if a browser opens the page by a link of another one, which can read nothing of it."""
    headers = request.headers
    way = (headers.get("Sec-Fetch-Mode"), headers.get("Sec-Fetch-Dest"), headers.get("Origin"))
    return request.method == "GET" and request.path in ("/", "/inbox", PAGE) and way == ("navigate", "document", None)


def _read_body(endpoint: Endpoint, data: bytes) -> dict[str, Any]:
    try:
        body = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise FieldError("the body is not JSON") from None
    if not endpoint.many:
        return check_body(endpoint.body or (), body)
    if not isinstance(body, dict) or list(body) != [endpoint.many] or not isinstance(body[endpoint.many], list):
        raise FieldError(f"the body must be an object with one list: {endpoint.many}", field=endpoint.many)
    return {endpoint.many: [check_body(endpoint.body or (), one) for one in body[endpoint.many]]}


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _redirect(_: Request) -> Response:
    return Response(status=303, headers={"Location": PAGE})


def _json(status: int, value: object) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")


def _problem(status: int, error: str, field: str | None = None, headers: Iterable[tuple[str, str]] = ()) -> Response:
    response = _json(status, {"error": error, "field": field})
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    response.headers.extend((name, value) for name, value in headers if name in ("Allow", "Location"))
    return response
