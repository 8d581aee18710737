"""What the running stack reports to the page's live view (docs/live.md)."""

import shutil
import socket
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from loadtest.stack import look_at
from runtime import proc
from runtime.choice import running
from runtime.local import stack as runtime_local
from tests.conftest import ROOT
from tests.live import LIVE, Event, wait_for, watching
from tests.measured import Measure
from tests.stack import HOST, PORT, SERVICES, TARGET, Service
from tests.waiting import PATIENCE, until

FIELDS = ["rps", "p50", "p95", "p99", "errors", "refused", "busy", "slots", "sockets", "lag", "lag_max", "memory", "processes"]
CHECKS = ("healthz", "readyz")


def test_events_come_one_by_one_with_every_number() -> None:
    with watching() as events:
        seen = [(next(events), time.time()) for _ in range(4)]
    for event, came in seen:
        assert list(event) == ["time", "load", "services"]
        assert {name: list(numbers) for name, numbers in event["services"].items()} == dict.fromkeys(("flask", "fastapi", "django"), FIELDS)
        assert event["time"] <= came
    times = [event["time"] for event, _ in seen]
    assert times == sorted(set(times))


def test_two_who_watch_see_the_same() -> None:
    with watching() as one, watching() as other:
        first = next(one)
        assert wait_for(other, lambda event: event["time"] >= first["time"]) == first


def ask(url: str) -> httpx.Response:
    return httpx.get(url, timeout=PATIENCE, trust_env=False)


def busy(event: Event) -> tuple[int, int]:
    """Return the numbers of requests in flight in Flask and in FastAPI."""
    return event["services"]["flask"]["busy"], event["services"]["fastapi"]["busy"]


def test_busy_rises_to_the_slots_and_no_further(client: httpx.Client) -> None:
    slots = client.get(f"{TARGET}/flask/").json()["slots"]
    with watching() as events, ThreadPoolExecutor(2 * slots) as pool:
        idle = wait_for(events, lambda event: event["services"]["flask"]["busy"] == 0)
        assert (idle["services"]["flask"]["slots"], idle["services"]["fastapi"]["slots"]) == (slots, None)
        # Four seconds: with two events a second, one event shows all of them together, even on a busy machine.
        answers = [pool.submit(ask, f"{TARGET}/{name}/wait?seconds=4") for name in ("flask", "fastapi") for _ in range(slots)]
        wait_for(events, lambda event: busy(event) == (slots, slots))
        answers += [pool.submit(ask, f"{TARGET}/flask/wait?seconds=0.1") for _ in range(slots)]
        most = 0
        while not all(answer.done() for answer in answers):
            most = max(most, busy(next(events))[0])
        assert {answer.result().status_code for answer in answers} == {200}
    assert most <= slots


@pytest.mark.measured
def test_events_come_twice_a_second_and_at_once(measure: Measure) -> None:
    with watching() as events:
        next(events)
        seen = [(next(events), time.time()) for _ in range(3)]
    late = max(came - event["time"] for event, came in seen)
    measure.that(late < 0.4, f"an event was read {late:.2f} s after it was made")
    took = seen[-1][0]["time"] - seen[0][0]["time"]
    measure.that(0.8 < took < 1.6, f"two events took {took:.2f} s")


@pytest.mark.measured
def test_rates_and_percentiles_are_those_that_a_client_measured(client: httpx.Client, measure: Measure) -> None:
    def took(seconds: float) -> float:
        return client.get(f"{TARGET}/fastapi/wait?seconds={seconds}").raise_for_status().elapsed.total_seconds()

    waits = [0.1] * 16 + [0.3] * 3 + [0.6]
    with watching() as events, ThreadPoolExecutor(len(waits)) as pool:
        wait_for(events, lambda event: event["services"]["fastapi"]["rps"] == 0)
        measured = sorted(pool.map(took, waits))
        event = wait_for(events, lambda event: event["services"]["fastapi"]["rps"] > 0)
        while (following := next(events))["services"]["fastapi"]["rps"] >= event["services"]["fastapi"]["rps"]:
            event = following
    seen = event["services"]["fastapi"]
    assert (seen["errors"], seen["refused"]) == (0, 0)
    measure.that(seen["rps"] == len(waits) / 2, f"{seen['rps']} requests a second in a window of two seconds that holds {len(waits)}")
    for name, place in (("p50", 9), ("p95", 18), ("p99", 19)):
        apart = abs(seen[name] - measured[place])
        measure.that(apart <= 0.08, f"{name} is {apart:.3f} s from what the client measured")


