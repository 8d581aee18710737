"""From samples to figures and verdicts."""

import json

import pytest
from rich.console import Console

from loadtest.bench.cells import CALLERS, CELLS, COMPARISONS, NOISE, Comparison
from loadtest.bench.images import Image
from loadtest.bench.memory import Part, mib
from loadtest.bench.report import Report, as_dict, show
from loadtest.bench.results import Costs, Interval, Sample, Spread, Verdict

MANIFEST = {"rounds": 5, "connections": 16, "own_cpu": True, "meter": "clocks", "seed": 7}


def samples(cell: str, *values: float) -> list[Sample]:
    return [Sample(cell, number, 100, value) for number, value in enumerate(values, 1)]


def whole_run(failures: list[str] | None = None) -> Costs:
    """Return five rounds of every cell. Our services cost 1.2 times the plain ones, in rounds that differ from each other."""
    found = []
    for cell in CELLS:
        for number, slowness in enumerate([1, 3, 1.5, 1.2, 2], 1):
            cost = 100 * slowness * (1.2 if cell.name in ("flask", "fastapi", "django", "nginx") else 20 if "calls" in cell.name else 1)
            wrong = failures if failures and cell.name == "flask bare" and number == 3 else []
            found.append(Sample(cell.name, number, 100, cost, 60 * slowness if cell.also else None, wrong))
    return Costs(found)


def report(costs: Costs) -> Report:
    return Report(MANIFEST, costs, [Part("flask", 5, 100), Part("nginx", 3, 11.5)], None, [Image("twogates-flask:dev", 320, 300)], [])


def shown(found: Report) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        show(found, console)
    return capture.get()


def test_ratios_are_of_rounds_and_not_of_medians() -> None:
    costs = Costs(samples("one", 10, 40, 30) + samples("two", 10, 20, 60))
    ratio = costs.ratio("one", "two")
    assert ratio and ratio.median == 1.0  # of 1, 2 and 0.5; the ratio of the medians would be 1.5
    difference = costs.difference("one", "two")
    assert difference and difference.median == 0


def test_what_slows_a_whole_round_cancels_out() -> None:
    ratio = whole_run().ratio("flask", "flask plain")
    assert ratio == Interval(pytest.approx(1.2), pytest.approx(1.2), pytest.approx(1.2))


def test_cost_is_the_median_with_its_extremes() -> None:
    assert Costs(samples("one", 9, 1, 5)).cost("one") == Spread(5, 1, 9)


def test_the_interval_holds_the_median_and_narrows_with_agreement() -> None:
    wide = Interval.of([0.5, 0.8, 1.0, 1.2, 1.5] * 3)
    narrow = Interval.of([0.98, 0.99, 1.0, 1.01, 1.02] * 3)
    assert wide.low < narrow.low <= 1.0 <= narrow.high < wide.high
    assert Interval.of([0.5, 0.8, 1.0, 1.2, 1.5] * 3) == wide


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict(1.15, 1.15), "met"),
        (Verdict(1.16, 1.15), "not met"),
        (Verdict(1.16, 1.15, noise=0.02), "not met, within the noise"),
        (Verdict(1.14, 1.15, noise=0.02), "met, within the noise"),
        (Verdict(1.10, 1.15, noise=0.02), "met"),
        (Verdict(1.20, 1.15, noise=0.02), "not met"),
    ],
)
def test_a_verdict_in_words(verdict: Verdict, words: str) -> None:
    assert verdict.words == words


def test_a_verdict_is_no_surer_than_the_same_thing_measured_twice() -> None:
    again, once = NOISE
    costs = Costs(samples("one", *[112] * 5) + samples("two", *[100] * 5) + samples(again, *[105] * 5) + samples(once, *[100] * 5))
    verdict = costs.verdict(Comparison("one", "two", 1.15))
    assert verdict and verdict.words == "met, within the noise"


def test_a_cell_in_which_a_request_failed_has_no_figure() -> None:
    costs = Costs([*samples("one", 1, 2), Sample("one", 3, 100, 3, failures=["status 500"]), *samples("two", 1, 2, 3)])
    assert costs.cost("one") is None
    assert costs.ratio("one", "two") is None
    assert costs.verdict(Comparison("one", "two", 1)) is None
    assert costs.failed == {"one": ["status 500"]}


def test_the_tables_say_whether_the_aims_are_met() -> None:
    rows = [[field.strip() for field in line.split("│")[1:-1]] for line in shown(report(whole_run())).splitlines() if "│" in line]
    for name, aim, words in (("flask", "1.15", "not met"), ("fastapi", "1.00", "not met"), ("nginx", "1.25", "met")):
        assert [name, "180 (120 to 360)", "150 (100 to 300)"] in [row[:3] for row in rows]
        assert ["1.200 (1.200 to 1.200)", aim, words] in [row[4:] for row in rows if row[0] == name]
    assert ["together", "8", "112", "450", "met"] in rows
    assert ["twogates-flask:dev", "320.0", "300.0", "20.0", "90", "met"] in rows


def test_the_tables_of_a_run_with_a_failure_name_it() -> None:
    text = shown(report(whole_run(["status 500"])))
    assert "Not valid: flask bare, 1 failed; the first: status 500." in text


def test_the_json_holds_every_sample_and_verdict() -> None:
    costs = whole_run()
    found = json.loads(json.dumps(as_dict(report(costs))))
    assert len(found["samples"]) == len(CELLS) * 5
    assert {entry["cell"]: entry["met"] for entry in found["comparisons"]} == {
        "flask": False,
        "fastapi": False,
        "django": False,
        "nginx": True,
    }
    assert found["manifest"]["seed"] == 7


def test_cells_name_each_other_rightly() -> None:
    names = [cell.name for cell in CELLS]
    assert len(set(names)) == len(names)
    wanted = {name for comparison in COMPARISONS for name in (comparison.cell, comparison.other)} | set(NOISE)
    assert wanted | {f"{name} {kind}" for name in CALLERS for kind in ("bare", "plain", "calls")} <= set(names)
    by_name = {cell.name: cell for cell in CELLS}
    for comparison in COMPARISONS:
        one, two = by_name[comparison.cell], by_name[comparison.other]
        assert (one.requests, one.path, one.headers, one.block) == (two.requests, two.path, two.headers, two.block)


@pytest.mark.parametrize(
    ("usage", "expected"), [("45.2MiB / 256MiB", 45.2), ("1.5GiB / 2GiB", 1536), ("512KiB / 1MiB", 0.5), ("0B / 0B", 0)]
)
def test_amounts_of_memory_as_docker_prints_them(usage: str, expected: float) -> None:
    assert mib(usage) == pytest.approx(expected)


def test_an_unknown_amount_is_an_error() -> None:
    with pytest.raises(ValueError, match="not an amount"):
        mib("-- / --")
