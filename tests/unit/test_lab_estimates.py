"""Estimates with known answers, and intervals that contain the truth as often as they claim."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.generator.latency import LONGEST_SECONDS, Latencies
from loadtest.judging.estimates import estimate, ratio
from loadtest.results import Run

# Up to this value, a histogram with three significant digits distinguishes every microsecond.
EXACT = st.integers(1, 2000)


def run(slices: Sequence[int] = (), seconds: float = 10.0, latencies: Sequence[Sequence[int]] = (), **values: float) -> Run:
    """Return a run with these successes per slice, and these latencies in microseconds."""
    encoded = []
    for part in latencies:
        made = Latencies()
        for microseconds in part:
            made.record(microseconds / 1e6)
        encoded.append(made.encode())
    counts = list(slices) or [len(part) for part in latencies]
    return Run(0, seconds, values, {}, counts, encoded, {}, {}, [], "")


def nearest_rank(values: Sequence[int], percent: int) -> float:
    """Return the value at rank ceil(percent / 100 * n) of the sorted list, counted from 1, in seconds."""
    return sorted(values)[max(1, -(-percent * len(values) // 100)) - 1] / 1e6


@given(st.lists(EXACT, min_size=1, max_size=300))
@settings(deadline=None, max_examples=50)
def test_percentiles_are_those_of_the_sorted_list(values: list[int]) -> None:
    latencies = Latencies()
    for microseconds in values:
        latencies.record(microseconds / 1e6)
    for percent in (1, 50, 95, 99, 100):
        assert latencies.percentile(percent) == pytest.approx(nearest_rank(values, percent), abs=1e-12)
    summary = latencies.summary()
    assert summary is not None
    assert (summary.min, summary.max) == pytest.approx((min(values) / 1e6, max(values) / 1e6))
    assert (summary.p50, summary.p95, summary.p99) == tuple(latencies.percentile(percent) for percent in (50, 95, 99))
    assert summary.mean == pytest.approx(sum(values) / len(values) / 1e6, rel=1e-3)


@given(st.lists(st.lists(EXACT, min_size=1, max_size=40), min_size=1, max_size=4))
@settings(deadline=None, max_examples=10)
def test_estimates_are_those_of_all_slices_together(parts: list[list[int]]) -> None:
    together = [value for part in parts for value in part]
    runs = [run(latencies=parts[:1]), run(latencies=parts[1:])] if len(parts) > 1 else [run(latencies=parts)]
    for metric, percent in (("p50", 50), ("p95", 95), ("p99", 99)):
        found = estimate(runs, metric)
        assert found is not None
        assert found.value == pytest.approx(nearest_rank(together, percent), abs=1e-12)
        assert found.low <= found.value <= found.high or len(together) < 100
    found = estimate(runs, "mean")
    assert found is not None
    assert found.value == pytest.approx(sum(together) / len(together) / 1e6)


def test_a_long_latency_is_right_within_a_thousandth() -> None:
    latencies = Latencies()
    for seconds in (1.234, 1.234, 1.234, 1.262):  # Locust's own statistics would say 1.2 and 1.3
        latencies.record(seconds)
    assert latencies.percentile(50) == pytest.approx(1.234, rel=0.001)
    assert latencies.percentile(99) == pytest.approx(1.262, rel=0.001)


def test_a_latency_beyond_the_range_is_counted() -> None:
    latencies = Latencies()
    latencies.record(100_000)
    latencies.record(0)
    assert latencies.count == 2
    assert latencies.percentile(100) == pytest.approx(LONGEST_SECONDS, rel=0.001)
    assert Latencies().summary() is None


def test_throughput_is_answers_over_time() -> None:
    found = estimate([run([10] * 10, seconds=5), run([20] * 10, seconds=5)], "throughput")
    assert found is not None
    assert found.value == pytest.approx(300 / 10)
    assert 20 < found.low < 30 < found.high < 40


def test_steady_runs_have_narrow_intervals_and_a_run_of_bad_seconds_widens_one() -> None:
    steady, uneven = (estimate([run(slices)], "throughput") for slices in ([10] * 10, [15] * 5 + [5] * 5))
    assert steady is not None
    assert uneven is not None
    assert (steady.low, steady.high) == pytest.approx((10, 10))
    assert uneven.value == pytest.approx(10)
    assert uneven.high - uneven.low > 4


def test_runs_without_slices_are_resampled_themselves() -> None:
    found = estimate([run(makespan=seconds) for seconds in (1.0, 2.0, 3.0)], "makespan")
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((2.0, 1.0, 3.0), abs=0.35)
    once = estimate([run(makespan=2.0)], "makespan")
    assert once is not None
    assert (once.low, once.value, once.high) == (2.0, 2.0, 2.0)
    burst = estimate([run(p99=1.0), run(p99=3.0)], "p99")  # of a burst, which stores no histogram
    assert burst is not None
    assert burst.value == 2.0


def test_a_ratio_of_known_values() -> None:
    found = ratio([run([20] * 10)], [run([10] * 10)], "throughput")
    assert found is not None
    assert (found.low, found.value, found.high) == pytest.approx((2, 2, 2))
    waits = ratio([run(latencies=[[1500] * 5] * 4)], [run(latencies=[[500] * 5] * 4)], "p99")
    assert waits is not None
    assert waits.value == pytest.approx(3)


def test_nothing_is_estimated_of_what_is_not_there() -> None:
    assert estimate([run()], "pss_mib") is None
    assert ratio([run(pss_mib=5.0)], [run()], "pss_mib") is None
    assert ratio([run(pss_mib=5.0)], [run(pss_mib=0.0)], "pss_mib") is None


def test_the_same_runs_have_the_same_interval() -> None:
    runs = [run([8, 9, 10, 11, 12])]
    assert estimate(runs, "throughput") == estimate(runs, "throughput")


def coverage(holds: Callable[[np.random.Generator], bool], times: int) -> float:
    """Return how often an interval contains the truth, on data with a fixed seed."""
    random = np.random.default_rng(20261121)
    return sum(holds(random) for _ in range(times)) / times


@pytest.mark.long
def test_intervals_of_throughput_hold_the_truth() -> None:
    """Four windows of ten slices. Percentile intervals of few values are known to be slightly too narrow."""

    def runs(random: np.random.Generator, mean: float) -> list[Run]:
        return [run([int(count) for count in random.poisson(mean, 10)]) for _ in range(4)]

    def one(random: np.random.Generator) -> bool:
        found = estimate(runs(random, 50), "throughput")
        return found is not None and found.low <= 50 <= found.high

    def two(random: np.random.Generator) -> bool:
        found = ratio(runs(random, 60), runs(random, 50), "throughput")
        return found is not None and found.low <= 1.2 <= found.high

    assert 0.90 <= coverage(one, 400) <= 0.98
    assert 0.90 <= coverage(two, 400) <= 0.98


@pytest.mark.long
def test_intervals_of_percentiles_and_means_hold_the_truth() -> None:
    """Latencies are uniform from 1 to 400 microseconds, so the truth is known to the microsecond."""
    truth = {"p50": 200e-6, "p95": 380e-6, "mean": 200.5e-6}
    held = dict.fromkeys(truth, 0)
    random, times = np.random.default_rng(20261121), 100
    for _ in range(times):
        runs = [run(latencies=[[int(value) for value in random.integers(1, 401, 40)] for _ in range(20)])]
        for metric, value in truth.items():
            found = estimate(runs, metric)
            held[metric] += found is not None and found.low - 1e-6 <= value <= found.high + 1e-6
    assert all(count / times >= 0.88 for count in held.values()), held


def test_a_ratio_where_some_resamplings_drew_nothing() -> None:
    """A window in which three of ten slices had an answer: about one resampling in thirty draws none of the three."""
    few = run(latencies=[[300_000]] * 3 + [[]] * 7)
    many = run(latencies=[[100_000] * 10] * 10)
    for a, b, expected in ((few, many, 3), (many, few, 1 / 3)):
        found = ratio([a], [b], "p99")
        assert found is not None
        assert found.value == pytest.approx(expected, rel=0.01)
