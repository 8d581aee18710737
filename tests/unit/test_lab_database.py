"""The laboratory's own database: which variants use one, what limits a cell then, and the experiments on it, without any load."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtest.engine import local_database
from loadtest.engine.docker_file import Maker
from loadtest.engine.sampler import Sampled
from loadtest.engine.variants import Usage
from loadtest.experiments import DATA, GROUPS, experiments, n_plus_one, pool_sizing, pooled_db
from loadtest.generator.parameters import Parameters
from loadtest.generator.workloads import WORKLOADS, notices
from loadtest.judging.bottleneck import limiter
from loadtest.judging.evidence import Evidence, predicted_throughput
from loadtest.judging.values import values
from loadtest.model import Cell, Load, Variant, loop, sync
from loadtest.results import CellResult, Verdict
from runtime import proc
from tests.unit.lab_raw import SECONDS, WAIT, raw
from tests.unit.lab_results import cell as result
from twogates.demo.database_probes.documents import ROWS

POOLED = loop(pool=4)
QUERY = Load("closed", "query", Parameters(wait=WAIT, calls=1, work=0), users=8)


@pytest.mark.parametrize(
    ("variant", "workload", "places"),
    [
        (loop(), "query", None),
        (POOLED, "query", 4),
        (POOLED, "wait", None),  # needs no connection
        (loop("django", workers=2, pool=4), "query", 8),
        (sync(2, threads=8, pool=3), "query", 6),
        (sync(2, threads=8, pool=3), "wait", 16),
        (sync(2, pool=5), "query", 2),
    ],
)
def test_who_is_served_at_once(variant: Variant, workload: str, places: int | None) -> None:
    load = replace(QUERY, workload=workload)
    assert load.places(variant) == places
    assert load.rhythm(variant)[0] == min(8, places or 8)
    assert predicted_throughput(Cell(variant, load, "")) == pytest.approx(min(8, places or 8) / WAIT)


def pooled(busy: float, database: float = 0.0) -> str:
    """Return the bottleneck of a run of one loop with four connections."""
    usage = Usage(app_user=0.1 * SECONDS, app_system=0.0, proxy=0.05 * SECONDS, upstream=0.0, overflows=0, database=database * SECONDS)
    run = raw(Cell(POOLED, QUERY, 8), usage=usage, sampled=Sampled(168, busy, None, None), other_cpus=1.0)
    return limiter(run, values(run))


def test_what_bounds_a_service_with_a_pool() -> None:
    assert pooled(busy=8) == "pool"
    assert pooled(busy=3) == "not saturated"
    assert pooled(busy=8, database=0.75) == "database CPU"
    assert pooled(busy=8, database=0.3) == "pool"


def test_the_databases_cpu_time_is_shared_out() -> None:
    usage = Usage(app_user=0.1 * SECONDS, app_system=0.0, proxy=0.0, upstream=0.0, overflows=0, database=0.5 * SECONDS)
    found = values(raw(Cell(POOLED, QUERY, 8), usage=usage))
    assert found["database_cpu"] == pytest.approx(0.5)
    assert found["database_us"] == pytest.approx(0.5e6 / found["throughput"])
    assert "database_us" not in values(raw(usage=usage))  # for a service without a database


def test_the_answers_are_those_of_the_services() -> None:
    answer: Any = WORKLOADS["query"].expected(Parameters(wait=0.0, calls=1, work=2))
    assert answer["total"] == sum(range(1, 2 * ROWS + 1))
    assert [one["text"] for one in notices("each", 2)["messages"]] == ["Notice 1 of 25", "Notice 2 of 25"]
    assert len(notices("joined", 100)["messages"]) == 25


VARIANTS = [replace(POOLED, name="pooled"), loop(name="without")]


def test_on_docker_it_is_there_for_who_asks() -> None:
    made = Maker({0}, {1, 2}, None).document(VARIANTS, Path("/lab"), {"nginx-0": 5001, "nginx-1": 5002})
    services = made["services"]
    assert services["postgres"]["cpuset"] == "2"
    assert services["postgres"]["secrets"] == ["postgres_password"]
    assert "ports" not in services["postgres"]
    asking, other = services["app-0-0"], services["app-1-0"]
    assert (asking["networks"], asking["secrets"], asking["environment"]["POOL"]) == (["backend", "data"], ["fastapi_password"], "4")
    assert asking["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert (other["networks"], other["environment"]["DATABASE_PASSWORD_FILE"]) == (["backend"], "")
    assert not other["secrets"]
    assert not other["depends_on"]
    assert made["networks"]["data"] == {"internal": True}
    assert {"postgres_password", "flask_password"} <= made["secrets"].keys()


def test_on_docker_who_is_asked_directly_is_reached_too() -> None:
    made = Maker({0}, {1}, None).document([loop(pool=2, proxied=False)], Path("/lab"), {"app-0-0": 5001})
    assert made["services"]["app-0-0"]["networks"] == ["backend", "data", "edge"]


def test_without_one_nothing_of_it_is_made() -> None:
    made = Maker({0}, {1}, None).document(VARIANTS[1:], Path("/lab"), {"nginx-0": 5001})
    assert not {"postgres", "migrate"} & made["services"].keys()
    assert "data" not in made["networks"]
    assert "secrets" not in made


def test_all_pools_have_room() -> None:
    command = ["postgres", "--max-connections=20", "--other=1"]
    many = [loop(pool=8, workers=2), sync(4, pool=1)]
    assert local_database.with_connections(command, many) == ["postgres", f"--max-connections={20 + local_database.SPARE}", "--other=1"]
    assert local_database.with_connections(command, many[1:]) == command


def test_what_ended_children_used_is_counted() -> None:
    before = proc.seconds_of_ended(os.getpid())
    child = os.fork()
    if not child:
        while sum(os.times()[:2]) < 0.1:
            pass
        os._exit(0)
    os.waitpid(child, 0)
    assert proc.seconds_of_ended(os.getpid()) - before >= 0.09


def test_they_are_a_group() -> None:
    known = experiments()
    assert GROUPS["data"] == DATA
    assert all(cell.variant.pool for name in DATA for cell in known[name].cells(False))
    assert not any(cell.variant.pool for name in known if name not in DATA for cell in known[name].cells(False))


def test_pooled_db() -> None:
    assert {cell.predicted["throughput"] for cell in experiments()["pooled-db"].cells(False)} == {pooled_db.POOL / pooled_db.WAIT}


@pytest.mark.parametrize(("rate", "outcome"), [(39.5, "holds"), (36.0, "holds with a limit"), (80.0, "does not hold")])
def test_the_verdict_on_equal_connections(rate: float, outcome: str) -> None:
    """A loop that answered twice as much would refute the claim."""
    cells = [result(cell.variant.name, cell.step, dict(cell.predicted), throughput=39.8) for cell in pooled_db.EXPERIMENT.cells(False)]
    cells[1] = result(cells[1].variant, cells[1].step, cells[1].predicted, throughput=rate)
    assert pooled_db.judge(Evidence(cells, {}, full=False)).outcome == outcome


def test_pool_sizing() -> None:
    """Eight users that each wait 100 ms. For the database's own work, nothing is predicted."""
    found = {(cell.variant.connections, cell.step): dict(cell.predicted) for cell in pool_sizing.cells(False)}
    expected = {2: 20.0, 4: 40.0, 16: 80.0}
    assert found == {(size, pool_sizing.WAIT): {"throughput": pytest.approx(rate)} for size, rate in expected.items()} | {
        (size, pool_sizing.WORK): {} for size in (1, 4, 16)
    }


