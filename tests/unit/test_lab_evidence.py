"""The parts of a verdict: checks against predictions, comparisons with the noise floor, and cells that are not valid."""

from dataclasses import replace
from statistics import fmean
from typing import Any

import pytest

from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence, NotValidError, predicted_throughput
from loadtest.model import Cell, Load, Variant, loop, sync
from loadtest.results import CellResult, Check
from tests.unit.lab_results import cell, run

SYNC, LOOP = sync(4), loop("fastapi")


def seen(*cells: CellResult, noise: dict[str, float] | None = None) -> Evidence:
    return Evidence(cells, noise or {}, full=False)


@pytest.mark.parametrize(("value", "passed"), [(39.0, True), (41.0, True), (38.7, False), (41.3, False)])
def test_near(value: float, passed: bool) -> None:
    one = cell(SYNC.name, 8, {"throughput": 40.0}, throughput=value)
    check = seen(one).near(one, "throughput")
    assert check.passed is passed
    assert check.bound
    assert check.longer == pytest.approx(40 / value - 1)
    assert check.text.endswith(f"predicted 40 ({value / 40:.2f})")
    assert seen(one).near(one, "throughput", 0.05).passed


@pytest.mark.parametrize(("value", "passed"), [(0.5, True), (0.191, True), (0.19, True), (0.189, False)])
def test_at_least(value: float, passed: bool) -> None:
    one = cell(SYNC.name, 8, {"p99": 0.2}, p99=value)
    check = seen(one).at_least(one, "p99")
    assert check.passed is passed
    assert check.bound
    assert "predicted 200 ms or more" in check.text


def pair(a: list[float], b: list[float]) -> tuple[CellResult, CellResult]:
    """Return two cells whose runs measured these throughputs."""
    cells = [
        cell(name, 8, throughput=fmean(values), runs=[run(throughput=value) for value in values]) for name, values in (("A", a), ("B", b))
    ]
    return cells[0], cells[1]


@pytest.mark.parametrize(
    ("a", "b", "more_than", "floor", "passed"),
    [
        ([20, 20, 20], [10, 10, 10], 1.0, 0.0, True),
        ([10, 10, 10], [20, 20, 20], 1.0, 0.0, False),
        ([9, 10, 11], [9, 10, 11], 1.0, 0.0, None),  # the interval contains 1
        ([20, 20, 20], [10, 10, 10], 3.0, 0.0, False),
        ([20, 20, 20], [10, 10, 10], 2.0, 0.0, None),  # a ratio equal to ``more_than`` is not more
        ([11, 11, 11], [10, 10, 10], 1.0, 0.05, True),
        ([11, 11, 11], [10, 10, 10], 1.0, 0.12, None),  # two equal services differ by more than this
        ([10, 10, 10], [11, 11, 11], 1.0, 0.05, False),
        ([10, 10, 10], [11, 11, 11], 1.0, 0.12, None),
    ],
)
def test_compare(a: list[float], b: list[float], more_than: float, floor: float, passed: bool | None) -> None:
    one, other = pair(a, b)
    evidence = seen(one, other, noise={"throughput": floor})
    check = evidence.compare(one, other, "throughput", more_than)
    assert check.passed is passed
    assert not check.bound
    opposite = evidence.unless(check)
    assert opposite.passed is (None if passed is None else not passed)
    assert opposite.text.startswith("not so: ")


@pytest.mark.parametrize(("slower", "faster", "passed"), [(0.6, 0.06, True), (0.006, 0.0006, None)])
def test_the_noise_of_times_is_in_seconds(slower: float, faster: float, passed: bool | None) -> None:
    """If equal services differ by 10 ms, a factor of ten is a difference between long times, but not between short ones."""
    one, other = (cell(name, 8, p99=value, runs=[run(p99=value)] * 3) for name, value in (("A", slower), ("B", faster)))
    assert seen(one, other, noise={"p99": 0.01}).compare(one, other, "p99", more_than=5).passed is passed


def test_the_noise_of_another_metric_is_none() -> None:
    one, other = pair([11] * 3, [10] * 3)
    assert seen(one, other, noise={"p99": 9.0}).compare(one, other, "throughput").passed


def test_what_cannot_be_compared() -> None:
    one, other = pair([1], [2])
    with pytest.raises(NotValidError, match="cannot be compared by p99"):
        seen(one, other).compare(one, other, "p99")


def test_the_cell_that_is_asked_for() -> None:
    cells = [cell(SYNC.name, 8), cell(SYNC.name, 16), cell(SYNC.name, 16, label="x 2"), cell(LOOP.name, 8)]
    evidence = seen(*cells)
    assert evidence.cell(SYNC) is cells[0]
    assert evidence.cell(SYNC, 16) is cells[1]
    assert evidence.cell(SYNC, 16, "x 2") is cells[2]
    assert evidence.cell(LOOP.name) is cells[3]
    assert evidence.at(8) == [cells[0], cells[3]]
    with pytest.raises(LookupError, match="no cell of"):
        evidence.cell(SYNC, 32)


