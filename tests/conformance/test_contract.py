"""Real answers, held to services/openapi.yaml: known requests with their status, then generated ones."""

import os
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.stack import Service

CONTRACT: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "services/openapi.yaml").read_text())
SCHEMA = schemathesis.openapi.from_dict(CONTRACT)
OPERATIONS = [(method.upper(), path) for path, operations in CONTRACT["paths"].items() for method in operations]

DOCUMENT = {
    "id": "7b0bdb8e-2f3c-4d7b-9d4f-0c9a5f1f2a11",
    "title": "t",
    "created": "2026-01-01T00:00:00Z",
    "items": [{"name": "n", "quantity": 1, "price": 2.5}],
}
JSON = {"Content-Type": "application/json"}
KNOWN: list[tuple[str, str, int, dict[str, Any]]] = [
    ("GET", "/", 200, {}),
    ("GET", "/healthz", 200, {}),
    ("GET", "/readyz", 200, {}),
    ("GET", "/json", 200, {}),
    ("GET", "/hello/{name}", 200, {"path_parameters": {"name": "Grüße \U0001f6aa"}}),
    ("GET", "/hello/{name}", 400, {"path_parameters": {"name": "a\x00"}}),
    ("GET", "/hello/{name}", 404, {"path_parameters": {"name": "a/b"}}),
    ("GET", "/wait", 200, {"query": {"seconds": 0.01}}),
    ("GET", "/wait", 422, {"query": {"seconds": 31}}),
    ("GET", "/wait", 422, {"query": {}}),
    ("GET", "/upstream", 200, {"query": {"seconds": 0, "calls": 20}}),
    ("GET", "/upstream", 422, {"query": {"seconds": 20, "calls": 20}}),
    ("GET", "/cpu", 200, {"query": {"work": 1}}),
    ("GET", "/cpu", 422, {"query": {"work": "much"}}),
    ("GET", "/block", 200, {"query": {"seconds": 0}}),
    ("GET", "/block", 200, {"query": {"seconds": 0, "offload": "true"}}),
    ("GET", "/block", 422, {"query": {"seconds": "nan"}}),
    ("GET", "/block", 422, {"query": {"seconds": 0, "offload": "1"}}),
    ("GET", "/stream", 200, {"query": {"chunks": 2, "interval": 0}}),
    ("GET", "/stream", 422, {"query": {"chunks": 0, "more": 1}}),
    ("GET", "/events", 200, {"query": {"chunks": 2, "interval": 0}, "headers": {"Last-Event-ID": "1"}}),
    ("GET", "/events", 422, {"query": {"chunks": 2}, "headers": {"Last-Event-ID": "x"}}),
    ("GET", "/static/gates.svg", 200, {}),
    ("POST", "/echo", 200, {"body": DOCUMENT, "media_type": "application/json"}),
    ("POST", "/echo", 400, {"body": b"{", "headers": JSON}),
    ("POST", "/echo", 413, {"body": b" " * 10_000_000, "headers": JSON}),
    ("POST", "/echo", 415, {"body": b"{}", "headers": {"Content-Type": "text/plain"}}),
    ("POST", "/echo", 422, {"body": {**DOCUMENT, "items": [{}], "more": 1}, "media_type": "application/json"}),
    ("POST", "/upload", 200, {"body": b"\x00\xff", "headers": {"Content-Type": "application/octet-stream"}}),
    ("GET", "/ws", 426, {}),
]
# Answered by test_websocket.py and test_upload.py, and those that only a broken upstream brings about.
ELSEWHERE = {("/ws", 101), ("/upload", 413), ("/readyz", 503), ("/upstream", 502), ("/upstream", 504)}


def test_the_contract_is_openapi() -> None:
    validate(CONTRACT)


def test_every_documented_status_is_asked_for() -> None:
    documented = {(path, int(status)) for method, path in OPERATIONS for status in CONTRACT["paths"][path][method.lower()]["responses"]}
    assert documented - ELSEWHERE == {(path, status) for _, path, status, _ in KNOWN} | {("/ws", 501)}


@pytest.mark.parametrize(("method", "path", "status", "parts"), KNOWN, ids=lambda value: str(value)[:12])
def test_known_request(service: Service, method: str, path: str, status: int, parts: dict[str, Any]) -> None:
    case = SCHEMA[path][method].Case(**deepcopy(parts))
    answer = case.call(base_url=service.url)
    assert answer.status_code == (501 if path == "/ws" and service.interface == "WSGI" else status)
    case.validate_response(answer, excluded_checks=[not_a_server_error, negative_data_rejection])


def quick(contract: dict[str, Any]) -> dict[str, Any]:
    """The contract with short waits and little work, to generate valid requests from."""
    short = deepcopy(contract)
    short["components"]["schemas"]["Seconds"]["maximum"] = 0.01
    short["components"]["parameters"]["Interval"]["schema"]["maximum"] = 0.001
    short["components"]["parameters"]["Interval"]["required"] = True  # its default waits
    short["components"]["parameters"]["Chunks"]["schema"]["maximum"] = 20
    short["paths"]["/cpu"]["get"]["parameters"][0]["schema"]["maximum"] = 5
    return short


EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "25"))
VALID = schemathesis.openapi.from_dict(quick(CONTRACT))
GENERATED = [operation for operation in OPERATIONS if operation[1] != "/ws"]


def check(operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, service: Service, **options: Any) -> None:
    """Send generated requests and hold each answer to the contract."""

    @settings(max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode))
    def send(case: Case[Any]) -> None:
        case.call_and_validate(base_url=service.url, **options)

    send()


@pytest.mark.parametrize(("method", "path"), GENERATED)
def test_generated_valid_requests(service: Service, method: str, path: str) -> None:
    # JSON Schema takes 2.0 for an integer.
    excluded = [positive_data_acceptance] if path == "/echo" else []
    check(VALID[path][method], GenerationMode.POSITIVE, service, excluded_checks=excluded)


@pytest.mark.parametrize("path", ["/wait", "/upstream", "/cpu", "/block", "/stream", "/events", "/echo"])
def test_generated_invalid_requests(service: Service, path: str) -> None:
    method = "POST" if path == "/echo" else "GET"
    # What a schema excludes may still be taken: see the request body of /echo.
    check(SCHEMA[path][method], GenerationMode.NEGATIVE, service, excluded_checks=[negative_data_rejection])
