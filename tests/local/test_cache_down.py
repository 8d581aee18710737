"""Valkey unavailable: killed, or paused, so that it accepts connections and does not answer.

The services continue without it, and notice its return.
"""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from runtime.local import supervisor
from tests.measured import Measure
from tests.stack import SERVICES, Service, app_seconds
from tests.waiting import until
from twogates.cache.common import ANSWER_SECONDS

BYPASS = "twogates; fwd=bypass; detail=down"


@pytest.fixture(autouse=True)
def _running(stack: None) -> None:
    """Start the stack if it is not running."""


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=60, trust_env=False) as client:
        yield client


def pid() -> int:
    """Return Valkey's process id."""
    return next(int(process["pid"]) for process in supervisor.connect().getAllProcessInfo() if process["name"] == "valkey")


@contextmanager
def paused() -> Iterator[None]:
    process = pid()
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def ready(client: httpx.Client) -> bool:
    return all(client.get(f"{service.url}/readyz").status_code == 200 for service in SERVICES)


def used(client: httpx.Client) -> bool:
    """Return whether every service uses the cache, in all processes that these requests happen to reach."""
    asked = (client.get(f"{service.url}/boards/1/summary") for service in SERVICES for _ in range(8))
    return all(answer.headers["Cache-Status"] != BYPASS for answer in asked)


def test_one_that_says_nothing_is_not_waited_for(client: httpx.Client) -> None:
    with paused():
        for service in SERVICES:
            answers = [client.get(f"{service.url}/boards/1/summary") for _ in range(40)]
            assert {(answer.status_code, answer.headers["Cache-Status"]) for answer in answers} == {(200, BYPASS)}
            assert len({answer.content for answer in answers}) == 1
    until("every service uses the cache", lambda: used(client))


@pytest.mark.measured
def test_few_requests_wait_for_one_that_says_nothing(client: httpx.Client, measure: Measure) -> None:
    with paused():
        for service in SERVICES:
            waited = [app_seconds(client.get(f"{service.url}/boards/1/summary")) >= ANSWER_SECONDS for _ in range(40)]
            # There are at most four processes. In each, the requests that arrive before its probe times out too wait: two or three.
            measure.that(sum(waited) <= 12, f"{sum(waited)} of {len(waited)} requests to {service} waited for Valkey")
    until("every service uses the cache", lambda: used(client))


@pytest.mark.measured
def test_many_at_once_wait_no_longer_than_one(client: httpx.Client, measure: Measure) -> None:
    def ask(turn: int) -> httpx.Response:
        return client.get(f"{SERVICES[turn % 3].url}/boards/1/summary")

    with paused(), ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(ask, range(12)))
    assert {answer.status_code for answer in answers} == {200}
    longest = max(map(app_seconds, answers))
    measure.that(longest < 2, f"the longest took {longest:.2f} s")
    until("every service is ready", lambda: ready(client))


def test_what_needs_it_says_so_and_what_does_not_goes_on(client: httpx.Client) -> None:
    with paused():
        for service in SERVICES:
            until(f"{service} says that the cache is down", lambda service=service: not_ready(client, service))  # type: ignore[misc]
            assert client.get(f"{service.url}/healthz").status_code == 200
            counts = client.get(f"{service.url}/cache")
            assert (counts.status_code, counts.headers["Retry-After"]) == (503, "1")
            assert client.post(f"{service.url}/boards/1/messages", json={"author": "Ada", "text": "t"}).status_code == 201
    until("every service is ready", lambda: ready(client))


def not_ready(client: httpx.Client, service: Service) -> bool:
    answer = client.get(f"{service.url}/readyz")
    return answer.status_code == 503 and answer.json()["dependencies"] == {"upstream": "up", "database": "up", "cache": "down"}


def test_one_that_is_killed_is_missed_by_nobody(client: httpx.Client) -> None:
    before = pid()
    os.kill(before, signal.SIGKILL)
    statuses = set()

    def is_back() -> bool:
        statuses.update(client.get(f"{service.url}/boards/1/summary").status_code for service in SERVICES)
        return pid() not in (0, before) and ready(client)

    until("Valkey is back and every service is ready", is_back)
    assert statuses == {200}
    until("every service uses the cache", lambda: used(client))  # although it has lost the scripts
