"""Waiting: what occupies a worker, and what occupies only a request.

The tests compare time with a minimum, or check an order; they never depend on the speed of a machine.
"""

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from loadtest.stack import look_at
from tests.stack import EARLY, EVENT_LOOPS, HOST, PORT, SERVICES, TARGET, Service, app_seconds

FLASK = SERVICES[0]


def at_once(paths: list[str]) -> tuple[float, list[tuple[str, httpx.Response]]]:
    """Send a GET for every path concurrently.

    Return the seconds from the first request to the last answer, and the answers in order of arrival.
    """
    barrier = threading.Barrier(len(paths))
    begun: list[float] = []  # recorded by each thread itself: another thread may read the clock late

    def get(path: str) -> httpx.Response:
        with httpx.Client(timeout=60, trust_env=False) as client:
            barrier.wait()
            begun.append(time.monotonic())
            return client.get(path)

    with ThreadPoolExecutor(len(paths)) as pool:
        sent: dict[Future[httpx.Response], str] = {pool.submit(get, path): path for path in paths}
        answers = [(sent[done], done.result()) for done in as_completed(sent)]
        took = time.monotonic() - min(begun)
    assert all(answer.status_code == 200 for _, answer in answers)
    return took, answers


@contextmanager
def held(service: Service, path: str, number: int) -> Iterator[Callable[[], int]]:
    """Send GETs that take seconds, and yield the number of those without an answer. Disconnect at the end."""
    with ExitStack() as stack:
        waiting = [stack.enter_context(socket.create_connection((HOST, PORT), timeout=60)) for _ in range(number)]
        for one in waiting:
            one.sendall(f"GET /{service}{path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        yield lambda: number - len(select.select(waiting, [], [], 0)[0])


@pytest.mark.parametrize(("path", "member"), [("/wait", "waited"), ("/block", "blocked")])
def test_a_wait_takes_its_time(client: httpx.Client, service: Service, path: str, member: str) -> None:
    answer = client.get(f"{service.url}{path}", params={"seconds": 0.25})
    assert answer.json() == {member: 0.25}
    assert app_seconds(answer) >= 0.25 - EARLY


@pytest.mark.parametrize(("sent", "read"), [("0", 0.0), ("0.0", 0.0), ("1e-3", 0.001), ("2e-3", 0.002), ("-0.0", -0.0)])
def test_a_wait_is_any_number(client: httpx.Client, service: Service, sent: str, read: float) -> None:
    assert client.get(f"{service.url}/wait", params={"seconds": sent}).json() == {"waited": read}


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
def test_short_waits_overtake_long_ones_on_an_event_loop(service: Service) -> None:
    with held(service, "/wait?seconds=8", 20) as unanswered:
        at_once([f"{service.url}/wait?seconds=0.1"] * 20)
        assert unanswered() == 20


@pytest.mark.parametrize("path", ["/wait", "/block"])
def test_sync_workers_hold_one_request_each(client: httpx.Client, path: str) -> None:
    slots = client.get(f"{FLASK.url}/").json()["slots"]
    took, answers = at_once([f"{FLASK.url}{path}?seconds=0.5"] * (slots + 1))
    assert took >= 1.0  # one request had to wait until another was done
    assert min(app_seconds(answer) for _, answer in answers) < 1.0  # the application does not see the wait: it comes before


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
def test_a_blocking_call_holds_up_all_others_on_its_loop(service: Service) -> None:
    took, _ = at_once([f"{service.url}/block?seconds=0.1"] * 40)
    loops = look_at(TARGET, service.name).processes
    assert took >= 40 / loops * (0.1 - EARLY)  # the loop with the most calls runs them one at a time


def test_an_offloaded_call_takes_its_time(client: httpx.Client, service: Service) -> None:
    answer = client.get(f"{service.url}/block", params={"seconds": 0.25, "offload": "true"})
    assert answer.json() == {"blocked": 0.25}
    assert app_seconds(answer) >= 0.25


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
def test_an_offloaded_call_lets_the_loop_go_on(service: Service) -> None:
    """Send as many other requests as there may be loops, so that one of them is on the loop of the call."""
    with held(service, "/block?seconds=8&offload=true", 1) as unanswered:
        at_once([f"{service.url}/wait?seconds=0.1"] * 40)
        assert unanswered() == 1


def test_upstream_calls_are_made_in_turn_or_together(client: httpx.Client, service: Service) -> None:
    """In turn, the calls take at least the sum of the waits. Together they take less, which leaves a busy machine 19 seconds."""
    calls, seconds = (10, 0.2) if service.interface == "WSGI" else (20, 1.0)
    answer = client.get(f"{service.url}/upstream", params={"seconds": seconds, "calls": calls})
    assert answer.json() == {"calls": calls, "seconds": seconds}
    in_turn = calls * (seconds - EARLY)
    assert app_seconds(answer) >= seconds - EARLY
    assert (app_seconds(answer) >= in_turn) is (service.interface == "WSGI")


def test_upstream_makes_one_call_unless_told(client: httpx.Client, service: Service) -> None:
    assert client.get(f"{service.url}/upstream", params={"seconds": 0}).json() == {"calls": 1, "seconds": 0.0}


def test_many_upstream_calls_at_once(service: Service) -> None:
    _, answers = at_once([f"{service.url}/upstream?seconds=0.01&calls=20"] * 10)
    assert len(answers) == 10