def test_a_blocked_loop_is_late(client: httpx.Client) -> None:
    with watching() as events, ThreadPoolExecutor(1) as pool:
        calm = wait_for(events, lambda event: event["services"]["fastapi"]["lag"] is not None)
        assert calm["services"]["flask"]["lag"] is None
        blocked = pool.submit(client.get, f"{TARGET}/fastapi/block?seconds=0.8")
        # Half a second before the call ends, an event that shows the lag has already arrived.
        late = wait_for(events, lambda event: event["services"]["fastapi"]["lag_max"] > 0.2)
        assert late["services"]["fastapi"]["lag"] <= late["services"]["fastapi"]["lag_max"]
        assert blocked.result().status_code == 200


def inside(service: str, program: str) -> str:
    """Return the output of a Python program that runs beside a service's processes: on this machine, or in its container."""
    if running()[0] is runtime_local:
        command = [sys.executable, "-c", program]
    else:
        command = ["docker", "compose", "exec", "-T", service, "python", "-c", program]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout


PSS = """
total = 0
for pid in {pids}:
    total += next(int(line.split()[1]) for line in open(f"/proc/{{pid}}/smaps_rollup") if line.startswith("Pss:"))
print(total * 1024)
"""


def flask_pids(count: int) -> set[int]:
    """Return the process ids of at least ``count`` of Flask's workers, as the workers report them."""
    found = set[int]()

    def asked() -> bool:
        found.update(answer.json()["pid"] for answer in pool.map(lambda _: ask(f"{TARGET}/flask/"), range(16)))
        return len(found) >= count

    with ThreadPoolExecutor(8) as pool:
        until(f"{count} workers have answered", asked)
    return found


def test_processes_and_memory_are_what_the_kernel_says() -> None:
    loops = {name: look_at(TARGET, name).processes for name in ("fastapi", "django")}
    with watching() as events:
        seen = next(events)["services"]
    assert seen["flask"]["processes"] == seen["flask"]["slots"] == look_at(TARGET, "flask").slots
    assert {name: seen[name]["processes"] for name in loops} == loops
    if proc.SUPPORTED:
        pids = sorted(flask_pids(seen["flask"]["slots"]))
        assert seen["flask"]["memory"] == pytest.approx(int(inside("flask", PSS.format(pids=pids))), rel=0.1)


