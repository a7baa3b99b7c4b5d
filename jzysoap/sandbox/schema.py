"""The OpenAPI document of the JSON API, made from the table of endpoints and the forms of the answers.

The forms describe what ``views`` returns; a test checks every answer against them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from jzysoap._version import __version__
from jzysoap.model.operations import Operations
from jzysoap.model.values import Channel, DeliveryStatus
from jzysoap.sandbox.endpoints import Endpoint, rule_fields
from jzysoap.sandbox.events import EventKind
from jzysoap.sandbox.fields import Field
from jzysoap.sandbox.rules import MAX_RULES

_TEXT: dict[str, Any] = {"type": "string"}
_WHOLE: dict[str, Any] = {"type": "integer", "minimum": 0}
_FLAG: dict[str, Any] = {"type": "boolean"}
_TIME: dict[str, Any] = {"type": "string", "format": "date-time"}
_TEXT_OR_NULL: dict[str, Any] = {"type": ["string", "null"]}
_TIME_OR_NULL: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}
_STATUS: dict[str, Any] = {"type": "string", "enum": [one.name.lower() for one in DeliveryStatus]}
_CHANNEL: dict[str, Any] = {"type": "string", "enum": [one.name.lower() for one in Channel]}
_INTERFACE: dict[str, Any] = {"type": "string", "enum": ["soap", "servlet"]}

# The answers to requests that cannot be used, or may not be made.
_PROBLEMS = {
    400: "a field, or the body, cannot be used; or there is no Host header",
    401: "the token is missing or wrong",
    403: "a web page of another origin asked",
    413: "the body is too large",
    415: "the body is not application/json",
    421: "the Host header is not a name of this sandbox",
    500: "the file that keeps the messages cannot be written",
}


def build_document(table: Sequence[Endpoint], operations: Operations) -> dict[str, Any]:
    """Return the document.

    Args:
        table: the endpoints.
        operations: the sandbox's table of operations.
    """
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in table:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    about = "The OpenAPI document of this API."
    paths["/openapi.json"] = {"get": {"summary": about, "operationId": "openapi", "responses": _answers({200: "Any"})}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "jzysoap inbox", "version": __version__, "license": {"name": "MIT", "identifier": "MIT"}},
        "servers": [{"url": "/api/v1"}],
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": _forms(operations),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": endpoint.about,
        "operationId": endpoint.call.__name__,
        "parameters": [_parameter(one, "path") for one in endpoint.places]
        + [_parameter(one, "query") for one in endpoint.query],
        "responses": _answers(endpoint.answers, has_body=endpoint.body is not None),
    }
    if endpoint.body is not None:
        properties = {one.name: one.schema() for one in endpoint.body}
        form = _object(properties, (one.name for one in endpoint.body if one.required))
        if endpoint.many:
            form = _all_of(**{endpoint.many: {"type": "array", "items": form, "maxItems": MAX_RULES}})
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": form}}}
    return operation


def _parameter(field: Field, place: str) -> dict[str, Any]:
    form = field.schema()
    return {"name": field.name, "in": place, "required": field.required, "description": field.about, "schema": form}


def _answers(answers: Mapping[int, str | None], *, has_body: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, problem in _PROBLEMS.items():
        if has_body or status not in (413, 415):
            found[str(status)] = _answer(problem, "Problem")
    for status, form in answers.items():
        found[str(status)] = {"description": "no content"} if form is None else _answer("the answer", form)
    return dict(sorted(found.items()))


def _answer(about: str, form: str) -> dict[str, Any]:
    return {
        "description": about,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{form}"}}},
    }


def _forms(operations: Operations) -> dict[str, Any]:
    delivery = _all_of(to=_TEXT, status=_STATUS, polled=_FLAG, due=_TIME)
    message = _all_of(
        id=_TEXT,
        seq=_WHOLE,
        at=_TIME,
        username=_TEXT,
        interface=_INTERFACE,
        channel=_CHANNEL,
        to=_list(_TEXT),
        text=_TEXT,
        signature=_TEXT_OR_NULL,
        codes=_list(_TEXT),
        segments=_WHOLE,
        long=_FLAG,
        extension=_TEXT,
        gbk={**_FLAG, "description": "true if GBK has every character of the text"},
        deliveries={**_list(delivery), "description": "the first reports; delivery_count is the number of all"},
        delivery_count=_WHOLE,
    )
    report = _all_of(
        to=_TEXT, username=_TEXT_OR_NULL, message=_TEXT_OR_NULL, status=_STATUS, due=_TIME, polled_at=_TIME_OR_NULL
    )
    reply = _all_of(**{"from": _TEXT}, username=_TEXT_OR_NULL, text=_TEXT, at=_TIME, polled_at=_TIME_OR_NULL)
    messages, reports, replies = (_list(_reference(name)) for name in ("Message", "QueuedReport", "QueuedReply"))
    return {
        "Any": {"type": "object"},
        "Problem": _all_of(error=_TEXT, field=_TEXT_OR_NULL),
        "NothingCame": _all_of(error=_TEXT, field=_TEXT_OR_NULL, came=messages),
        "State": _all_of(
            version=_TEXT,
            seq=_WHOLE,
            gateway_url=_TEXT,
            accounts=_list(_reference("Account")),
            rules=_WHOLE,
            messages=_WHOLE,
            reports_waiting=_WHOLE,
            replies_waiting=_WHOLE,
        ),
        "Account": _all_of(username=_TEXT, member=_WHOLE, gateway=_WHOLE, card=_WHOLE),
        "Message": message,
        "Messages": _all_of(seq=_WHOLE, messages=messages, more=_FLAG),
        "Raw": _all_of(interface=_INTERFACE, request=_TEXT, reply=_TEXT),
        "Code": _all_of(code=_TEXT, message=_reference("Message")),
        "Changes": _all_of(
            seq=_WHOLE,
            kinds=_list({"type": "string", "enum": list(get_args(EventKind))}),
            waited={**_FLAG, "description": "false if too many calls wait already: ask again after a second"},
        ),
        "QueuedReport": report,
        "QueuedReply": reply,
        "Reports": _all_of(reports=reports),
        "Queues": _all_of(
            reports=_all_of(waiting=reports, polled=reports), replies=_all_of(waiting=replies, polled=replies)
        ),
        "Rule": _all_of(id=_TEXT, **{one.name: one.schema() for one in rule_fields(operations)}),
        "Rules": _all_of(rules=_list(_reference("Rule"))),
        "Export": _all_of(
            exported_at=_TIME,
            messages=messages,
            queues=_reference("Queues"),
            accounts=_list(_reference("Account")),
            rules=_list(_reference("Rule")),
        ),
    }


def _all_of(**properties: Any) -> dict[str, Any]:
    """Return the form of an object that has all of these properties, and no others."""
    return _object(properties, properties)


def _object(properties: Mapping[str, Any], required: Iterable[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def _list(form: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": form}


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}
