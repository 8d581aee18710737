"""Strict models of a request's query string and JSON body, so that all services reject the same requests."""

import json
from email.message import Message
from typing import Annotated, Any, Self
from urllib.parse import parse_qsl

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from twogates.http.problems import Problem, invalid, malformed_json


class Strict(BaseModel):
    """Base that rejects unknown names. A misspelt name must not silently use the default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Query(Strict):
    """Base of the parameters of a query string."""

    @classmethod
    def read(cls, query_string: str | bytes) -> Self:
        """Parse and validate a raw query string. The last value of a repeated name counts, as in most frameworks. Raises the 422 answer."""
        text = query_string if isinstance(query_string, str) else query_string.decode("latin-1")
        try:
            return cls.model_validate(dict(parse_qsl(text, keep_blank_values=True)))
        except ValidationError as error:
            raise invalid("query", error.errors(), cls) from None


class Body(Strict):
    """Base of a JSON object in a request body. JSON has types, so no value is converted to another type."""

    model_config = ConfigDict(strict=True)

    @classmethod
    def read(cls, body: bytes, content_type: str | None) -> Self:
        """Parse and validate a request body as FastAPI does, so that all three services agree. Raises the 400, 415 and 422 answers."""
        if not is_json(content_type):
            raise Problem(415)
        try:
            value: Any = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise malformed_json(error) from None
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise invalid("body", error.errors(), cls) from None


def whole_in_unicode(text: str) -> str:
    """Reject half of a surrogate pair, which JSON can escape but UTF-8 cannot encode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("not_unicode", "Not valid Unicode: half of a surrogate pair") from None
    return text


Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(whole_in_unicode)]


def is_json(content_type: str | None) -> bool:
    """Return True if a Content-Type is JSON: ``application/json`` or a type built on it."""
    header = Message()
    header["content-type"] = content_type or "application/octet-stream"
    subtype = header.get_content_subtype()
    return header.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))
