"""Two runs compared: what changed, what did not, and what cannot be decided."""

from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from loadtest.report.compare import compare
from loadtest.report.compare_text import markdown, tables
from loadtest.results import CellResult, Results, Verdict
from tests.unit.lab_results import FASTAPI, FLASK, cell, experiment, results, run

NOISE = {"throughput": 0.05, "p99": 0.10}


def sliced(counts: list[int], latency: float = 0.1) -> CellResult:
    """Return a cell with two runs of four seconds that have these successes in their slices."""
    runs = [run(repeat, slices=counts, latencies=latency, **values(counts)) for repeat in range(2)]
    return cell(FASTAPI, 10, runs=runs, p99=latency, **values(counts))


def values(counts: list[int]) -> dict[str, Any]:
    return {"throughput": sum(counts) / 4}


def session(
    *cells: CellResult, noise: dict[str, float] | None = None, columns: tuple[str, ...] = ("throughput",), **changes: Any
) -> Results:
    return results(experiment(*cells, columns=columns), noise=NOISE if noise is None else noise, **changes)


def change(a: Results, b: Results) -> tuple[str, str]:
    (row,) = compare(a, b).rows
    return row.change, row.why


STEADY = [100, 101, 99, 100]


def test_twice_as_much_is_a_change() -> None:
    (row,) = compare(session(sliced(STEADY)), session(sliced([200, 202, 198, 200]))).rows
    assert (row.experiment, row.cell, row.metric, row.a, row.b) == ("thousands", f"{FASTAPI} / 10", "throughput", 100.0, 200.0)
    assert row.ratio is not None
    assert row.ratio.value == pytest.approx(2)
    assert 1.95 < row.ratio.low <= 2 <= row.ratio.high < 2.05
    assert (row.change, row.floor) == ("changed", 0.05)


def test_half_as_much_is_a_change_too() -> None:
    assert change(session(sliced(STEADY)), session(sliced([50, 50, 51, 49]))) == ("changed", "")


def test_the_same_is_no_difference() -> None:
    assert change(session(sliced(STEADY)), session(sliced(STEADY))) == ("no difference seen", "")


def test_an_interval_with_1_in_it_is_no_difference_however_far_the_value_is_off() -> None:
    assert change(session(sliced([10, 190, 20, 180])), session(sliced([200, 20, 210, 50]))) == ("no difference seen", "")


@pytest.mark.parametrize(
    ("floor_a", "floor_b", "expected"), [(0.01, 0.02, "changed"), (0.2, 0.01, "no difference seen"), (0.01, 0.2, "no difference seen")]
)
def test_within_the_noise_of_either_session_is_no_difference(floor_a: float, floor_b: float, expected: str) -> None:
    a = session(sliced(STEADY), noise={"throughput": floor_a})
    for factor in (110, 91):
        b = session(sliced([factor, factor + 1, factor - 1, factor]), noise={"throughput": floor_b})
        assert change(a, b)[0] == expected


def test_without_a_noise_floor_nothing_is_called_changed() -> None:
    doubled = sliced([200, 202, 198, 200])
    for noise_a, noise_b in (({}, {}), (NOISE, {}), ({}, NOISE)):
        found = change(session(sliced(STEADY), noise=noise_a), session(doubled, noise=noise_b))
        assert found == ("cannot be said", "no noise floor of both sessions")


def test_a_metric_without_a_floor_has_the_largest_of_its_unit() -> None:
    floors = {"p50": 0.02, "p99": 0.30, "throughput": 0.9}
    runs = [[run(repeat, makespan=seconds + 0.001 * repeat) for repeat in range(3)] for seconds in (1.0, 1.2, 1.5)]
    one, little, much = (session(cell(runs=some, makespan=1.0), noise=floors, columns=("makespan",)) for some in runs)
    assert compare(one, little).rows[0].floor == 0.30
    assert change(one, little)[0] == "no difference seen"
    assert change(one, much)[0] == "changed"


