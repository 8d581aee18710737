"""The experiments as declared. No test here creates any load."""

from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import Any

import pytest

import loadtest.experiments
from loadtest.experiments import ORDER, experiments
from loadtest.experiments.load import compared
from loadtest.generator.parameters import Parameters
from loadtest.generator.workloads import DOCUMENT, SERVICES, SMALL, WORKLOADS, digest, events, pieces, services_of
from loadtest.judging.evidence import Evidence
from loadtest.metrics import METRICS
from loadtest.model import Cell, Load, loop, sync
from tests.unit.lab_results import cell as result
from twogates.demo import greetings, streams
from twogates.demo.models import Document
from twogates.demo.work import cpu_work

FILES = sorted(path.stem for path in Path(loadtest.experiments.__path__[0]).glob("*.py") if path.stem not in ("__init__", "load"))
ALL = experiments()
# The ranks of a burst are metrics with a number in their name.
KNOWN = set(METRICS) | {"rank"} | {f"rank_{number}" for number in range(1, 101)}


def test_all_are_found_in_their_order() -> None:
    assert tuple(ALL) == ORDER
    assert set(ALL) == {name.replace("_", "-") for name in FILES}


@pytest.mark.parametrize("file", FILES)
def test_an_experiment_is_named_after_its_file(file: str) -> None:
    assert import_module(f"loadtest.experiments.{file}").EXPERIMENT is ALL[file.replace("_", "-")]


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_left_unsaid(name: str) -> None:
    one = ALL[name]
    for text in (one.question, one.claim, one.misreading, one.frame):
        assert text.strip()
    assert one.question.endswith("?")
    assert one.claim.endswith(".")
    assert one.misreading.endswith(".")
    assert one.columns
    assert set(one.columns) <= set(METRICS)
    assert one.chart.metric in KNOWN
    assert (one.chart.metric == "rank") == (one.chart.kind == "ranks")


@pytest.mark.parametrize("full", [False, True], ids=["quick", "full"])
@pytest.mark.parametrize("name", ALL)
def test_cells(name: str, full: bool) -> None:
    one = ALL[name]
    cells = list(one.cells(full))
    assert cells or one.look
    assert len({cell.key for cell in cells}) == len(cells)
    for cell in cells:
        assert set(cell.predicted) <= KNOWN
        assert all(value > 0 or metric == "lost" for metric, value in cell.predicted.items())
        assert all(0 <= one.at < (cell.seconds or 1) and 0 <= one.server < cell.variant.servers for one in cell.disturbances)
        for load in (cell.load, *cell.background):
            assert cell.variant.service in services_of(WORKLOADS[load.workload])
            assert load.rate > 0 if load.kind == "open" else load.users > 0
            assert load.words
        assert cell.seconds is None or cell.seconds >= 1
    # Variants are started by name, so each name must stand for a single variant.
    assert len({cell.variant.name for cell in cells}) == len({repr(cell.variant) for cell in cells})
    assert set(one.second_opinion) <= {cell.key for cell in cells}


@pytest.mark.parametrize("name", [name for name, one in ALL.items() if one.look])
def test_what_is_found_without_load_is_numbers_of_known_metrics(name: str) -> None:
    look = ALL[name].look
    assert look
    found = look()
    assert found
    assert all(set(values) <= set(METRICS) and all(map(isfinite, values.values())) for values in found.values())


def cells(name: str, full: bool = False) -> dict[str, Cell]:
    return {cell.key: cell for cell in ALL[name].cells(full)}


def test_queue() -> None:
    found = cells("queue")
    expected = {"Flask, 4 sync workers / 8": [1.0] * 4 + [2.0] * 4, "FastAPI, 1 loop / 8": [1.0] * 8, "Django, 1 loop / 8": [1.0] * 8}
    assert set(found) == set(expected)
    for key, ends in expected.items():
        assert [found[key].predicted[f"rank_{number}"] for number in range(1, 9)] == ends
        assert found[key].predicted["makespan"] == ends[-1]


def test_slots() -> None:
    assert {key: cell.predicted["makespan"] for key, cell in cells("slots").items()} == {
        "Flask, 10 sync workers / 10": 1.0,
        "Flask, 10 threads / 10": 1.0,
        "FastAPI, 1 loop / 10": 1.0,
        "Flask, 4 sync workers / 10": 3.0,  # rounds of four, four, and two
    }


