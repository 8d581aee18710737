"""Real answers checked against services/openapi.yaml: known requests with their status, then generated requests."""

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
from hypothesis import HealthCheck, assume, given, settings
from openapi_spec_validator import validate
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    response_headers_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.boards import ANY, made
from tests.conformance.known import KNOWN, filled
from tests.stack import TARGET, Service

CONTRACT: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "services/openapi.yaml").read_text())
SCHEMA = schemathesis.openapi.from_dict(CONTRACT)
OPERATIONS = [(method.upper(), path) for path, operations in CONTRACT["paths"].items() for method in operations if method != "parameters"]

# Covered by test_websocket.py, test_chat.py, test_upload.py and test_cache.py, or caused only by a broken dependency.
ELSEWHERE = {("GET", "/ws", 101), ("POST", "/upload", 413), ("GET", "/readyz", 503), ("GET", "/upstream", 502), ("GET", "/upstream", 504)}
ELSEWHERE |= {("POST", "/boards/{board}/messages", status) for status in (409, 429)}
ELSEWHERE |= {("POST", "/boards", 429), ("GET", "/cache", 503)}
CHAT, FEED = "/boards/{board}/chat", "/boards/{board}/feed"
SOCKETS = ("/ws", CHAT)
ELSEWHERE |= {("GET", CHAT, 101), ("GET", FEED, 200)}
ELSEWHERE |= {(method, path, 503) for method, path in OPERATIONS if path.startswith(("/boards", "/mentions"))}


@pytest.fixture
def notice(request: pytest.FixtureRequest, client: httpx.Client, service: Service) -> Iterator[dict[str, str]]:
    """A board with a message, for the paths that need them, and names to use."""
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
    """Return the contract with short waits and little work, to generate valid requests from."""
    short = deepcopy(contract)
    short["components"]["schemas"]["Seconds"]["maximum"] = 0.01
    parameters = short["components"]["parameters"]
    parameters["Interval"]["schema"]["maximum"] = 0.001
    parameters["Interval"]["required"] = True  # the default interval waits
    parameters["Chunks"]["schema"]["maximum"] = 20
    short["paths"]["/cpu"]["get"]["parameters"][0]["schema"]["maximum"] = 5
    for parameter, most in zip(short["paths"]["/query"]["get"]["parameters"], (0.001, 20, 5), strict=True):
        parameter["schema"]["maximum"] = most
    return short


def on_the_board(contract: dict[str, Any], notice: dict[str, str]) -> dict[str, Any]:
    """Return the contract with the ids of an existing board and message."""
    here = deepcopy(contract)
    for name in ("board", "message"):
        if name in notice:
            here["components"]["parameters"][name.title()]["schema"] = {"const": int(notice[name])}
    return here


def acceptable(notice: dict[str, str]) -> dict[str, Any]:
    """Return the contract, limited to requests that can be sent repeatedly."""
    short = on_the_board(quick(CONTRACT), notice)
    short["components"]["parameters"]["IfMatch"]["schema"] = {"const": "*"}
    short["components"]["schemas"]["Words"]["maxLength"] = 50  # long texts are slow to generate
    for path in ("/boards", "/boards/{board}/messages"):
        del short["paths"][path]["post"]["parameters"]  # the Idempotency-Key, since a key that was used before is rejected
    return short


EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "25"))
GENERATED = [operation for operation in OPERATIONS if operation[1] not in (*SOCKETS, FEED)]


def takes_something(method: str, path: str) -> bool:
    """Return whether an operation has a parameter or a body with a schema, and so has something to reject."""
    operation = CONTRACT["paths"][path][method.lower()]
    bodies = operation.get("requestBody", {}).get("content", {}).values()
    return bool(CONTRACT["paths"][path].get("parameters") or operation.get("parameters") or any("schema" in body for body in bodies))


REFUSING = [(method, path) for method, path in OPERATIONS if path not in SOCKETS and takes_something(method, path)]
# Answers that Schemathesis wrongly reports as faults: the check, the status, and why the answer is correct.
EXCEPTIONS = [
    (
        negative_data_rejection,
        413,
        "A body beyond BODY_LIMIT is refused before anything in it is read; Schemathesis has no 413 among refusals.",
    ),
    (
        status_code_conformance,
        400,
        "BadRequest, to a control character in a path, is documented once for every path (components/responses).",
    ),
    (
        response_headers_conformance,
        400,
        "The same: it is Nginx's, without Server-Timing. Known requests hold a service's own 400 to its headers.",
    ),
    (unsupported_method, 400, "The same: Nginx refuses such a path, whatever the method."),
]


def hold(case: Case[Any], service: Service, client: httpx.Client) -> None:
    """Send a request, check the answer against the contract, and delete the board or message that it created."""
    answer = case.call(base_url=service.url)
    if answer.status_code == 201:
        client.delete(f"{TARGET}{answer.headers['location'][0]}", headers=ANY)
    case.validate_response(answer, excluded_checks=[check for check, status, _ in EXCEPTIONS if status == answer.status_code])


def others(case: Case[Any], notice: dict[str, str]) -> bool:
    """Return whether a path has an id that may belong to another test, so that its content is unknown."""
    ids = [str(value) for name, value in (case.path_parameters or {}).items() if name in ("board", "message")]
    return any(value.isdecimal() and value not in notice.values() for value in ids)


def check(
    operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, service: Service, client: httpx.Client, notice: dict[str, str]
) -> None:
    """Send generated requests, the same ones at every run."""
    examples = max(1, EXAMPLES // 3) if "board" in operation.path else EXAMPLES  # tests/differential covers the notice board in more depth

    @settings(max_examples=examples, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode))
    def send(case: Case[Any]) -> None:
        assume(not others(case, notice))
        hold(case, service, client)

    send()


@pytest.mark.parametrize(("method", "path"), GENERATED)
def test_generated_valid_requests(service: Service, client: httpx.Client, notice: dict[str, str], method: str, path: str) -> None:
    schema = schemathesis.openapi.from_dict(acceptable(notice))
    check(schema[path][method], GenerationMode.POSITIVE, service, client, notice)


@pytest.mark.parametrize(("method", "path"), REFUSING)
def test_generated_invalid_requests(service: Service, client: httpx.Client, notice: dict[str, str], method: str, path: str) -> None:
    schema = schemathesis.openapi.from_dict(on_the_board(CONTRACT, notice))
    check(schema[path][method], GenerationMode.NEGATIVE, service, client, notice)


@pytest.mark.parametrize(("method", "path"), GENERATED)
def test_every_bound_and_type(service: Service, client: httpx.Client, notice: dict[str, str], method: str, path: str) -> None:
    """The cases that Schemathesis derives from a schema one by one.

    Each type replaces every other type, and each bound is tried on both sides.
    """
    for mode, contract in ((GenerationMode.POSITIVE, acceptable(notice)), (GenerationMode.NEGATIVE, on_the_board(CONTRACT, notice))):
        schema = schemathesis.openapi.from_dict(contract)
        operation = schema[path][method]
        for case in schema.iter_coverage_cases(
            operation, generation_modes=[mode], generation_config=schema.config.generation_for(operation=operation)
        ):
            if not others(case, notice):
                hold(case, service, client)
