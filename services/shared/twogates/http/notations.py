"""The notation of each type of value. A value in any other notation is rejected, not converted.

The notations are those of services/openapi.yaml. Pydantic's own conversions accept more: ``false`` for the number 0, ``" 1_0"`` for 10, a
number of seconds for a date (above a certain limit, of milliseconds), a UUID in braces.
"""

import re
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

WHOLE = re.compile("-?(?:0|[1-9][0-9]*)")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
LOWER_CASE_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
ZONED_TIME = re.compile(rf"{TIME}(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])")


def whole(value: object) -> object:
    """Convert a text in JSON's notation to a whole number."""
    if not isinstance(value, str):
        return value
    try:
        if WHOLE.fullmatch(value):
            return int(value)
    except ValueError:  # more digits than int() accepts
        pass
    raise PydanticCustomError("not_whole", "Input should be a whole number, written as in JSON")


def number(value: object) -> object:
    """Convert a text in JSON's notation to a number."""
    if not isinstance(value, str):
        return value
    if not NUMBER.fullmatch(value):
        raise PydanticCustomError("not_a_number", "Input should be a number, written as in JSON")
    return float(value)


def true_or_false(value: object) -> object:
    """Convert ``true`` and ``false``, and reject all else. Pydantic also accepts 1, yes, on, T and similar words."""
    if value not in ("true", "false"):
        raise PydanticCustomError("true_or_false", "Input should be true or false")
    return value == "true"


def without_fraction(value: object) -> object:
    """Convert a JSON number without a fraction to an integer: for JSON Schema, 2.0 is an integer too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def uuid(value: object) -> UUID:
    """Convert a text to a UUID."""
    if not isinstance(value, str) or not LOWER_CASE_UUID.fullmatch(value):
        raise PydanticCustomError("not_a_uuid", "Input should be a UUID in lower case, with its hyphens")
    return UUID(value)


def moment(value: object) -> datetime:
    """Convert a text to a date and time."""
    if isinstance(value, str) and ZONED_TIME.fullmatch(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:  # the 30th of February, the year 0000
            pass
    raise PydanticCustomError("not_a_moment", "Input should be a date and time with its zone, of a day that there is")


# For a query string, where every value is text.
Whole = Annotated[int, BeforeValidator(whole)]
Number = Annotated[float, BeforeValidator(number)]
TrueOrFalse = Annotated[bool, BeforeValidator(true_or_false)]
# For a JSON document. Error answers show the descriptions to the client as what is accepted.
Integer = Annotated[int, BeforeValidator(without_fraction)]
LowerCaseUUID = Annotated[
    UUID, BeforeValidator(uuid), Field(description="a UUID in lower case, such as 7b0bdb8e-2f3c-4d7b-9d4f-0c9a5f1f2a11")
]
Moment = Annotated[
    datetime,
    BeforeValidator(moment),
    Field(description="a date and time with its zone as in RFC 3339, from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999Z"),
]


def whole_in_header(text: str, most: int) -> int | None:
    """Return a header's value as a whole number from 0 to ``most``; ``None`` if it is not one."""
    found = re.fullmatch("0|[1-9][0-9]{0,18}", text)
    return int(text) if found and int(text) <= most else None
