"""One answer for all three services, and its problem document."""

import json
from dataclasses import dataclass

from tests.stack import SERVICES
from tests.wire import Answer, Request, Wire


def answer_of_all(request: Request) -> Answer:
    """Return the answer, which must be the same from all three services."""
    answers = [Wire().send(request.encode(f"/{service}"), request.method) for service in SERVICES]
    assert len({(answer.status, answer.content_type, answer.body) for answer in answers}) == 1, answers
    assert len({answer.headers["Allow"] for answer in answers}) == 1
    return answers[0]


def problem(request: Request) -> dict[str, object]:
    """Return the problem document that all three services answer."""
    answer = answer_of_all(request)
    assert answer.content_type == "application/problem+json"
    document: dict[str, object] = json.loads(answer.body)
    assert (document["type"], document["status"]) == ("about:blank", answer.status)
    return document


def errors_of(document: dict[str, object], place: str) -> dict[str, str]:
    """Return the accepted values by field. Each error must be in ``place``, and ``detail`` must contain its sentence."""
    errors, detail = document["errors"], document["detail"]
    assert isinstance(errors, list)
    assert isinstance(detail, str)
    for error in errors:
        assert error["in"] == place
        assert f"{error['field'] or place}: {error['message']}" in detail
    return {error["field"]: error["accepted"] for error in errors}


@dataclass
class Wrong:
    """A query that the services reject, with the wrong fields and the values accepted for each."""

    target: str
    errors: dict[str, str]
