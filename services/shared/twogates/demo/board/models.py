"""Request models of the notice board: one definition for three services."""

import hashlib
import re
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from twogates.http.models import Body, Query, whole_in_unicode
from twogates.http.notations import Whole
from twogates.http.problems import Problem, header_problem

LARGEST_ID = 2**63 - 1  # bigint


def storable(text: str) -> str:
    """Reject text that PostgreSQL cannot store."""
    if "\0" in text:
        raise PydanticCustomError("nul", "A NUL character cannot be stored")
    return whole_in_unicode(text)


Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(storable)]
Words = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(storable)]


class PageQuery(Query):
    """A page of rows after the last id that the client knows. Ordered by id, so new rows do not shift the pages."""

    limit: Whole = Field(20, ge=1, le=100)
    after: Whole = Field(0, ge=0, le=LARGEST_ID)


class MessagesQuery(PageQuery):
    search: Annotated[Name | None, Field(description="text from 1 to 100 characters")] = None


class MentionsQuery(PageQuery):
    name: Annotated[Name, Field(description="text from 1 to 100 characters")]


class BoardFields(Body):
    name: Name


class NewMessage(Body):
    author: Name
    text: Words


class MessageFields(Body):
    text: Words


def read_id(text: str) -> int:
    """Return the id in a path. Raises the 404 answer if it cannot be an id."""
    if not re.fullmatch("[1-9][0-9]{0,18}", text) or int(text) > LARGEST_ID:
        raise Problem(404)
    return int(text)


def read_key(header: str | None) -> str | None:
    """Return the ``Idempotency-Key``, given with or without the quotes that its IETF draft requires. Raises the 422 answer."""
    if header is None:
        return None
    if found := re.fullmatch('("?)([A-Za-z0-9._-]{1,64})\\1', header):
        return found[2]
    raise header_problem("Idempotency-Key", "Not a key", "1 to 64 letters, digits, '.', '_' or '-'")


def fingerprint(method: str, path: str, fields: Body) -> bytes:
    """Return a hash that is the same for a request and its retry."""
    return hashlib.sha256(f"{method} {path} {fields.model_dump_json()}".encode()).digest()


TAG = '(?:W/)?"[^"]*"'
TAGS = re.compile(rf"[ \t,]*{TAG}(?:[ \t]*,[ \t,]*{TAG})*[ \t,]*")  # RFC 9110, 5.6.1: empty elements are ignored


def matches(header: str | None, version: int) -> bool:
    """Return True if an ``If-Match`` or ``If-None-Match`` names this version: a list of tags, or ``*``. Any other text names none.

    A weak tag counts as a strong one. Nginx makes a tag weak when it compresses the answer, which is still the same version.
    """
    if header == "*":
        return True
    return bool(header and TAGS.fullmatch(header)) and str(version) in re.findall('"([^"]*)"', header or "")


def require(if_match: str | None) -> str:
    """Return the ``If-Match``. Raises the 428 answer without one, so that a client cannot overwrite a version it has not seen."""
    if not if_match:
        raise Problem(428, "A change needs the header If-Match, with the ETag of what is to be changed.")
    return if_match


def changed(version: int | None = None) -> Problem:
    """Return the 412 answer, with the current version if it is known."""
    return Problem(412, "It has changed since the version that If-Match names.", headers={"ETag": f'"{version}"'} if version else {})
