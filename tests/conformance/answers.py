"""One answer from three services, and the problem document that it is."""

import json
from dataclasses import dataclass

from tests.stack import SERVICES
from tests.wire import Answer, Request, Wire


def answer_of_all(request: Request) -> Answer:
    """The one answer that the three services give."""
    answers = [Wire().send(request.encode(f"/{service}"), request.method) for service in SERVICES]
    assert len({(answer.status, answer.content_type, answer.body) for answer in answers}) == 1, answers
    assert len({answer.headers["Allow"] for answer in answers}) == 1
    return answers[0]


def problem(request: Request) -> dict[str, object]:
    """The same, which must be a problem document."""
    answer = answer_of_all(request)
    assert answer.content_type == "application/problem+json"
    document: dict[str, object] = json.loads(answer.body)
    assert (document["type"], document["status"]) == ("about:blank", answer.status)
    return document


def errors_of(document: dict[str, object], place: str) -> dict[str, str]:
    """What is accepted, by field; each field must be in ``place`` and in the sentence of ``detail``."""
    errors, detail = document["errors"], document["detail"]
    assert isinstance(errors, list)
    assert isinstance(detail, str)
    for error in errors:
        assert error["in"] == place
        assert f"{error['field'] or place}: {error['message']}" in detail
    return {error["field"]: error["accepted"] for error in errors}


@dataclass
class Wrong:
    """A query that is refused, with the fields at fault and what is accepted in their place."""

    target: str
    errors: dict[str, str]
