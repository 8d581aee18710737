"""Lies of whoever writes the table: the measuring was honest, and the values that are published are not."""

from loadtest.judging.raw import Raw

Values = dict[str, float]


def p99_from_p95(_: Raw, values: Values) -> Values:
    """The column p99 is filled from p95."""
    return values | {"p99": values["p95"]}


def p99_from_mean(_: Raw, values: Values) -> Values:
    """The column p99 is a copy of the mean."""
    return values | {"p99": values["mean"]}


def averaged_percentiles(raw: Raw, values: Values) -> Values:
    """Each percentile is the mean of those of the window's parts."""
    parts = [summary for latencies in raw.merged() if (summary := latencies.summary())]
    return values | {name: sum(getattr(part, name) for part in parts) / len(parts) for name in ("p50", "p95", "p99")}