def test_a_worker_that_was_killed_is_forgotten_with_what_it_held(client: httpx.Client) -> None:
    slots = client.get(f"{TARGET}/flask/").json()["slots"]
    before = flask_pids(slots)
    with watching() as events:
        with socket.create_connection((HOST, PORT)) as leaving:  # after this client leaves, its request is not retried
            leaving.sendall(b"GET /flask/wait?seconds=20 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            wait_for(events, lambda event: event["services"]["flask"]["busy"] == 1)
        [holding] = before - flask_pids(slots - 1)
        inside("flask", f"import os; os.kill({holding}, 9)")
        wait_for(events, lambda event: (event["services"]["flask"]["busy"], event["services"]["flask"]["processes"]) == (0, slots))
    assert holding not in flask_pids(slots)


def lines_of(request_id: str) -> list[dict[str, Any]]:
    """Return the log lines of a request, as soon as they exist."""
    until(f"the log has a line of {request_id}", lambda: ask(f"{LIVE}/requests/{request_id}").status_code != 404)
    answer = ask(f"{LIVE}/requests/{request_id}")
    assert answer.status_code == 200
    lines: list[dict[str, Any]] = answer.json()["lines"]
    return lines


def test_a_request_that_was_just_sent_is_found(client: httpx.Client, service: Service) -> None:
    request_id = f"live-{uuid.uuid4()}"
    began = time.time()
    client.get(f"{service.url}/wait?seconds=0.1", headers={"X-Request-ID": request_id})
    took = time.time() - began
    [line] = lines_of(request_id)
    assert (line["request_id"], line["uri"], line["status"]) == (request_id, f"/{service}/wait?seconds=0.1", 200)
    assert 0.1 <= line["request_time"] <= took + 0.002
    assert began < line["ended"]


def test_several_requests_are_found_at_once(client: httpx.Client) -> None:
    ids = [f"live-{uuid.uuid4()}" for _ in range(80)]  # as many as a race sends to one service
    for request_id in ids:
        client.get(f"{TARGET}/fastapi/json", headers={"X-Request-ID": request_id})
    assert [line["request_id"] for line in lines_of(",".join(ids))] == ids
    # After it has waited a second for the missing id.
    assert [line["request_id"] for line in lines_of(f"{ids[0]},nobody-has-it")] == ids[:1]


def test_what_is_there_for_watching_is_not_in_the_log(client: httpx.Client) -> None:
    watched = [f"{TARGET}/healthz", f"{LIVE}/events/nothing", *(f"{service.url}/{check}" for service in SERVICES for check in CHECKS)]
    ids = {f"live-{uuid.uuid4()}": path for path in [*watched, f"{TARGET}/flask/json"]}
    for request_id, path in ids.items():
        client.get(path, headers={"X-Request-ID": request_id})
    *others, last = ids
    lines_of(last)
    with ThreadPoolExecutor(len(others)) as pool:  # each waits for a line that may still come
        assert set(pool.map(lambda request_id: client.get(f"{LIVE}/requests/{request_id}").status_code, others)) == {404}


def test_what_a_load_generator_says_is_shown_and_forgotten(client: httpx.Client) -> None:
    load = {"users": 40, "name": "make load, Grüße"}
    with watching() as events:
        assert next(events)["load"] is None
        told = time.time()
        said = client.post(f"{LIVE}/load", json=load)
        assert (said.status_code, said.content) == (204, b"")
        wait_for(events, lambda event: event["load"] == load)
        assert wait_for(events, lambda event: event["load"] is None)["time"] - told > 1.5  # a report every second would keep it shown


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "says"),
    [
        ("GET", "/requests/short", "", {}, 404, "There is nothing at this path."),
        ("GET", "/requests/with%20a%20space", "", {}, 404, "There is nothing at this path."),
        ("GET", "/requests/an-id-of-one,short", "", {}, 404, "There is nothing at this path."),
        ("GET", "/requests/nobody-has-it", "", {}, 404, "No line of the log has this request id"),
        ("POST", "/requests/nobody-has-it", "", {}, 405, "the Allow header lists"),
        ("GET", "/", "", {}, 404, "There is nothing at this path."),
        ("POST", "/events", "", {}, 405, "the Allow header lists"),
        ("GET", "/load", "", {}, 405, "the Allow header lists"),
        ("POST", "/load", "{", JSON, 400, "The body is not valid JSON"),
        ("POST", "/load", "{}", {"Content-Type": "text/plain"}, 415, "send Content-Type: application/json"),
        ("POST", "/load", '{"users":-1,"name":"n"}', JSON, 422, "users: Input should be greater than or equal to 0"),
        ("POST", "/load", '{"users":"1","name":""}', JSON, 422, "name: String should have at least 1 character; users: "),
        ("POST", "/load", '{"users":1,"name":"n","more":1}', JSON, 422, "more: Extra inputs are not permitted"),
        ("POST", "/load", " " * 65537, JSON, 413, "The body is larger than 65536 bytes."),
    ],
)
def test_what_is_wrong_is_a_problem(
    client: httpx.Client, method: str, path: str, body: str, headers: dict[str, str], status: int, says: str
) -> None:
    answer = client.request(method, LIVE + path, content=body, headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert says in answer.json()["detail"]
    assert (status == 405) is ("Allow" in answer.headers)


def test_a_head_of_the_events_ends(client: httpx.Client) -> None:
    answer = client.head(f"{LIVE}/events")
    assert (answer.status_code, answer.headers["Content-Type"], answer.content) == (200, "text/event-stream", b"")


def test_the_page_is_told_the_profile(client: httpx.Client) -> None:
    answer = client.get(f"{TARGET}/page.json")
    assert (answer.headers["Content-Type"], answer.json()) == ("application/json", {"profile": "development"})


def test_reports_are_listed_and_may_do_nothing_but_look_as_they_look(client: httpx.Client) -> None:
    folder = ROOT / "results" / f"test-{uuid.uuid4()}"
    folder.mkdir()
    try:
        (folder / "report.html").write_text("<style>p { color: red }</style><p>")
        listed = client.get(f"{TARGET}/results/")
        assert listed.headers["Content-Type"] == "application/json"
        assert (folder.name, "directory") in {(one["name"], one["type"]) for one in listed.json()}
        assert [one["name"] for one in client.get(f"{TARGET}/results/{folder.name}/").json()] == ["report.html"]
        report = client.get(f"{TARGET}/results/{folder.name}/report.html")
        assert (report.status_code, report.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert report.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline';")
        assert report.headers["Cache-Control"] == "no-cache"
        again = client.get(report.url, headers={"If-None-Match": report.headers["ETag"]})
        assert again.status_code == 304
        gone = client.get(f"{TARGET}/results/{folder.name}/nothing")
        assert (gone.status_code, gone.headers["Content-Type"]) == (404, "application/problem+json")
    finally:
        shutil.rmtree(folder)