def test_one_slow() -> None:
    """A round of one 0.6 s request and the others, which take a quarter of the time, lasts 0.8 s. The others wait 0.2 s to 0.8 s."""
    predicted = {cell.variant.name: dict(cell.predicted) for cell in cells("one-slow").values()}
    assert predicted.pop("Flask, 1 sync worker") == pytest.approx({"p50": 0.51, "p99": 0.804})
    assert predicted == {"Flask, 4 sync workers": {}, "FastAPI, 1 loop": {}}


def test_slow_clients() -> None:
    """Eight slow clients each send for one second. They share 3.8 slots (normal clients use 0.2 of four), so about half of them wait."""
    predicted = [dict(cell.predicted) for cell in cells("slow-clients").values() if cell.predicted]
    assert predicted == [pytest.approx({"p50": 1 - 3.8 / 8 + 0.01})]


def test_blocked_loop() -> None:
    """A request waits for the rest of one blocking call and for the whole next one."""
    predicted = [dict(cell.predicted) for cell in cells("blocked-loop").values() if cell.predicted]
    assert predicted == [pytest.approx({"p50": 0.3, "p99": 0.398})] * 2


def test_upstream() -> None:
    """Four slots, with calls of 0.25 s one after another; twelve users of a loop that makes the calls concurrently."""
    predicted = {(cell.variant.name, cell.step): cell.predicted["throughput"] for cell in cells("upstream").values()}
    assert predicted == pytest.approx(
        {
            ("Flask, 4 sync workers", 1): 4 / 0.25,
            ("Flask, 4 sync workers", 3): 4 / 0.75,
            ("FastAPI, 1 loop", 1): 12 / 0.25,
            ("FastAPI, 1 loop", 3): 12 / 0.25,
        }
    )


def test_streaming() -> None:
    """Twenty pieces 50 ms apart take 0.95 s. Eight streams are two rounds of four workers."""
    found = {cell.variant.name: cell.predicted["makespan"] for cell in cells("streaming", full=True).values() if cell.predicted}
    assert found == pytest.approx({"Flask, 4 sync workers": 1.9, "FastAPI, 1 loop": 0.95, "Django, 1 loop": 0.95})


def test_thousands() -> None:
    assert all(cell.predicted == {"throughput": cell.load.users} for full in (False, True) for cell in cells("thousands", full).values())


def test_thousands_says_which_step_it_knows_nothing_of() -> None:
    fastapi, django = loop("fastapi").name, loop("django").name
    fine = result(fastapi, 1000, {"throughput": 1000.0}, throughput=995.0, cpu_us=400.0)
    unknown = result(fastapi, 3000, {"throughput": 3000.0}, not_valid="steady: 40 and 90")
    straight = result(django, 200, {"throughput": 200.0}, throughput=199.0, cpu_us=1000.0)
    sentence = ALL["thousands"].judge(Evidence([fine, unknown, straight], {}, full=False)).sentence
    assert f"{fastapi}: straight on to 1000 users (not valid: 3000); at 400 µs" in sentence
    assert f"{django}: straight on to 200 users; at" in sentence


def test_words() -> None:
    wait = Parameters(wait=0.1)
    assert Load("closed", "wait", wait, users=1).words == "1 user of /wait?seconds=0.1"
    assert Load("closed", "wait", wait, users=2000).words == "2,000 users of /wait?seconds=0.1"
    assert Load("open", "json", wait, rate=80.0).words == "80 a second of /json"
    assert Load("burst", "wait", wait, users=8).words == "8 at once of /wait?seconds=0.1"
    assert Load("hold", "sockets", wait, users=10).words == "10 idle connections to /ws"
    assert (sync(1).name, sync(4).name, sync(2, threads=5).name) == ("Flask, 1 sync worker", "Flask, 4 sync workers", "Flask, 10 threads")
    assert (loop("django", workers=2).name, loop().slots, sync(2, threads=5).slots) == ("Django, 2 loops", None, 10)


def test_only_asgi_services_serve_sockets() -> None:
    assert services_of(WORKLOADS["sockets"]) == ("fastapi", "django")
    assert services_of(WORKLOADS["wait"]) == SERVICES


def test_expected_answers_are_those_of_the_services() -> None:
    assert digest(5) == cpu_work(5)
    assert SMALL == greetings.SMALL
    assert pieces(3) == [streams.chunk(number, 3) for number in (1, 2, 3)]
    assert events(3) == [streams.event(number, 3) for number in (1, 2, 3)]
    assert Document.model_validate(DOCUMENT).model_dump(mode="json") == DOCUMENT


def test_compared_is_about_the_extremes() -> None:
    three: list[Any] = [result(name, throughput=rate) for name, rate in (("A", 20.0), ("B", 10.0), ("C", 15.0))]
    assert compared(three) == "A answered 2 times as many requests a second as B (20 against 10)"
