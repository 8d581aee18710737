"""Latencies in an HDR histogram: every percentile comes from it, and none is averaged."""

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

    @property
    def count(self) -> int:
        """How many were recorded."""
        return int(self.histogram.get_total_count())

    def summary(self) -> Summary | None:
        """The summary, ``None`` when nothing was recorded."""
        if not self.count:
            return None
        at = self.histogram.get_percentile_to_value_dict([50, 95, 99])
        return Summary(
            min=self.histogram.get_min_value() / MICROSECONDS,
            mean=self.histogram.get_mean_value() / MICROSECONDS,
            p50=at[50] / MICROSECONDS,
            p95=at[95] / MICROSECONDS,
            p99=at[99] / MICROSECONDS,
            max=self.histogram.get_max_value() / MICROSECONDS,
        )
