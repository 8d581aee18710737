"""Real answers, held to services/openapi.yaml: known requests with their status, then generated ones."""

import os
from collections.abc import Iterator
from contextlib import nullcontext
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.boards import ANY, made
from tests.conformance.known import KNOWN, filled
from tests.stack import TARGET, Service

CONTRACT: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "services/openapi.yaml").read_text())
SCHEMA = schemathesis.openapi.from_dict(CONTRACT)
OPERATIONS = [(method.upper(), path) for path, operations in CONTRACT["paths"].items() for method in operations if method != "parameters"]

# Answered by test_websocket.py, test_chat.py, test_upload.py and test_cache.py, and those that only a broken dependency brings about.
ELSEWHERE = {("GET", "/ws", 101), ("POST", "/upload", 413), ("GET", "/readyz", 503), ("GET", "/upstream", 502), ("GET", "/upstream", 504)}
ELSEWHERE |= {("POST", "/boards/{board}/messages", 429), ("GET", "/cache", 503)}
CHAT, FEED = "/boards/{board}/chat", "/boards/{board}/feed"
SOCKETS = ("/ws", CHAT)
ELSEWHERE |= {("GET", CHAT, 101), ("GET", FEED, 200)}
ELSEWHERE |= {(method, path, 503) for method, path in OPERATIONS if path.startswith(("/boards", "/mentions"))}


@pytest.fixture
def notice(request: pytest.FixtureRequest, client: httpx.Client, service: Service) -> Iterator[dict[str, str]]:
    """A board with a message, for the paths that have them, and names to use."""
    path = request.node.callspec.params["path"]
    with made(client, service) if path.startswith("/boards") else nullcontext({}) as values:
        yield values


def test_the_contract_is_openapi() -> None:
    validate(CONTRACT)


def test_every_documented_status_is_asked_for() -> None:
    documented = {
        (method, path, int(status)) for method, path in OPERATIONS for status in CONTRACT["paths"][path][method.lower()]["responses"]
    }
    asked = {(method, path, status) for method, path, status, _ in KNOWN}
    assert documented - ELSEWHERE == asked | {("GET", path, 501) for path in SOCKETS}


@pytest.mark.parametrize(("method", "path", "status", "parts"), KNOWN, ids=lambda value: str(value)[:12])
def test_known_request(service: Service, notice: dict[str, str], method: str, path: str, status: int, parts: dict[str, Any]) -> None:
    case = SCHEMA[path][method].Case(**filled(parts, notice))
    answer = case.call(base_url=service.url)
    assert answer.status_code == (501 if path in SOCKETS and status == 426 and service.interface == "WSGI" else status)
    case.validate_response(answer, excluded_checks=[not_a_server_error, negative_data_rejection])


def quick(contract: dict[str, Any]) -> dict[str, Any]:
    """The contract with short waits and little work, to generate valid requests from."""
    short = deepcopy(contract)
    short["components"]["schemas"]["Seconds"]["maximum"] = 0.01
    parameters = short["components"]["parameters"]
    parameters["Interval"]["schema"]["maximum"] = 0.001
    parameters["Interval"]["required"] = True  # its default waits
    parameters["Chunks"]["schema"]["maximum"] = 20
    short["paths"]["/cpu"]["get"]["parameters"][0]["schema"]["maximum"] = 5
    for parameter, most in zip(short["paths"]["/query"]["get"]["parameters"], (0.001, 20, 5), strict=True):
        parameter["schema"]["maximum"] = most
    return short


def here(notice: dict[str, str]) -> dict[str, Any]:
    """The same, of a board and a message that are there."""
    short = quick(CONTRACT)
    parameters = short["components"]["parameters"]
    for name in ("board", "message"):
        parameters[name.title()]["schema"] = {"const": int(notice[name])}
    parameters["IfMatch"]["schema"] = {"const": "*"}
    short["components"]["schemas"]["Words"]["maxLength"] = 50  # long ones are slow to generate
    for path in ("/boards", "/boards/{board}/messages"):
        del short["paths"][path]["post"]["parameters"]  # the key, since one that has come before is refused
    return short


EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "25"))
VALID = schemathesis.openapi.from_dict(quick(CONTRACT))
GENERATED = [operation for operation in OPERATIONS if operation[1] not in (*SOCKETS, FEED)]
REFUSED = [
    ("GET", path) for path in ("/wait", "/upstream", "/cpu", "/block", "/query", "/listing", "/stream", "/events", "/boards", "/mentions")
]
REFUSED += [("POST", "/echo"), ("POST", "/boards")]


def check(
    operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, service: Service, client: httpx.Client, **options: Any
) -> None:
    """Send generated requests and hold each answer to the contract. The boards that they make are deleted."""
    created = []
    examples = max(1, EXAMPLES // 3) if "board" in operation.path else EXAMPLES  # tests/differential asks the notice board more

    @settings(max_examples=examples, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode))
    def send(case: Case[Any]) -> None:
        answer = case.call_and_validate(base_url=service.url, **options)
        if answer.status_code == 201:
            created.append(answer.headers["location"][0])

    try:
        send()
    finally:
        for location in created:
            client.delete(f"{TARGET}{location}", headers=ANY)


@pytest.mark.parametrize(("method", "path"), GENERATED)
def test_generated_valid_requests(service: Service, client: httpx.Client, notice: dict[str, str], method: str, path: str) -> None:
    schema = schemathesis.openapi.from_dict(here(notice)) if notice else VALID
    # JSON Schema takes 2.0 for an integer.
    excluded = [positive_data_acceptance] if path == "/echo" else []
    check(schema[path][method], GenerationMode.POSITIVE, service, client, excluded_checks=excluded)


@pytest.mark.parametrize(("method", "path"), REFUSED)
def test_generated_invalid_requests(service: Service, client: httpx.Client, method: str, path: str) -> None:
    # What a schema excludes may still be taken: see the request body of /echo.
    check(SCHEMA[path][method], GenerationMode.NEGATIVE, service, client, excluded_checks=[negative_data_rejection])
