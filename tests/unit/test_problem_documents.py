"""Problem documents: their bytes, and which values they say are accepted."""

import json
import re
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError, create_model

from twogates.demo.models import Document
from twogates.http.problems import DETAILS, Problem, accepted, describe_errors, malformed_json, method_not_allowed, too_large


def phrase(kind: Any) -> str:
    """Return the text about a field of this type."""
    schema = create_model("Model", field=(kind, ...)).model_json_schema()
    return accepted(schema["properties"]["field"], schema)


class Inner(BaseModel):
    name: str
    size: int


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (int, "a whole number"),
        (float, "a number"),
        (Annotated[int, Field(ge=1, le=20)], "a whole number from 1 to 20"),
        (Annotated[int, Field(ge=1)], "a whole number of at least 1"),
        (Annotated[float, Field(le=0.5)], "a number of at most 0.5"),
        (Annotated[int, Field(le=1_000_000)], "a whole number of at most 1000000"),
        (str, "text"),
        (Annotated[str, Field(min_length=1, max_length=9)], "text from 1 to 9 characters"),
        (Annotated[str, Field(pattern="^a")], "text that matches ^a"),
        (bool, "true or false"),
        (Literal["a", "b"], "one of a, b"),
        (int | None, "a whole number or null"),
        (list[int], "a list, each a whole number"),
        (Annotated[list[str], Field(max_length=3)], "a list of at most 3 entries, each text"),
        (Inner, "the fields name, size"),
        (list[Inner], "a list, each the fields name, size"),
        (Annotated[str, Field(description="a name")], "a name"),
    ],
)
def test_what_is_accepted(kind: object, said: str) -> None:
    assert phrase(kind) == said


def test_errors_are_in_the_order_of_their_fields() -> None:
    wrong = {"id": "x", "title": "", "created": "x", "items": [{"name": "n", "quantity": 0, "price": -1}, 5], "tags": ["", 1], "more": 1}
    with pytest.raises(ValidationError) as caught:
        Document.model_validate(wrong)
    fields = [error["field"] for error in describe_errors(caught.value.errors(), Document)]
    assert fields == ["created", "id", "items.0.price", "items.0.quantity", "items.1", "more", "tags.0", "tags.1", "title"]


@pytest.mark.parametrize(
    ("status", "title"), [(413, "Content Too Large"), (422, "Unprocessable Content"), (404, "Not Found"), (500, "Internal Server Error")]
)
def test_titles_are_those_of_rfc_9110(status: int, title: str) -> None:
    assert json.loads(Problem(status, "x").body)["title"] == title


@pytest.mark.parametrize("status", DETAILS)
def test_a_known_status_needs_no_detail(status: int) -> None:
    document = json.loads(Problem(status).body)
    assert document == {"type": "about:blank", "title": document["title"], "status": status, "detail": DETAILS[status]}


def test_the_bytes_are_compact_utf_8_in_one_order() -> None:
    assert Problem(404, "Ü", more=[1]).body == '{"type":"about:blank","title":"Not Found","status":404,"detail":"Ü","more":[1]}'.encode()


def test_allow_is_sorted() -> None:
    assert method_not_allowed({"HEAD", "GET"}).headers == {"Allow": "GET, HEAD"}


def test_the_limit_is_said() -> None:
    assert str(too_large(65536)) == "The body is larger than 65536 bytes."


def test_malformed_json_says_where() -> None:
    assert (
        str(malformed_json(json.JSONDecodeError("Expecting value", "[x", 1)))
        == "The body is not valid JSON: Expecting value at character 1."
    )
    assert (
        str(malformed_json(UnicodeDecodeError("utf-16-le", b"\xff", 0, 1, "x"))) == "The body is not valid JSON: byte 0 is not UTF-16-LE."
    )
    assert str(malformed_json(RecursionError())) == "The body is nested too deeply."
    assert str(malformed_json(ValueError())) == "A number in the body has too many digits."


@pytest.mark.parametrize(
    "text", ['"\n', '"a', '"\\', '"\\x"', "[1,]", "{,}", "[1 2]", '{"a" 1}', "tru", "", "1 1", '"\\u12"', "-", '{"a":}']
)
def test_no_reason_of_pythons_is_said_broken(text: str) -> None:
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads(text)
    said = str(malformed_json(caught.value))
    assert "at at" not in said
    assert re.fullmatch(r"The body is not valid JSON: .*[^\s.] at character \d+\.", said)
