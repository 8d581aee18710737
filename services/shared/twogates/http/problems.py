"""Errors as RFC 9457 problem details, byte for byte the same from every service."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

MEDIA_TYPE = "application/problem+json"
# Default details per status. Nginx uses the same texts for its own errors (nginx/conf/problems.conf).
DETAILS = {
    400: "The request could not be understood.",
    404: "There is nothing at this path.",
    405: "This path does not answer that method; the Allow header lists those it does.",
    415: "The body must be JSON: send Content-Type: application/json.",
    500: "The service failed to answer. The request id finds the reason in its log.",
}

# Replaces pydantic's messages that mention Python. The second type occurs with FastAPI.
MESSAGES = {"model_type": "Input should be an object", "model_attributes_type": "Input should be an object"}


class Problem(Exception):
    """An error with an answer. A view raises it, and the service sends the answer.

    ``extra`` adds members to the document beside the standard ones.
    """

    def __init__(self, status: int, detail: str = "", headers: Mapping[str, str] | None = None, **extra: Any) -> None:
        super().__init__(detail or DETAILS[status])
        self.status = status
        self.headers = dict(headers or {})
        self.extra = extra

    @property
    def title(self) -> str:
        """The reason phrase of the status. RFC 9110 renamed 413 and 422; Python has the new names since 3.13."""
        return {413: "Content Too Large", 422: "Unprocessable Content"}.get(self.status) or HTTPStatus(self.status).phrase

    @property
    def body(self) -> bytes:
        """The document as JSON in UTF-8."""
        document = {"type": "about:blank", "title": self.title, "status": self.status, "detail": str(self), **self.extra}
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def invalid(place: str, errors: Iterable[Any], model: type[BaseModel]) -> Problem:
    """Return the 422 answer for pydantic's ``errors`` on ``model``, found in ``place`` (query, body, header)."""
    described = [{"in": place, **error} for error in describe_errors(errors, model)]
    summary = "; ".join(f"{error['field'] or place}: {error['message']}" for error in described)
    return Problem(422, f"The {place} is not valid. {summary}.", errors=described)


def header_problem(header: str, message: str, accepted: str) -> Problem:
    """Return the 422 answer for an invalid header."""
    errors = [{"in": "header", "field": header, "message": message, "accepted": accepted}]
    return Problem(422, f"The header is not valid. {header}: {message}.", errors=errors)


def method_not_allowed(allowed: Iterable[str]) -> Problem:
    """Return the 405 answer, with the methods that the path accepts."""
    return Problem(405, headers={"Allow": ", ".join(sorted(allowed))})


def too_large(limit: int) -> Problem:
    """Return the 413 answer for a body of more than ``limit`` bytes. Nginx uses the same text."""
    return Problem(413, f"The body is larger than {limit} bytes.")


def malformed_json(error: Exception) -> Problem:
    """Return the 400 answer for a body that is not JSON or that we cannot parse, with the position of the error if it is known."""
    match error:
        case json.JSONDecodeError():
            reason = f"{error.msg.removesuffix(' at')} at character {error.pos}"  # some of Python's messages end with " at"
        case UnicodeDecodeError():
            reason = f"byte {error.start} is not {error.encoding.upper()}"
        case RecursionError():
            return Problem(400, "The body is nested too deeply.")
        case _:
            return Problem(400, "A number in the body has too many digits.")
    return Problem(400, f"The body is not valid JSON: {reason}.")


def describe_errors(errors: Iterable[Any], model: type[BaseModel]) -> list[dict[str, str]]:
    """Return pydantic's errors as ``field``, ``message`` and ``accepted``, sorted by field name."""
    schema = schema_of(model)
    described = []
    for error in errors:
        path = [part for part in error["loc"] if part not in ("query", "body")]
        unknown = error["type"] == "extra_forbidden"
        described.append(
            {
                "field": ".".join(map(str, path)),
                "message": MESSAGES.get(error["type"], error["msg"]),
                "accepted": accepted(lookup(schema, path[:-1] if unknown else path, schema), schema),
            }
        )
    return sorted(described, key=lambda error: (error["field"], error["message"]))


@cache
def schema_of(model: type[BaseModel]) -> Mapping[str, Any]:
    """Return the JSON Schema of a model. Cached, since building it takes longer than the rest of an answer."""
    return model.model_json_schema()


def lookup(schema: Mapping[str, Any], path: Sequence[str | int], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the part of a JSON Schema that describes the value at ``path``."""
    if "$ref" in schema:
        return lookup(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], path, root)
    if not path:
        return schema
    inner = schema["items"] if isinstance(path[0], int) else schema["properties"][path[0]]
    return lookup(inner, path[1:], root)


# Only settings have these formats.
FORMATS = {
    "directory-path": "a folder that exists",
    "file-path": "a file that exists",
}


def accepted(schema: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    """Describe a JSON Schema in a few words: ``a whole number from 1 to 20``."""
    if "$ref" in schema:
        return accepted(lookup(schema, [], root), root)
    if "description" in schema and "properties" not in schema:
        return str(schema["description"])
    if "anyOf" in schema:
        return " or ".join(accepted(option, root) for option in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    match schema.get("type"):
        case "integer" | "number" as kind:
            words = "a whole number" if kind == "integer" else "a number"
            return words + bounds(schema, "minimum", "maximum")
        case "string" if "format" in schema:
            return FORMATS[schema["format"]]
        case "string" if "pattern" in schema:
            return f"text that matches {schema['pattern']}"
        case "string":
            return "text" + bounds(schema, "minLength", "maxLength", " characters")
        case "array":
            return "a list" + bounds(schema, "minItems", "maxItems", " entries") + f", each {accepted(schema['items'], root)}"
        case "object":
            return "the fields " + ", ".join(schema["properties"])
        case "boolean":
            return "true or false"
        case other:
            return str(other)


def bounds(schema: Mapping[str, Any], low: str, high: str, unit: str = "") -> str:
    """Return `` from 1 to 20 entries``, or only the bound that the schema has."""
    if low in schema and high in schema:
        return f" from {number(schema[low])} to {number(schema[high])}{unit}"
    if high in schema:
        return f" of at most {number(schema[high])}{unit}"
    return f" of at least {number(schema[low])}{unit}" if low in schema else ""


def number(value: float) -> str:
    """Format a bound for people: all digits of a whole number, and no ``.0``."""
    return str(value) if isinstance(value, int) else f"{value:.15g}"
