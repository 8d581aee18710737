"""What each endpoint accepts, as pydantic models: one definition for three services."""

import json
import os
from email.message import Message
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from twogates.notations import Integer, LowerCaseUUID, Moment, Number, TrueOrFalse, Whole, number
from twogates.problems import Problem, invalid, malformed_json

# No request may hold its server for longer, so that a worker's time-out (above it) only ever ends a worker that hangs. To wait as
# long as a client likes is for the laboratory, and elsewhere a way to take a service from its other clients.
LONGEST_SECONDS = 1 if os.environ.get("PROFILE") == "production" else 30

# The validator stands last: pydantic leaves bounds behind it out of the JSON Schema, from which a client is told what is accepted.
Pause = Annotated[float, Field(ge=0, le=LONGEST_SECONDS, allow_inf_nan=False), BeforeValidator(number)]


def no_longer_than_allowed(seconds: float) -> None:
    """Reject a request whose parts, each allowed, add up to more than the longest one."""
    if seconds > LONGEST_SECONDS:
        raise PydanticCustomError("too_long", f"Together at most {LONGEST_SECONDS} seconds")


class Strict(BaseModel):
    """Unknown names are errors: a typing slip must not pass as a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Query(Strict):
    """Parameters of a query string."""

    @classmethod
    def read(cls, query_string: str | bytes) -> Self:
        """Parse and check a raw query string; of a repeated name the last value counts, as in most frameworks."""
        text = query_string if isinstance(query_string, str) else query_string.decode("latin-1")
        try:
            return cls.model_validate(dict(parse_qsl(text, keep_blank_values=True)))
        except ValidationError as error:
            raise invalid("query", error.errors(), cls) from None


class WaitQuery(Query):
    seconds: Pause


class BlockQuery(WaitQuery):
    offload: TrueOrFalse = False


class CpuQuery(Query):
    work: Whole = Field(ge=1, le=1000)


class UpstreamQuery(Query):
    seconds: Pause
    calls: Whole = Field(1, ge=1, le=20)

    @model_validator(mode="after")
    def total(self) -> Self:
        no_longer_than_allowed(self.seconds * self.calls)
        return self


# Of what a request asks the database: well below the limits of time in database_common.py, on a busy machine too.
MOST_IN_DATABASE = 0.5
MOST_WORK = 100


class DatabaseQuery(Query):
    """Questions to the database, one after another on one connection: each takes it time, or work for its CPU."""

    seconds: Number = Field(0.0, ge=0, le=MOST_IN_DATABASE, allow_inf_nan=False)
    calls: Whole = Field(1, ge=1, le=20)
    work: Whole = Field(0, ge=0, le=MOST_WORK)

    @model_validator(mode="after")
    def total(self) -> Self:
        if self.seconds * self.calls > MOST_IN_DATABASE or self.work * self.calls > MOST_WORK:
            raise PydanticCustomError("too_much", f"Together at most {MOST_IN_DATABASE} seconds, and {MOST_WORK} units of work")
        return self


class ListingQuery(Query):
    """The first messages of a board with their authors: all in one question, or one more for each author."""

    board: Whole = Field(ge=1, le=2**31 - 1)
    limit: Whole = Field(20, ge=1, le=100)
    how: Literal["joined", "each"] = "joined"


class StreamQuery(Query):
    chunks: Whole = Field(10, ge=1, le=10_000)
    interval: Pause = 0.1

    @model_validator(mode="after")
    def total(self) -> Self:
        no_longer_than_allowed(self.chunks * self.interval)
        return self


def whole_in_unicode(text: str) -> str:
    """Reject half of a surrogate pair, which JSON can escape and UTF-8 cannot encode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("not_unicode", "Not valid Unicode: half of a surrogate pair") from None
    return text


Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(whole_in_unicode)]


class Item(Strict):
    model_config = ConfigDict(strict=True)

    name: Text
    quantity: Integer = Field(ge=1, le=1_000_000)
    price: float = Field(ge=0, le=1e9, allow_inf_nan=False)


class Body(Strict):
    """A JSON object in the body of a request. JSON has types, and no value is converted to another one."""

    model_config = ConfigDict(strict=True)

    @classmethod
    def read(cls, body: bytes, content_type: str | None) -> Self:
        """Parse and check a request body in the way that FastAPI does, so that all three agree."""
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


class Document(Body):
    """What ``/echo`` accepts: nested, and a few types that JSON itself does not have."""

    id: LowerCaseUUID
    title: Text
    created: Moment
    urgent: bool = False
    note: Text | None = None
    tags: list[Text] = Field([], max_length=20)
    items: list[Item] = Field(min_length=1, max_length=100)


def is_json(content_type: str | None) -> bool:
    """Whether a Content-Type names JSON: ``application/json`` or a type built on it."""
    header = Message()
    header["content-type"] = content_type or "application/octet-stream"
    subtype = header.get_content_subtype()
    return header.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))
