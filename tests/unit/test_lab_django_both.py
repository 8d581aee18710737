"""Django over WSGI and over ASGI in the laboratory, without any load."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from loadtest.engine.docker_file import Maker
from loadtest.engine.variants import Holding
from loadtest.experiments import django_both
from loadtest.judging.audit import audit
from loadtest.judging.evidence import Evidence
from loadtest.judging.values import values
from loadtest.model import Variant
from loadtest.results import CellResult
from runtime.local.plan import make_plan
from tests.unit.lab_raw import cell, raw
from tests.unit.lab_results import cell as result

BY_WSGI, BY_ASGI = django_both.BY_WSGI, django_both.BY_ASGI[1]


def test_by_wsgi_it_is_served_as_flask_is() -> None:
    two = replace(BY_WSGI, workers=2, replicas=3)
    assert (two.slots, two.servers, two.connections) == (2 * 4 * 3, 3, 2 * 4 * 3)
    other = replace(BY_ASGI, workers=3)
    assert (other.slots, other.servers, other.connections) == (None, 3, 12)


@pytest.mark.parametrize("variant", django_both.BY_ASGI, ids=["sync", "async"])
def test_its_views_are_of_the_kind_that_it_names(variant: Variant) -> None:
    process = next(one for one in make_plan().processes if one.name.startswith("django"))
    program = (
        "import inspect, app; from django.urls import resolve; "
        "print([inspect.iscoroutinefunction(resolve(path).func) for path in ('/query', '/listing', '/json')])"
    )
    secrets = {"DATABASE_PASSWORD_FILE": "", "CACHE_PASSWORD_FILE": ""}
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=process.folder,
        env={**process.environment, **secrets, **variant.environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.stdout == f"{[not variant.environment, not variant.environment, True]}\n", ran.stderr


@pytest.mark.parametrize(("variant", "processes"), [(BY_WSGI, 2), (BY_ASGI, 1)], ids=["WSGI", "ASGI"])
def test_it_has_the_processes_of_its_server(variant: Variant, processes: int) -> None:
    for seen in (processes, processes + 1):
        run = raw(cell(variant), holding=Holding(processes=seen, pss_mib=60.0, threads=2, sockets=10))
        (found,) = [finding for finding in audit(run, values(run)) if finding.rule == "as declared"]
        assert found.passed == (seen == processes)


def test_on_docker_it_is_the_same_image_with_another_command() -> None:
    variants = django_both.VARIANTS
    services = Maker({0}, {1}, None).document(variants, Path("/lab"), {f"nginx-{number}": 5001 + number for number in range(4)})["services"]
    made = [services[f"app-{number}-0"] for number in range(4)]
    assert len({one["image"] for one in made}) == 1
    assert [one.get("command", ["python"])[0] for one in made] == ["gunicorn", "gunicorn", "python", "python"]
    assert [one["environment"].get("DJANGO_SETTINGS_MODULE") for one in made] == ["sync_settings", None, "sync_settings", None]


def test_the_connections_are_the_limit_of_all_four() -> None:
    """Four connections, each held for 80 ms. For a page of rows, nothing is predicted."""
    found = {cell.variant.name: cell.predicted for cell in django_both.cells(False) if cell.step == django_both.WAITS}
    assert len(found) == 4
    assert all(predicted == {"throughput": pytest.approx(50)} for predicted in found.values())
    assert not any(cell.predicted for cell in django_both.cells(False) if cell.step == django_both.ROWS)


@pytest.mark.parametrize(
    ("cost", "rate", "outcome"),
    [
        ((1300, 2600, 2700, 2650), 49.0, "holds"),
        ((1300, 2600, 2700, 2650), 45.0, "holds with a limit"),
        ((1300, 2600, 2700, 2650), 100.0, "does not hold"),
        ((1300, 2600, 4700, 2650), 49.0, "does not hold"),  # over ASGI, a sync view costs more than an async one
    ],
)
def test_the_verdict(cost: tuple[float, ...], rate: float, outcome: str) -> None:
    cells: list[CellResult] = []
    for one in django_both.cells(False):
        cpu = cost[django_both.VARIANTS.index(one.variant)]
        answered = rate if one.step == django_both.WAITS else 1e6 / cpu
        cells.append(result(one.variant.name, one.step, dict(one.predicted), throughput=answered, cpu_us=float(cpu)))
    assert django_both.judge(Evidence(cells, {}, full=False)).outcome == outcome
