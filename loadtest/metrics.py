"""The quantities that the laboratory reports: name, unit, and number format."""

from dataclasses import dataclass


def number(value: float | None) -> str:
    """Format with three significant digits, or as a whole number from 100; a dash for ``None``."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:.3g}"


def duration(seconds: float | None) -> str:
    """Format seconds with a fitting unit: ``101 ms``, ``1.61 s``."""
    if seconds is None:
        return "-"
    if seconds < 0.0009995:
        return f"{number(seconds * 1e6)} µs"
    return f"{number(seconds * 1000)} ms" if seconds < 0.9995 else f"{number(seconds)} s"


@dataclass(frozen=True)
class Metric:
    """One quantity. ``label`` is the heading of its column and its axis."""

    name: str
    label: str
    unit: str  # of the stored number

    def show(self, value: float | None) -> str:
        """Return the value for a reader. The unit is included where the label does not contain it."""
        if self.unit == "s":
            return duration(value)
        return number(value) + (" %" if value is not None and self.unit == "%" else "")


METRICS = {
    metric.name: metric
    for metric in (
        Metric("throughput", "requests/s", "1/s"),
        Metric("min", "shortest", "s"),
        Metric("mean", "mean", "s"),
        Metric("p50", "p50", "s"),
        Metric("p95", "p95", "s"),
        Metric("p99", "p99", "s"),
        Metric("max", "longest", "s"),
        Metric("first_p50", "first piece p50", "s"),
        Metric("first_p99", "first piece p99", "s"),
        Metric("makespan", "all done after", "s"),
        Metric("cpu_us", "CPU µs/request", "µs"),
        Metric("proxy_us", "proxy µs/request", "µs"),
        Metric("total_us", "CPU µs/request, both", "µs"),
        Metric("all_us", "CPU µs/request, all", "µs"),
        Metric("app_time", "time in the application", "s"),
        Metric("price_us", "CPU µs/call", "µs"),
        Metric("app_cpu", "CPUs used", "CPUs"),
        Metric("database_us", "database µs/request", "µs"),
        Metric("database_cpu", "database's CPUs", "CPUs"),
        Metric("cache_us", "cache µs/request", "µs"),
        Metric("computed", "computed", "1"),
        Metric("misses", "misses", "1"),
        Metric("hit_ratio", "from the cache", "%"),
        Metric("pss_mib", "memory MiB", "MiB"),
        Metric("threads", "threads", "1"),
        Metric("sockets", "sockets", "1"),
        Metric("busy_slots", "busy slots", "1"),
        Metric("loop_lag", "loop lag", "s"),
        Metric("lines", "lines", "1"),
        Metric("differing", "lines that differ", "1"),
        Metric("share", "share that differs", "%"),
        Metric("dropped", "dropped", "1"),
        Metric("late", "late", "1"),
        Metric("lost", "lost", "1"),
        Metric("own_lost", "lost", "1"),
        Metric("refused", "429s", "1"),
        Metric("beside", "answered beside", "1"),
        Metric("beside_rate", "answered/s beside", "1/s"),
        Metric("lost_posts", "of them POSTs", "1"),
        Metric("unanswered", "of them unanswered", "1"),
        Metric("again", "asked again", "1"),
        Metric("met", "in flight then", "1"),
        Metric("recovery", "last trouble after", "s"),
        Metric("replaced", "new worker after", "s"),
        Metric("share_1", "share of server 1", "%"),
        Metric("share_2", "share of server 2", "%"),
        Metric("share_3", "share of server 3", "%"),
    )
}


def metric(name: str) -> Metric:
    """Return the metric of that name. ``rank_3`` is when the third answer of a burst ended."""
    if name.startswith("rank_"):
        return Metric(name, f"answer {name.removeprefix('rank_')} after", "s")
    return METRICS[name]
