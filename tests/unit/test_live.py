"""What the monitor computes from Nginx's log and the processes' counters, and what it leaves out during a measurement."""

import asyncio
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import aclosing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from runtime.live import MONITOR
from runtime.local.nginx import rendered
from runtime.local.plan import make_plan
from tests.conftest import ROOT
from twogates.demo.settings import LiveSettings
from twogates.http.counters import LAYOUT, Counts

sys.path.append(str(ROOT / "services" / "monitor"))

import access_log  # a service is a program and not a package
import watching
from access_log import AccessLog
from processes import FORGOTTEN_SECONDS, Processes
from traffic import LATE, SECONDS, Traffic, percentile

NOW = 1_790_000_000.0


def line(request_id: str = "an-id-of-one", **changed: Any) -> dict[str, Any]:
    """Return a line of Nginx's log."""
    return {"ended": NOW - 1, "request_id": request_id, "uri": "/flask/json", "status": 200, "request_time": 0.01, **changed}


def write(path: Path, *lines: dict[str, Any] | bytes) -> None:
    """Append to the log as Nginx does."""
    with path.open("ab") as file:
        for one in lines:
            file.write(one if isinstance(one, bytes) else json.dumps(one, separators=(",", ":")).encode() + b"\n")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access.log"


def test_new_lines_come_once_and_whole(path: Path) -> None:
    log = AccessLog(path)
    assert (log.new_lines(), log.find(["an-id-of-one"])) == ([], [])  # Nginx has not written anything yet
    write(path, line("first-id"), b'{"request_id":"half')
    assert [one["request_id"] for one in log.new_lines()] == ["first-id"]
    assert log.new_lines() == []
    write(path, b'-an-id"}\n')
    assert log.new_lines() == [{"request_id": "half-an-id"}]


@pytest.mark.parametrize("wrong", [b"no json\n", b'{"status":000}\n', b"[]\n", b"\n"])
def test_what_is_no_line_is_left_out(path: Path, wrong: bytes) -> None:
    write(path, wrong, line("an-id-of-two"))
    assert [one["request_id"] for one in AccessLog(path).new_lines()] == ["an-id-of-two"]


def test_a_byte_that_is_no_utf_8_costs_nobody_a_line(path: Path) -> None:
    write(path, b'{"request_id":"an-id-of-one","user_agent":"\xff"}\n')
    assert AccessLog(path).find(["an-id-of-one"]) == [{"request_id": "an-id-of-one", "user_agent": "\ufffd"}]


def test_who_begins_to_watch_sees_what_was_a_moment_ago_and_not_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "BEFORE", 500)
    write(path, *[line(f"id-{number:05}") for number in range(100)])
    log = AccessLog(path)
    log.go_back()
    numbers = [one["request_id"] for one in log.new_lines()]
    assert numbers[-1] == "id-00099"
    assert 2 <= len(numbers) <= 5


def test_a_request_is_found_by_its_id_alone(path: Path) -> None:
    write(path, line("an-id-of-one"), line("an-id-of-two", uri="/first"), line("an-id-of-two", uri="/again"))
    # A client sent text that looks like a log line.
    write(path, line("an-id-of-more", user_agent='"request_id":"an-id-of-two"'))
    log = AccessLog(path)
    assert [one["uri"] for one in log.find(["an-id-of-two"])] == ["/first", "/again"]
    assert log.find(["an-id-of-"]) == []


def test_a_long_log_is_cut_and_its_end_is_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "LARGEST", 20_000)
    monkeypatch.setattr(access_log, "KEPT", 2_000)
    log = AccessLog(path)
    with path.open("ab", buffering=0) as nginx:  # Nginx keeps the file open and never learns that it was cut
        write(path, *[line(f"id-{number:05}") for number in range(100)])
        log.new_lines()
        log.cut()
        assert log.size() > 0  # still too short to be cut
        write(path, *[line(f"id-{number:05}") for number in range(100, 250)])
        assert len(log.new_lines()) == 150
        log.cut()
        assert log.size() == 0
        assert log.find(["id-00249"]) == [line("id-00249")]
        assert log.find(["id-00001"]) == []
        nginx.write(json.dumps(line("after-the-cut"), separators=(",", ":")).encode() + b"\n")
    assert path.read_bytes().startswith(b'{"ended"')  # at the new end, without a hole before it
    assert log.new_lines() == log.find(["after-the-cut"]) == [line("after-the-cut")]


