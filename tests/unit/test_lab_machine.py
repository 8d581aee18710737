"""How CPUs are shared out, and what is recorded about a run."""

import json
import os
import subprocess
import sys
from datetime import datetime
from importlib.metadata import version

import pytest

from loadtest import metrics
from loadtest.engine.machine import Machine, machine, shared
from loadtest.engine.manifest import manifest
from tests.conftest import ROOT

SAY = (
    "import os, sys; os.sched_setaffinity(0, set(map(int, sys.argv[1].split(','))));"
    "from loadtest.engine.machine import machine; m = machine(); print(m.server_cpus, m.other_cpus, m.generators)"
)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not place processes")
@pytest.mark.parametrize("count", [1, 2])
def test_a_process_on_so_many_cpus(count: int) -> None:
    cpus = sorted(os.sched_getaffinity(0))[:count]
    if len(cpus) < count:
        pytest.skip(f"this machine has {len(cpus)} CPUs")
    said = subprocess.run(
        [sys.executable, "-c", SAY, ",".join(map(str, cpus))], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    half = count // 2
    assert said.strip() == ("None None 1" if count == 1 else f"{set(cpus[:half])} {set(cpus[half:])} {max(1, (count - half) // 2)}")


@pytest.mark.parametrize(
    ("cpus", "servers", "others", "generators"),
    [({3}, None, None, 1), ({0, 1}, {0}, {1}, 1), ({0, 1, 5}, {0}, {1, 5}, 1), (set(range(8)), set(range(4)), set(range(4, 8)), 2)],
)
def test_shares(
    monkeypatch: pytest.MonkeyPatch, cpus: set[int], servers: set[int] | None, others: set[int] | None, generators: int
) -> None:
    """On simulated machines."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: cpus, raising=False)
    found = machine()
    assert (found.server_cpus, found.other_cpus, found.generators) == (servers, others, generators)
    assert shared(found) == Machine(None, None, generators)


def test_a_system_that_cannot_place_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert machine() == Machine(None, None, 1)


def test_who_runs_where_is_said() -> None:
    assert "share the CPUs" in Machine(None, None, 1).words
    apart = Machine({1, 0}, {3, 2}, 2).words
    assert apart == (
        "Services on CPU 0, 1; Nginx, the upstream service and 2 load generators on CPU 2, 3; "
        "a database, where there is one, on CPU 3, behind all of them."
    )


def test_the_manifest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_WORKERS", "7")
    found = manifest("make lab X=queue", 3, "local", Machine({0}, {1}, 1))
    assert json.loads(json.dumps(found)) == found
    assert (found["command"], found["seed"], found["runtime"]) == ("make lab X=queue", 3, "local")
    assert found["generator"]["locust"] == version("locust")
    assert found["services"]["gunicorn"] == version("gunicorn")
    assert found["settings"]["FLASK_WORKERS"] == "7"
    assert "PATH" not in found["settings"]
    assert datetime.fromisoformat(found["time"]).tzinfo is not None
    assert found["memory_mib"] > 0
    assert "CPU 0" in found["placement"]


def test_a_manifest_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert manifest("", 1, "local", Machine(None, None, 1))["commit"] == "unknown"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.0, "0"), (0.12345, "0.123"), (9.999, "10"), (99.94, "99.9"), (99.96, "100"), (1234.5, "1,234"), (1e6, "1,000,000")],
)
def test_numbers(value: float | None, text: str) -> None:
    assert metrics.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"), (0.0000123, "12.3 µs"), (0.0009994, "999 µs"), (0.0009996, "1 ms"), (0.101, "101 ms"), (0.9994, "999 ms"),
        (0.9996, "1 s"), (1.613, "1.61 s"), (120.4, "120 s"),
    ],
)  # fmt: skip
def test_durations(seconds: float | None, text: str) -> None:
    assert metrics.duration(seconds) == text


def test_metrics() -> None:
    assert all(name == one.name and one.label and one.unit for name, one in metrics.METRICS.items())
    assert metrics.metric("p99").show(0.25) == "250 ms"
    assert metrics.metric("share").show(12.345) == "12.3 %"
    assert metrics.metric("share").show(None) == "-"
    assert metrics.metric("throughput").show(1560.4) == "1,560"
    third = metrics.metric("rank_3")
    assert (third.label, third.unit) == ("answer 3 after", "s")
    with pytest.raises(KeyError):
        metrics.metric("speed")


def test_a_generator_outlives_a_master_that_draws_a_report() -> None:
    """By default, Locust's worker ends after a minute without a heartbeat. On a busy machine, a report can take longer."""
    program = "import loadtest.generator.__main__; from locust import runners; print(runners.MASTER_HEARTBEAT_TIMEOUT)"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert float(ran.stdout) >= 600, ran.stderr
