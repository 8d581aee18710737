"""Every test here talks to the running stack, as its clients do."""

import os
from collections.abc import Iterator

import httpx
import pytest

from tests.stack import SERVICES, Service


def pytest_configure(config: pytest.Config) -> None:
    number = os.environ.get("MALFORMED_REQUESTS", "1500")
    if not (number.isdecimal() and int(number) >= 1000):  # fewer would leave out families of requests
        raise pytest.UsageError(f"MALFORMED_REQUESTS is {number!r}; accepted: a whole number of at least 1000")


@pytest.fixture(autouse=True)
def _running(stack: None) -> None:
    """Start the stack if it is not running."""


@pytest.fixture(params=SERVICES, ids=str)
def service(request: pytest.FixtureRequest) -> Service:
    """Each of the three services in turn."""
    assert isinstance(request.param, Service)
    return request.param


@pytest.fixture(scope="session")
def client() -> Iterator[httpx.Client]:
    """An HTTP/1.1 client with keep-alive connections."""
    with httpx.Client(timeout=60, trust_env=False) as client:
        yield client