def test_what_comes_too_fast_is_left_out_and_not_run_after(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "AT_ONCE", 1_000)
    write(path, *[line(f"id-{number:05}") for number in range(100)])
    log = AccessLog(path)
    assert 5 < len(log.new_lines()) <= 10
    assert log.new_lines() == []


def test_rates_and_percentiles_of_two_seconds() -> None:
    traffic = Traffic()
    traffic.add(line(request_time=number / 100) for number in range(1, 101))
    traffic.add(line(uri="/fastapi/json", status=status) for status in (200, 429, 429, 500, 503, 502))
    flask = {"rps": 50.0, "p50": 0.5, "p95": 0.95, "p99": 0.99, "errors": 0.0, "refused": 0.0}
    assert traffic.numbers("flask", NOW) == flask
    fastapi = traffic.numbers("fastapi", NOW)
    assert (fastapi["rps"], fastapi["errors"], fastapi["refused"]) == (3.0, 1.5, 1.0)
    assert traffic.numbers("django", NOW) == {**dict.fromkeys(flask, 0.0), "p50": None, "p95": None, "p99": None}


def test_a_request_is_in_the_window_for_so_long() -> None:
    traffic = Traffic()
    traffic.add([line(ended=NOW)])
    assert traffic.numbers("flask", NOW)["rps"] == 0  # more lines that ended at this moment may still follow
    seen = []
    for tenth in range(30):
        now = NOW + tenth / 10 + 0.05
        traffic.forget(now)
        seen.append(traffic.numbers("flask", now)["rps"] == 0.5)
    assert seen.count(True) == SECONDS * 10
    assert seen.index(True) == LATE * 10
    assert traffic.requests == []


@pytest.mark.parametrize("other", [{"uri": "/healthz"}, {"uri": "/flask"}, {"status": 101}, {"ended": "never"}, {"uri": None}])
def test_what_no_service_answered_does_not_count(other: dict[str, Any]) -> None:
    traffic = Traffic()
    traffic.add([line(**other), {}])
    assert traffic.numbers("flask", NOW)["rps"] == 0


@pytest.mark.parametrize(("count", "share", "expected"), [(1, 0.99, 1), (2, 0.5, 1), (100, 0.95, 95), (101, 0.95, 96), (1000, 0.99, 990)])
def test_a_percentile_is_one_of_the_values(count: int, share: float, expected: float) -> None:
    assert percentile(range(1, count + 1), share) == expected


def say(folder: Path, service: str, pid: int, **counts: Any) -> None:
    """Write a process's counter file."""
    (folder / service).mkdir(exist_ok=True)
    values = vars(Counts(**{"alive": NOW, **counts})).values()
    (folder / service / f"host.{pid}").write_bytes(LAYOUT.pack(*values))


def test_processes_of_a_service_are_added_up(tmp_path: Path) -> None:
    say(tmp_path, "flask", 7, begun=5, finished=4, memory=1000)
    say(tmp_path, "flask", 8, begun=3, finished=1, memory=500)
    processes = Processes(tmp_path)
    processes.look(NOW)
    none = {"sockets": 0, "lag": None, "lag_max": None}
    assert processes.numbers("flask", 2) == {"busy": 3, "slots": 4, "memory": 1500, "processes": 2, **none}
    assert processes.numbers("django", None) == {"busy": 0, "slots": None, "memory": 0, "processes": 0, **none}


def test_the_dead_are_forgotten(tmp_path: Path) -> None:
    say(tmp_path, "flask", 7, begun=5, alive=NOW - FORGOTTEN_SECONDS + 0.5)
    say(tmp_path, "flask", 8, begun=5, alive=0.0)  # never wrote a sign of life
    (tmp_path / "flask" / "host.9").write_bytes(b"")  # just being created
    (tmp_path / "access.log").write_bytes(b"")
    processes = Processes(tmp_path)
    processes.look(NOW)
    assert processes.numbers("flask", 1)["processes"] == 1
    processes.look(NOW + 0.6)
    assert processes.numbers("flask", 1) == {
        "busy": 0, "slots": 0, "sockets": 0, "lag": None, "lag_max": None, "memory": 0, "processes": 0
    }  # fmt: skip


