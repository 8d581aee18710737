"""Latencies in an HDR histogram: every percentile is computed from it, and no percentiles are averaged."""

from collections.abc import Iterator
from dataclasses import dataclass

from hdrh.histogram import HdrHistogram

MICROSECONDS = 1_000_000
LONGEST_SECONDS = 600
SIGNIFICANT_DIGITS = 3


@dataclass(frozen=True)
class Summary:
    """Latencies in seconds, within 0.1 % of what was recorded."""

    min: float
    mean: float
    p50: float
    p95: float
    p99: float
    max: float


class Latencies:
    """Latencies of one cell, in seconds up to ten minutes; a longer one counts as ten minutes."""

    def __init__(self) -> None:
        self.histogram = HdrHistogram(1, LONGEST_SECONDS * MICROSECONDS, SIGNIFICANT_DIGITS)

    def record(self, seconds: float) -> None:
        """Count one latency."""
        self.histogram.record_value(min(max(round(seconds * MICROSECONDS), 1), LONGEST_SECONDS * MICROSECONDS))

    def add(self, encoded: str) -> None:
        """Merge a histogram that ``encode`` wrote."""
        self.histogram.decode_and_add(encoded)

    def encode(self) -> str:
        """Return the histogram as text."""
        return str(self.histogram.encode().decode())

    @property
    def count(self) -> int:
        """Number of recorded latencies."""
        return int(self.histogram.get_total_count())

    def summary(self) -> Summary | None:
        """Return the summary, ``None`` if nothing was recorded.

        A percentile is the smallest value for which at least that percentage of all values are not larger.
        """
        if not self.count:
            return None
        return Summary(
            min=self.percentile(0),  # the histogram's own minimum is 0 once an empty histogram was merged into it
            mean=self.histogram.get_mean_value() / MICROSECONDS,
            p50=self.percentile(50),
            p95=self.percentile(95),
            p99=self.percentile(99),
            max=self.histogram.get_max_value() / MICROSECONDS,
        )

    def percentile(self, percent: int) -> float:
        """Return a percentile in seconds. HdrHistogram's own method rounds the rank to the nearest, which differs for few values."""
        rank = max(1, -(-percent * self.count // 100))
        seen = 0
        for microseconds, count in self.items():
            seen += count
            if seen >= rank:
                return microseconds / MICROSECONDS
        raise AssertionError("the rank is never above the count")

    def items(self) -> Iterator[tuple[int, int]]:
        """Yield each recorded value in microseconds, in order, with its count.

        HdrHistogram's own iterator visits every possible value one by one, which takes 20 ms and more.
        """
        for index, count in enumerate(self.histogram.counts):
            if count:
                value = self.histogram.get_value_from_index(index)
                yield int(self.histogram.get_highest_equivalent_value(value)), int(count)