def sized(of_work: dict[int, float]) -> Verdict:
    """Return the verdict if waits are as predicted and database work reaches these requests per second, by pool size."""
    cells: list[CellResult] = []
    for cell in pool_sizing.cells(False):
        rate = cell.predicted.get("throughput") or of_work[cell.variant.connections]
        cells.append(result(cell.variant.name, cell.step, dict(cell.predicted), throughput=rate, p99=0.1))
    return pool_sizing.judge(Evidence(cells, {}, full=False))


def test_the_verdict_on_sizes() -> None:
    found = sized({1: 90.0, 4: 95.0, 16: 94.0})
    assert found.outcome == "holds"
    assert "pool of 16 2 times (2 to 2)" in found.sentence
    assert "measured best of a loop: 1," in found.sentence
    assert sized({1: 50.0, 4: 95.0, 16: 94.0}).outcome == "does not hold"


@pytest.mark.parametrize(("many", "outcome"), [(1 / 0.022, "holds"), (1 / 0.05, "does not hold"), (1 / 0.0025, "does not hold")])
def test_the_verdict_on_round_trips(many: float, outcome: str) -> None:
    """An answer takes 2 ms, plus a millisecond for each of twenty round trips."""
    rates = {n_plus_one.JOINED: 1 / 0.002, n_plus_one.EACH_SHORT: 1 / 0.006, n_plus_one.EACH: many}
    cells = [
        result(variant.name, step, throughput=rate, database_us=100.0 if step == n_plus_one.JOINED else 2000.0)
        for step, rate in rates.items()
        for variant in n_plus_one.VARIANTS
    ]
    assert n_plus_one.judge(Evidence(cells, {}, full=False)).outcome == outcome
