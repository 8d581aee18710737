"""Waiting: what holds a worker, and what only holds a request.

Time is compared with what must have passed, or with an order; never with how fast a machine is.
"""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

import httpx
import pytest

from tests.stack import EVENT_LOOPS, SERVICES, Service, app_seconds

FLASK = SERVICES[0]
# A timer of uvloop may be early: it counts whole milliseconds, from the beginning of the loop's turn.
EARLY = 0.002


def at_once(paths: list[str]) -> tuple[float, list[tuple[str, httpx.Response]]]:
    """Send a GET for every path at the same time; seconds from the first until the last answer, and the answers in their order."""
    barrier = threading.Barrier(len(paths))
    begun: list[float] = []  # each thread's own: another may be late to look at the clock

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


@pytest.mark.parametrize(("path", "member"), [("/wait", "waited"), ("/block", "blocked")])
def test_a_wait_takes_its_time(client: httpx.Client, service: Service, path: str, member: str) -> None:
    answer = client.get(f"{service.url}{path}", params={"seconds": 0.25})
    assert answer.json() == {member: 0.25}
    assert app_seconds(answer) >= 0.25 - EARLY


@pytest.mark.parametrize(("sent", "read"), [("0", 0.0), ("0.0", 0.0), ("1e-3", 0.001), (".002", 0.002), ("-0.0", -0.0)])
def test_a_wait_is_any_number(client: httpx.Client, service: Service, sent: str, read: float) -> None:
    assert client.get(f"{service.url}/wait", params={"seconds": sent}).json() == {"waited": read}


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
def test_short_waits_overtake_long_ones_on_an_event_loop(service: Service) -> None:
    long, short = f"{service.url}/wait?seconds=2", f"{service.url}/wait?seconds=0.1"
    _, answers = at_once([long] * 20 + [short] * 20)
    assert [path for path, _ in answers] == [short] * 20 + [long] * 20


@pytest.mark.parametrize("path", ["/wait", "/block"])
def test_sync_workers_hold_one_request_each(client: httpx.Client, path: str) -> None:
    slots = client.get(f"{FLASK.url}/").json()["slots"]
    took, answers = at_once([f"{FLASK.url}{path}?seconds=0.5"] * (slots + 1))
    assert took >= 1.0  # one had to wait until another was done
    assert min(app_seconds(answer) for _, answer in answers) < 1.0  # and none knows of it: it waited before the application


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
def test_a_blocking_call_holds_up_all_others_on_its_loop(service: Service) -> None:
    yielding, _ = at_once([f"{service.url}/wait?seconds=0.1"] * 40)
    blocking, _ = at_once([f"{service.url}/block?seconds=0.1"] * 40)
    assert blocking > 2 * yielding  # 40 a process, by the number of processes; up to a dozen of them it stays above 0.3 s


def test_an_offloaded_call_takes_its_time(client: httpx.Client, service: Service) -> None:
    answer = client.get(f"{service.url}/block", params={"seconds": 0.25, "offload": "true"})
    assert answer.json() == {"blocked": 0.25}
    assert app_seconds(answer) >= 0.25


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
def test_an_offloaded_call_lets_the_loop_go_on(service: Service) -> None:
    """As many others as there may be loops, so that one of them meets the call on its loop."""
    call, others = f"{service.url}/block?seconds=2&offload=true", f"{service.url}/wait?seconds=0.1"
    _, answers = at_once([call] + [others] * 40)
    assert [path for path, _ in answers] == [others] * 40 + [call]


def test_upstream_calls_are_made_in_turn_or_together(client: httpx.Client, service: Service) -> None:
    answer = client.get(f"{service.url}/upstream", params={"seconds": 0.3, "calls": 10})
    assert answer.json() == {"calls": 10, "seconds": 0.3}
    if service.interface == "WSGI":
        assert app_seconds(answer) >= 10 * (0.3 - EARLY)
    else:
        assert 0.3 - EARLY <= app_seconds(answer) < 2.0


def test_upstream_makes_one_call_unless_told(client: httpx.Client, service: Service) -> None:
    assert client.get(f"{service.url}/upstream", params={"seconds": 0}).json() == {"calls": 1, "seconds": 0.0}


def test_many_upstream_calls_at_once(service: Service) -> None:
    _, answers = at_once([f"{service.url}/upstream?seconds=0.01&calls=20"] * 10)
    assert len(answers) == 10
