"""Pydantic models of the requests to the lesson's endpoints: one definition for three services."""

import os
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from twogates.http.models import Body, Query, Strict, Text
from twogates.http.notations import Integer, LowerCaseUUID, Moment, Number, TrueOrFalse, Whole, number

# The longest time that a request may occupy its server. It is below the worker time-out, which then only kills a worker that hangs.
# Long pauses are for the laboratory. In production, one client could use them to block the service for all others.
LONGEST_SECONDS = 1 if os.environ.get("PROFILE") == "production" else 30

# The validator must be last: pydantic omits bounds after it from the JSON Schema, from which error answers tell what is accepted.
Pause = Annotated[float, Field(ge=0, le=LONGEST_SECONDS, allow_inf_nan=False), BeforeValidator(number)]


def no_longer_than_allowed(seconds: float) -> None:
    """Reject a request whose parts are each allowed, but together exceed ``LONGEST_SECONDS``."""
    if seconds > LONGEST_SECONDS:
        raise PydanticCustomError("too_long", f"Together at most {LONGEST_SECONDS} seconds")


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


# Limits of a request's work in the database, well below the time limits in database/common.py, even on a busy machine.
MOST_IN_DATABASE = 0.5
MOST_WORK = 100


class DatabaseQuery(Query):
    """Queries, one after another on one connection. Each makes the database sleep, or use its CPU."""

    seconds: Number = Field(0.0, ge=0, le=MOST_IN_DATABASE, allow_inf_nan=False)
    calls: Whole = Field(1, ge=1, le=20)
    work: Whole = Field(0, ge=0, le=MOST_WORK)

    @model_validator(mode="after")
    def total(self) -> Self:
        if self.seconds * self.calls > MOST_IN_DATABASE or self.work * self.calls > MOST_WORK:
            raise PydanticCustomError("too_much", f"Together at most {MOST_IN_DATABASE} seconds, and {MOST_WORK} units of work")
        return self


class ListingQuery(Query):
    """The first messages of a board with their authors: in one query, or with one more query per author."""

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


class Item(Strict):
    model_config = ConfigDict(strict=True)

    name: Text
    quantity: Integer = Field(ge=1, le=1_000_000)
    price: float = Field(ge=0, le=1e9, allow_inf_nan=False)


class Document(Body):
    """The body of ``/echo``: nested, with a few types that JSON itself does not have."""

    id: LowerCaseUUID
    title: Text
    created: Moment
    urgent: bool = False
    note: Text | None = None
    tags: list[Text] = Field([], max_length=20)
    items: list[Item] = Field(min_length=1, max_length=100)