def test_a_single_value_has_no_interval() -> None:
    one, other = (session(cell(spread=0.0, runs=[run(makespan=value)], makespan=value), columns=("makespan",)) for value in (1.0, 2.0))
    assert change(one, other) == ("cannot be said", "a single run has no interval")


def test_what_is_counted_without_load_is_exact() -> None:
    def counted(lines: float) -> Results:
        return session(cell("Flask", "", spread=0.0, runs=[run(seconds=0.0, lines=lines)], lines=lines), noise={}, columns=("lines",))

    assert change(counted(100), counted(101))[0] == "changed"
    assert change(counted(100), counted(100))[0] == "no difference seen"


def test_there_is_no_ratio_to_zero() -> None:
    one, other = (session(cell(runs=[run(), run()], dropped=value), columns=("dropped",)) for value in (0.0, 3.0))
    assert change(one, other) == ("cannot be said", "there is no ratio to zero")


def test_cells_that_are_not_valid_or_missing_or_other_are_left_out() -> None:
    a = session(
        cell(FLASK, 1, throughput=1.0), cell(FLASK, 2, throughput=1.0), cell(FLASK, 3, throughput=1.0), cell(FLASK, 4, throughput=1.0)
    )
    other = replace(cell(FLASK, 3, throughput=1.0), load="9 at once")
    b = session(cell(FLASK, 1, not_valid="busy", throughput=1.0), other, cell(FLASK, 4, throughput=1.0), cell(FLASK, 5, throughput=1.0))
    found = compare(a, b)
    assert [row.cell for row in found.rows] == [f"{FLASK} / 4"]
    assert found.left_out == [
        f"thousands: {FLASK} / 1 is not valid in b: busy",
        f"thousands: {FLASK} / 2 is only in a",
        f"thousands: {FLASK} / 3 had another load: 8 at once of /wait?seconds=1 in a, 9 at once in b",
        f"thousands: {FLASK} / 5 is only in b",
    ]


def test_experiments_of_one_run_only_are_named() -> None:
    found = compare(results(experiment(name="queue")), results(experiment(name="slots")))
    assert found.left_out == ["queue is only in a", "slots is only in b"]
    assert found.rows == []


def test_other_machines_versions_and_verdicts_are_named() -> None:
    manifest = {"time": "later", "cpus": 4, "services": {"flask": "3.1.4"}, "python": "3.14.0"}
    a = results(experiment(), manifest={"time": "now", "cpus": 2, "services": {"flask": "3.1.3", "django": "6.0"}, "python": "3.14.0"})
    b = results(experiment(verdict=Verdict("does not hold", "No.")), manifest=manifest, full=False)
    found = compare(a, b)
    assert found.manifest == [
        ("cpus", "2", "4"),
        ("services flask", "3.1.3", "3.1.4"),
        ("services django", "6.0", "-"),
        ("full", "yes", "no"),
    ]
    assert found.flips == [("thousands", "holds", "does not hold")]
    assert compare(a, a).manifest == compare(a, a).flips == []


def shown(a: Results, b: Results) -> str:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(tables(compare(a, b)))
    assert max(map(len, capture.get().splitlines())) <= 100
    return " ".join(capture.get().split())


def test_comparison_is_shown() -> None:
    a, b = (
        session(sliced(STEADY), name="main"),
        session(sliced([200, 202, 198, 200]), cell(throughput=2.0), name="branch", manifest={"cpus": 4}),
    )
    text = shown(a, b)
    assert "a is main, b is branch: 1 changed, of 1 numbers." in text
    assert "requests/s 100 200 2 (" in text
    assert "5 % changed" in text
    assert "Left out: thousands: Flask, 4 sync workers / 8 is only in b." in text
    for said in (
        "# branch against main",
        "| requests/s | 100 | 200 | 2 (",
        "| cpus | 2 | 4 |",
        "- Left out: thousands: Flask, 4 sync workers / 8 is only",
    ):
        assert said in markdown(compare(a, b))


def test_nothing_to_compare_is_said() -> None:
    assert "No cell is in both runs and valid in both, so nothing is compared." in shown(results(), results())
    assert "nothing is compared" in markdown(compare(results(), results()))
