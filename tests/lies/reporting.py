"""Lies of a table's author: the measurement was honest, and the published values are not."""

from loadtest.judging.audit import ROUNDED, off
from loadtest.judging.raw import Raw

Values = dict[str, float]


def p99_from_p95(_: Raw, values: Values) -> Values:
    """Fill the column p99 from p95."""
    return values | {"p99": values["p95"]}


def p99_from_mean(_: Raw, values: Values) -> Values:
    """Copy the mean into the column p99."""
    return values | {"p99": values["mean"]}


def max_from_p99(_: Raw, values: Values) -> Values:
    """Fill the column of the maximum from p99: in a small sample, this leaves out the slowest.

    If p99 is the maximum itself, as with 168 answers, the next lower value takes its place. Otherwise the lie would change nothing.
    """
    lower = (values[name] for name in ("p99", "p95", "p50", "min"))
    return values | {"max": next(value for value in lower if off(values["max"], value) > ROUNDED)}


def averaged_percentiles(raw: Raw, values: Values) -> Values:
    """Replace each percentile with the mean of those of the window's parts."""
    parts = [summary for latencies in raw.merged() if (summary := latencies.summary())]
    return values | {name: sum(getattr(part, name) for part in parts) / len(parts) for name in ("p50", "p95", "p99")}
