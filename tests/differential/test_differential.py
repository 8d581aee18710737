"""The same request to all three services gets the same answer, and never a 5xx.

It runs through Nginx, against a running stack. DIFFERENTIAL_EXAMPLES is the number of requests of each family.
"""

import json
import os
from collections import Counter
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import HealthCheck, assume, given, settings

from tests.differential.families import FAMILIES
from tests.stack import SERVICES
from tests.wire import Answer, Request, Wire, send_together

EXAMPLES = int(os.environ.get("DIFFERENTIAL_EXAMPLES", "100"))
# The prefixes differ in length, so a request line just at Nginx's limit of 8192 bytes fits for one service and not for
# another.
AT_THE_LIMIT = range(8140, 8210)
PROBLEM = {"type", "title", "status", "detail"}


@pytest.mark.parametrize("family", FAMILIES)
def test_three_services_give_one_answer(family: str, sent: Counter[int]) -> None:
    wires = {service: Wire() for service in SERVICES}

    @settings(max_examples=EXAMPLES, database=None, derandomize="CI" in os.environ, deadline=None, suppress_health_check=list(HealthCheck))
    @given(FAMILIES[family])
    def compare(request: Request) -> None:
        assume(len(request.target) not in AT_THE_LIMIT)
        answers = send_together([(wire, request.encode(f"/{service}")) for service, wire in wires.items()], request.method)
        sent[answers[0].status] += 1
        assert_same(request, answers)

    try:
        compare()
    finally:
        for wire in wires.values():
            wire.close()
    assert sent.total() >= EXAMPLES


def assert_same(request: Request, answers: list[Answer]) -> None:
    """Check for equal status, type and body, except for the two answers in which a service describes itself."""
    path = unquote_to_bytes(request.target.partition(b"?")[0])
    statuses = [answer.status for answer in answers]
    if path == b"/ws" and statuses[0] == 501:
        assert all(status in (426, 400) for status in statuses[1:]), describe(answers)  # 400 for an incomplete handshake
        return
    assert max(statuses) < 500, describe(answers)
    if path == b"/" and statuses == [200, 200, 200] and answers[0].body:
        keys = [json.loads(answer.body).keys() for answer in answers]
        assert keys[0] == keys[1] == keys[2]
        return
    assert len({(answer.status, answer.content_type, answer.body) for answer in answers}) == 1, describe(answers)
    if statuses[0] >= 400 and request.method != b"HEAD":
        assert answers[0].content_type == "application/problem+json", describe(answers)
        assert json.loads(answers[0].body).keys() >= PROBLEM
        assert json.loads(answers[0].body)["status"] == statuses[0]


def describe(answers: list[Answer]) -> str:
    """Return the answers, one per line."""
    lines = zip(SERVICES, answers, strict=True)
    return "\n".join(f"{service}: {answer.status} {answer.content_type} {answer.body[:300]!r}" for service, answer in lines)
