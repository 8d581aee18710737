"""The running stack: its log across a rotation, the CPU time of its processes and containers, and the bottleneck of its services."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from loadtest.engine import cores, docker_look, existing, existing_usage
from loadtest.engine.existing import pool_of, written_since
from loadtest.generator.workloads import WORKLOADS
from loadtest.stack import Service


def test_what_was_written_since(tmp_path: Path) -> None:
    log = tmp_path / "nginx.log"
    log.write_text("before\n")
    then = log.stat()
    with log.open("a") as file:
        file.write("after\n")
    assert written_since(log, then) == "after\n"

    # The log is rotated in between.
    log.rename(tmp_path / "nginx.log.1")
    log.write_text("in the new file\n")
    assert written_since(log, then) == "after\nin the new file\n"
    (tmp_path / "nginx.log.1").rename(tmp_path / "nginx.log.2")
    log.rename(tmp_path / "nginx.log.1")
    log.write_text("in the third\n")
    assert written_since(log, then) == "after\nin the new file\nin the third\n"

    # The oldest file is gone: no count is better than a partial one.
    (tmp_path / "nginx.log.2").unlink()
    assert written_since(log, then) is None


BURN = "import time\nwhile time.process_time() < 0.3: pass\nprint('done', flush=True)\nimport sys; sys.stdin.read()"


@dataclass
class Supervisor:
    """Processes by name, as the running Supervisor lists them."""

    pids: dict[str, int]

    def getAllProcessInfo(self) -> list[dict[str, object]]:  # noqa: N802  Supervisor's own name
        return [{"name": name, "pid": pid} for name, pid in self.pids.items()]


@pytest.fixture
def burnt() -> Iterator[subprocess.Popen[str]]:
    """Yield a process that has used 0.3 s of CPU time, and waits."""
    words = [sys.executable, "-c", BURN]
    pipes = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipes, stdout=pipes, text=True, env={**os.environ, "POOL": "7", "THREADS": "1"}) as process:
        assert process.stdout
        assert process.stdout.readline() == "done\n"
        yield process
        process.communicate()


def test_the_cpu_time_of_local_processes(burnt: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without these times, no server's CPU can be the bottleneck of a cell."""
    monkeypatch.setattr(existing_usage.supervisor, "connect", lambda: Supervisor({"django-1": burnt.pid, "nginx": burnt.pid, "valkey": 0}))
    seen = existing_usage.LocalProcesses()
    usage = seen.usage("django")
    assert usage
    assert usage.app_user + usage.app_system >= 0.3
    assert usage.proxy >= 0.3
    assert (usage.cache, usage.upstream, usage.database) == (0, 0, 0)
    assert seen.settings("django")["POOL"] == "7"
    assert seen.cpus("django") is None
    assert seen.usage("flask") is None
    assert seen.settings("flask") == {}


def test_processes_that_ended_are_not_counted_as_idle(burnt: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(existing_usage.supervisor, "connect", lambda: Supervisor({"flask": burnt.pid}))
    seen = existing_usage.LocalProcesses()
    burnt.communicate()
    assert seen.usage("flask") is None


def test_the_cpu_time_of_containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def container(name: str, microseconds: int, cpus: float = 1.0) -> docker_look.Container:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "cpu.stat").write_text(f"usage_usec {2 * microseconds}\nuser_usec {microseconds}\nsystem_usec {microseconds}\n")
        return docker_look.Container(name, os.getpid(), folder, {}, {"POOL": "auto"}, cpus)

    found = {
        "django": [container("django-1", 1_000_000), container("django-2", 2_000_000)],
        "nginx": [container("nginx", 500_000)],
        "flask": [container("flask", 1, cpus=0.0)],
    }
    monkeypatch.setattr(docker_look, "all_containers", lambda _: found)
    seen = existing_usage.LocalContainers()
    usage = seen.usage("django")
    assert usage
    assert (usage.app_user, usage.app_system, usage.proxy, usage.database) == (3, 3, 1, 0)
    assert (seen.cpus("django"), seen.cpus("flask"), seen.cpus("fastapi")) == (2, None, None)
    assert (seen.settings("django"), seen.usage("fastapi")) == ({"POOL": "auto"}, None)


def service(slots: int | None, worker_class: str = "sync") -> Service:
    return Service("flask", "WSGI", "gunicorn", worker_class, {}, slots, None)


@pytest.mark.parametrize(
    ("slots", "settings", "pool"),
    [
        (4, {}, 0),
        (4, {"POOL": "auto"}, 1),
        (None, {"POOL": "auto"}, 10),
        (None, {"POOL": "25"}, 25),
        (None, {"POOL": "auto", "DATABASE_URL": "postgresql://web@pgbouncer:6432/board"}, 0),
    ],
)
def test_the_pool_of_a_process(slots: int | None, settings: dict[str, str], pool: int) -> None:
    assert pool_of(service(slots), settings, threads=1) == pool


def test_a_stack_elsewhere_is_seen_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(existing.runtime_local, "is_up", lambda: True)
    elsewhere = existing.Existing("http://192.0.2.1:8080")
    assert (elsewhere.local, elsewhere.docker, elsewhere.seen) == (False, False, None)
    made = elsewhere.variant(service(8, "gthread"), WORKLOADS["wait"])
    assert (made.slots, made.pool, made.helpers) == (8, 0, 0)
    running = elsewhere.running(made)
    assert not running.counted
    assert elsewhere.usage(running) is None


def test_threads_are_no_processes() -> None:
    here = existing.Existing("http://192.0.2.1:8080")
    here.seen = SimpleNamespace(settings=lambda _: {"THREADS": "4", "POOL": "auto"})  # type: ignore[assignment]
    made = here.variant(service(8, "gthread"), WORKLOADS["query"])
    assert (made.workers, made.threads, made.slots, made.connections) == (2, 4, 8, 8)


def test_what_the_machine_used(tmp_path: Path) -> None:
    """All ticks except idle and iowait."""
    stat = tmp_path / "stat"
    cpu = min(os.sched_getaffinity(0))
    stat.write_text(f"cpu 9 9 9 9 9 9 9 9 9 9\ncpu{cpu} 100 20 30 5000 700 1 2 47 33 0\nintr 1\n")
    found = cores.busy_seconds(stat)
    assert found == cores.MachineUse(1, 200 / os.sysconf("SC_CLK_TCK"))
    assert cores.busy_seconds(tmp_path / "none") is None


def test_the_cpus_that_are_left() -> None:
    found = cores.measure(0.1)
    assert 0 < found.free <= found.shared == cores.shared_cpus()
    assert found.stretch >= 1
