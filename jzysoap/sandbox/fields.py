"""The fields of the JSON API's requests: how each is checked, and its form in the OpenAPI document.

Both are made from the same ``Field``, so that the document cannot differ from what is checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jzysoap.model.errors import ConfigurationError

Kind = Literal["text", "whole", "seconds", "choice"]

_SURROGATE = re.compile("[\ud800-\udfff]")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,3})?")


class FieldError(ConfigurationError):
    """A value that cannot be used.

    Attributes:
        field: the name of the value; empty if it is the request as a whole.
    """

    field: str = ""


def field_error(field: str, problem: str) -> FieldError:
    """Return the error that says what a field must be."""
    return FieldError(f"{field} {problem}", field=field)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a request.

    Attributes:
        name: its name.
        kind: a text, a whole number, a number of seconds, or one of several texts.
        about: what it is for, as a phrase.
        low, high: the smallest and the largest value; of a text the shortest and the longest, in characters.
        choices: the texts that a choice allows.
        default: the value if it is omitted.
        nullable: True if it may be null in a JSON body; not for a choice.
        required: True if it must not be omitted in a JSON body; a field in a path never is.
    """

    name: str
    kind: Kind
    about: str
    low: float = 0
    high: float = 0
    choices: Sequence[str] = ()
    default: Any = None
    nullable: bool = False
    required: bool = False

    def schema(self) -> dict[str, Any]:
        """Return its form as a JSON schema."""
        form: dict[str, Any] = {"description": self.about}
        if self.kind == "choice":
            form |= {"type": "string", "enum": list(self.choices)}
        elif self.kind == "text":
            form |= {"type": "string", "minLength": int(self.low), "maxLength": int(self.high)}
        else:
            kind = "integer" if self.kind == "whole" else "number"
            form |= {"type": kind, "minimum": self.low, "maximum": self.high}
        if self.default is not None:
            form["default"] = self.default
        if self.nullable:
            form["type"] = [form["type"], "null"]
        return form

    def check(self, value: object) -> Any:
        """Return a value of a JSON body.

        Raises:
            FieldError: the value cannot be used.
        """
        if value is None and self.nullable:
            return None
        if self.kind in ("text", "choice"):
            if not isinstance(value, str):
                raise field_error(self.name, "must be text")
            if self.kind == "choice" and value not in self.choices:
                raise field_error(self.name, f"must be one of {', '.join(self.choices)}")
            if self.kind == "text" and not self.low <= len(value) <= self.high:
                raise field_error(self.name, f"must have {self.low:,} to {self.high:,} characters")
            if _SURROGATE.search(value):
                raise field_error(self.name, "has half of a surrogate pair, which is no character")
            return value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise field_error(self.name, "must be a number")
        # Compared first: infinity and NaN are no whole numbers, and cannot be asked.
        if not self.low <= value <= self.high:
            raise field_error(self.name, f"must be from {self.low:,} to {self.high:,}")
        if self.kind == "whole" and value != int(value):
            raise field_error(self.name, "must be a whole number")
        return int(value) if self.kind == "whole" else value

    def check_text(self, text: str) -> Any:
        """Return a value of a query, given as text.

        Raises:
            FieldError: the value cannot be used.
        """
        if self.kind in ("text", "choice"):
            return self.check(text)
        pattern = _WHOLE if self.kind == "whole" else _NUMBER
        if not pattern.fullmatch(text):
            raise field_error(self.name, "must be a whole number" if self.kind == "whole" else "must be a number")
        return self.check(float(text) if self.kind == "seconds" else int(text))


def check_body(fields: Sequence[Field], body: object) -> dict[str, Any]:
    """Return the fields of a JSON body, those that are omitted with their defaults.

    Raises:
        FieldError: the body is no object, lacks a field, has an unknown one, or one that cannot be used.
    """
    if not isinstance(body, dict):
        raise FieldError("the body must be a JSON object")
    _refuse_unknown(fields, body)
    values = {}
    for field in fields:
        if field.required and field.name not in body:
            raise field_error(field.name, "is missing")
        values[field.name] = field.check(body[field.name]) if field.name in body else field.default
    return values


def check_query(fields: Sequence[Field], query: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the fields of a query, those that are omitted with their defaults.

    Raises:
        FieldError: the query has an unknown field, one twice, or one that cannot be used.
    """
    _refuse_unknown(fields, query)
    values = {}
    for field in fields:
        texts = query.get(field.name, ())
        if len(texts) > 1:
            raise field_error(field.name, "may be given once")
        values[field.name] = field.check_text(texts[0]) if texts else field.default
    return values


def _refuse_unknown(fields: Sequence[Field], given: Mapping[str, object]) -> None:
    names = {field.name for field in fields}
    unknown = next((name for name in given if name not in names), None)
    if unknown is not None:
        known = ", ".join(sorted(names)) or "none"
        raise FieldError(f"unknown field {unknown[:40]!r}; the fields are: {known}", field=unknown[:40])
