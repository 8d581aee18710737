"""Lies of whoever writes the table: the measuring was honest, and the values that are published are not."""

from loadtest.judging.audit import ROUNDED, off
from loadtest.judging.raw import Raw

Values = dict[str, float]


def p99_from_p95(_: Raw, values: Values) -> Values:
    """The column p99 is filled from p95."""
    return values | {"p99": values["p95"]}


def p99_from_mean(_: Raw, values: Values) -> Values:
    """The column p99 is a copy of the mean."""
    return values | {"p99": values["mean"]}


def max_from_p99(_: Raw, values: Values) -> Values:
    """The column of the longest is filled from p99: in a small sample it leaves out the slowest.

    Where p99 is the longest itself, as of 168 answers, the next lower value takes its place: else the lie would change nothing.
    """
    lower = (values[name] for name in ("p99", "p95", "p50", "min"))
    return values | {"max": next(value for value in lower if off(values["max"], value) > ROUNDED)}


def averaged_percentiles(raw: Raw, values: Values) -> Values:
    """Each percentile is the mean of those of the window's parts."""
    parts = [summary for latencies in raw.merged() if (summary := latencies.summary())]
    return values | {name: sum(getattr(part, name) for part in parts) / len(parts) for name in ("p50", "p95", "p99")}
