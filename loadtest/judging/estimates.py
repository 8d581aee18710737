"""Values with intervals, by bootstrap: the observations are resampled with replacement, and each resample is evaluated.

For throughput and latency, the slices of all windows of a cell are resampled, so that a series of slow seconds widens the interval.
For values that are measured once per run, whole runs are. Percentiles come from merged histograms and are never averaged.
Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile intervals).
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from loadtest.generator.latency import Latencies
from loadtest.results import Estimate, Run

Numbers = NDArray[np.float64]

RESAMPLINGS = 1000
LOW, HIGH = 2.5, 97.5
QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
MICROSECONDS = 1_000_000


def estimate(runs: Sequence[Run], metric: str) -> Estimate | None:
    """Return the estimate of a metric over all runs, ``None`` where no run has it."""
    found = draws(runs, metric, seed=1)
    return None if found is None else Estimate(found[0], *map(float, np.percentile(found[1], [LOW, HIGH])))


def ratio(runs_a: Sequence[Run], runs_b: Sequence[Run], metric: str) -> Estimate | None:
    """Return the ratio ``a / b`` of a metric with its interval; ``None`` where one of them lacks it or is zero."""
    a, b = draws(runs_a, metric, seed=1), draws(runs_b, metric, seed=2)
    if a is None or b is None or b[0] == 0 or np.any(b[1] == 0):
        return None
    drawn = min(len(a[1]), len(b[1]))  # resamples of nothing but empty slices were removed, so the lengths may differ
    return Estimate(a[0] / b[0], *map(float, np.percentile(a[1][:drawn] / b[1][:drawn], [LOW, HIGH])))


def draws(runs: Sequence[Run], metric: str, seed: int) -> tuple[float, Numbers] | None:
    """Return the value of a metric, and its values in up to ``RESAMPLINGS`` resamples; ``None`` where no run has it."""
    random = np.random.default_rng(seed)  # fixed seed: the same runs give the same interval
    sliced = [run for run in runs if sum(run.slices)]
    if metric == "throughput" and sliced and len(sliced) == len(runs):
        return resampled(random, *rates(sliced), lambda counts, seconds: counts.sum(-1) / seconds.sum(-1))
    if metric in (*QUANTILES, "mean") and sliced:
        values, counts = histogram(sliced)
        weights = np.vstack([np.ones(len(counts)), weights_of(random, len(counts))]) @ counts
        weights = weights[weights.sum(-1) > 0]  # where a window had few answers, a resample may consist of empty slices only
        found = mean(values, weights) if metric == "mean" else quantile(values, weights, QUANTILES[metric])
        return float(found[0]), found[1:]
    each = [run.values[metric] for run in runs if metric in run.values]
    return resampled(random, np.array(each), np.ones(len(each)), lambda some, _: some.mean(-1)) if each else None


def rates(runs: Sequence[Run]) -> tuple[Numbers, Numbers]:
    """Return the successes of every slice of every run, and the seconds of each slice."""
    counts = np.array([count for run in runs for count in run.slices], dtype=float)
    return counts, np.array([run.seconds / len(run.slices) for run in runs for _ in run.slices])


def resampled(random: np.random.Generator, a: Numbers, b: Numbers, of: Callable[[Numbers, Numbers], Numbers]) -> tuple[float, Numbers]:
    """Return a statistic of pairs, and its values for resamples drawn with replacement."""
    chosen = random.integers(0, len(a), (RESAMPLINGS, len(a)))
    return float(of(a, b)), of(a[chosen], b[chosen])


def weights_of(random: np.random.Generator, count: int) -> Numbers:
    """Return how often each of ``count`` slices is drawn, in each resample."""
    return random.multinomial(count, np.full(count, 1 / count), RESAMPLINGS).astype(float)


def histogram(runs: Sequence[Run]) -> tuple[Numbers, Numbers]:
    """Return the latencies in seconds that occur, and for each slice a row of their counts."""
    rows = [decoded(text) for run in runs for text in run.histograms]
    values = sorted(set().union(*rows))
    return np.array(values, dtype=float) / MICROSECONDS, np.array([[row.get(value, 0) for value in values] for row in rows], dtype=float)


@lru_cache(maxsize=10_000)
def decoded(text: str) -> dict[int, int]:
    """Return counts by microseconds. Cached, since several metrics of a cell need them."""
    latencies = Latencies()
    latencies.add(text)
    return dict(latencies.items())


def mean(values: Numbers, weights: Numbers) -> Numbers:
    """Return the mean for each row of weights."""
    return np.asarray(weights @ values / weights.sum(-1))


def quantile(values: Numbers, weights: Numbers, share: float) -> Numbers:
    """Return, for each row of weights, the least value that covers at least ``share`` of the weight."""
    reached = weights.cumsum(-1) >= share * weights.sum(-1, keepdims=True)
    return np.asarray(values[reached.argmax(-1)])