def test_lags_are_those_since_the_last_event(tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    sums = [(10, 5.0), (11, 5.001), (12, 5.301), (13, 5.302)]
    for step, (samples, seconds) in enumerate(sums):
        say(tmp_path, "fastapi", 7, lag_samples=samples, lag_seconds=seconds, lag_largest=4.0)
        processes.look(NOW + step * 0.05)
    found = processes.numbers("fastapi", None)
    assert found["lag"] == pytest.approx(0.302 / 3)
    assert found["lag_max"] == pytest.approx(0.3)
    again = processes.numbers("fastapi", None)
    assert (again["lag"], again["lag_max"]) == (0.0, 0.0)


def test_a_loop_that_is_blocked_is_late_now(tmp_path: Path) -> None:
    say(tmp_path, "django", 7, lag_samples=10, lag_seconds=0.1)
    processes = Processes(tmp_path)
    for tenth in range(10):
        processes.look(NOW + tenth / 10)
    found = processes.numbers("django", None)
    assert found["lag_max"] == found["lag"] == pytest.approx(0.85)


def test_another_process_under_the_same_number_starts_anew(tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    say(tmp_path, "fastapi", 7, begun=100, lag_samples=1000, lag_seconds=9.0)
    processes.look(NOW)
    say(tmp_path, "fastapi", 7, begun=1, lag_samples=2, lag_seconds=0.002)
    processes.look(NOW + 0.05)
    assert processes.numbers("fastapi", None)["lag"] == 0.0


def test_while_nobody_watches_the_log_is_kept_short_and_nothing_else_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "IDLE_SECONDS", 0.01)
    monkeypatch.setattr(access_log, "LARGEST", 1_000)
    monkeypatch.setattr(access_log, "KEPT", 100)
    say(tmp_path, "flask", 7, alive=NOW * 2)
    write(tmp_path / "access.log", *[line(f"id-{number:05}") for number in range(100)])

    async def main() -> None:
        seen = watching.Watching(LiveSettings(body_limit=1, live_folder=tmp_path, flask_threads=1))
        looking = asyncio.create_task(seen.keep_looking())
        while seen.log.size():
            await asyncio.sleep(0.01)
        assert seen.processes.living == {}
        async with aclosing(seen.events()) as events:
            assert json.loads(await anext(events))["services"]["flask"]["processes"] == 1
        write(tmp_path / "access.log", *[line(f"id-{number:05}") for number in range(100)])
        while seen.log.size():
            await asyncio.sleep(0.01)
        (tmp_path / "flask" / "host.7").unlink()
        write(tmp_path / "access.log", *[line(f"id-{number:05}") for number in range(100)])
        while seen.log.size():
            await asyncio.sleep(0.01)
        assert seen.processes.living  # from the last poll
        looking.cancel()

    asyncio.run(asyncio.wait_for(main(), 60))


def test_what_is_measured_has_nothing_of_it() -> None:
    plan, measured = make_plan(), make_plan(live=False)
    assert {process.name for process in plan.processes} - {process.name for process in measured.processes} == {MONITOR}
    for process in measured.processes:
        assert not {process.environment.get(name) for name in ("COUNTERS", "COUNTED_AS")} - {"", None}
    template = (ROOT / "nginx/templates/live.conf.template").read_text()
    for values, logs in ((plan.nginx_values, 1), (measured.nginx_values, 0)):
        assert sum(text.startswith("access_log ") for text in rendered(template, values).splitlines()) == logs
    assert measured.nginx_values["MONITOR"] == ""


def test_production_has_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILE", "production")
    plan = make_plan()
    assert MONITOR not in {process.name for process in plan.processes}
    assert not any(process.environment.get("COUNTERS") for process in plan.processes)
    assert plan.nginx_values["LIVE_LOG_OFF"] == "#"


class Listener(BaseHTTPRequestHandler):
    """Records what a load generator sends, and answers with ``status``."""

    heard: list[Any] = []
    status = 204

    def do_POST(self) -> None:
        self.heard.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def listening() -> Iterator[str]:
    Listener.heard = []
    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(("status", "again"), [(204, True), (502, True), (404, False)])
def test_a_load_generator_tells_until_there_is_nobody_to_tell(
    listening: str, status: int, again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loadtest.generator.live import tell

    monkeypatch.setattr(Listener, "status", status)
    assert tell(listening, "n" * 300, 7) is again
    assert Listener.heard == [("/live/load", {"users": 7, "name": "n" * 200})]


def test_nobody_there_is_no_error() -> None:
    from loadtest.generator.live import tell

    assert tell("http://127.0.0.1:9", "name", 1)