def test_a_cell_that_is_not_valid_ends_the_judging() -> None:
    good, bad = cell(SYNC.name, 8), cell(SYNC.name, 16, not_valid="steady: 40 and 90")
    evidence = seen(good, bad)
    with pytest.raises(NotValidError, match="is not valid: steady: 40 and 90"):
        evidence.cell(SYNC, 16)
    assert evidence.valid(SYNC) == [good]
    assert evidence.at(16) == []
    with pytest.raises(NotValidError, match=r"No cell of .* is valid.*steady: 40 and 90. Run it again when"):
        seen(bad).valid(SYNC)


YES, NO, UNSEEN = Check("yes", True), Check("no", False), Check("unseen", None)
SLOW, SLOWER, TOO_SLOW, TOO_FAST = (Check("no", False, bound=True, longer=longer) for longer in (0.04, 0.08, 0.16, -0.04))
LONGER = "Requests take up to 8% longer here than predicted from their waits alone."


@pytest.mark.parametrize(
    ("checks", "limit", "outcome", "sentence"),
    [
        ([YES, YES], None, "holds", "It does."),
        ([YES], "It does, up to a point.", "holds with a limit", "It does, up to a point."),
        ([YES, NO, UNSEEN], None, "does not hold", "It does not."),
        ([NO], "It does, up to a point.", "does not hold", "It does not."),
        ([YES, SLOW, SLOWER], None, "holds with a limit", f"It does. {LONGER}"),
        ([SLOWER], "It does, up to a point.", "holds with a limit", f"It does, up to a point. {LONGER}"),
        ([SLOW, UNSEEN], None, "no difference seen", "What was compared differs by less than the noise of this session."),
        ([SLOW, TOO_SLOW], None, "does not hold", "It does not."),
        ([SLOW, TOO_FAST], None, "does not hold", "It does not."),
        ([SLOW, NO], None, "does not hold", "It does not."),
        ([YES, UNSEEN], None, "no difference seen", "What was compared differs by less than the noise of this session."),
    ],
)
def test_verdict(checks: list[Check], limit: str | None, outcome: str, sentence: str) -> None:
    found = seen().verdict(checks, "It does.", "It does not.", limit)
    assert (found.outcome, found.sentence, found.checks) == (outcome, sentence, checks)


@pytest.mark.parametrize(
    ("workload", "users", "variant", "expected"),
    [
        ("wait", 64, sync(4), 40),  # four workers, 0.1 s per request
        ("wait", 64, sync(2, threads=4), 80),
        ("wait", 3, sync(4), 30),  # fewer users than slots
        ("wait", 64, loop("fastapi"), 640),  # a loop holds all of them
        ("block", 64, sync(4), 40),
        ("block", 64, loop("fastapi", workers=2), 20),  # a process with a blocked loop holds one
        ("block", 1, loop("fastapi", workers=2), 10),
        ("offload", 64, loop("fastapi"), 640),
        ("upstream", 64, sync(4), 4 / 0.3),  # three calls, one after another
        ("upstream", 64, loop("fastapi"), 640),  # three concurrent calls
        ("stream", 64, sync(4), 4 / 1.8),  # nine intervals
        ("events", 64, loop("fastapi"), 64 / 1.8),
        ("cpu", 64, sync(4), None),
        ("json", 64, loop("fastapi"), None),
    ],
)
def test_predicted_throughput(workload: str, users: int, variant: Variant, expected: float | None) -> None:
    parameters = Parameters(wait=0.1, calls=3, chunks=10, interval=0.2)
    one = Cell(variant, Load("closed", workload, parameters, users=users), users)
    assert predicted_throughput(one) == (expected and pytest.approx(expected))


def test_nothing_is_predicted_for_a_wait_of_nothing() -> None:
    parameters: dict[str, Any] = {"wait": 0.0, "interval": 0.0}
    for workload in ("wait", "stream"):
        assert predicted_throughput(Cell(LOOP, Load("closed", workload, Parameters(**parameters), users=8), 8)) is None


def test_a_machine_that_was_slower_for_one_cell_is_named_with_the_cell() -> None:
    """The verdict says which rule failed for which cell and what to do. Its table marks the row."""
    quiet, slowed = (cell(name, 8, runs=[replace(run(), watched={"pace_before": 0.001, "pace_after": after})]) for name, after in NAMED)
    found = seen(quiet, slowed).verdict([TOO_SLOW], "It does.", "It does not.")
    assert found.outcome == "not valid"
    assert found.sentence.startswith("slowed / 8 is not valid: same pace: a fixed piece of work took 1.40 times its shortest CPU time")
    assert "Run it again when this machine is cool" in found.sentence
    assert list(found.doubted) == [slowed.key]


NAMED = (("quiet", 0.0011), ("slowed", 0.0014))
