"""The metrics of one run, computed from its raw data."""

from loadtest.judging.raw import Raw


def values(raw: Raw) -> dict[str, float]:
    """Return the values by metric, in the units of metrics.py. A metric that was not measured is missing."""
    successes = sum(raw.slices)
    found: dict[str, float] = {"throughput": successes / raw.seconds}
    if summary := raw.whole():
        found |= {name: getattr(summary, name) for name in ("min", "mean", "p50", "p95", "p99", "max")}
    if first := raw.first_pieces():
        found |= {"first_p50": first.p50, "first_p99": first.p99}
    if raw.cell.load.kind == "burst":
        found |= ranks(raw) | {"makespan": max(load["seconds"] for load in raw.loads)}
        del found["throughput"]  # for a single burst it adds nothing to the makespan
    if raw.cell.load.kind == "open":
        found |= {"dropped": raw.count("dropped"), "late": raw.count("late")}
    if raw.cell.may_lose:
        found |= losses(raw)
    return found | watched(raw, successes) | raw.extra


def losses(raw: Raw) -> dict[str, float]:
    """Return the lost requests, and the effect of the disturbances.

    ``met`` is the smallest number of requests in flight at a disturbance. ``recovery`` is the time in seconds from the first disturbance
    to the last failed or late request.
    """
    found: dict[str, float] = {"lost": raw.lost, "refused": raw.refusals.get(429, 0), "unanswered": raw.lost - sum(raw.refusals.values())}
    loads = (raw.cell.load, *raw.cell.background)
    posts = (part["counts"] for number, part in enumerate(raw.all_loads) if loads[number % len(loads)].what.document)
    found["own_lost"] = raw.count("failures") + raw.count("failures_outside")
    if raw.cell.background:
        beside = [part for number, part in enumerate(raw.all_loads) if number % len(loads)]
        found["beside"] = sum(part["counts"]["succeeded"] for part in beside)
        found["beside_rate"] = sum(sum(part["slices"]) for part in beside) / raw.seconds
        found["beside_seconds"] = max(part["asking_seconds"] for part in beside)
    found["lost_posts"] = sum(counts["failures"] + counts["failures_outside"] for counts in posts)
    if raw.happened:
        first = min(one.at for one in raw.happened)
        trouble = max(float(load["last_trouble"]) for load in raw.all_loads)
        found |= {"met": min(one.in_flight for one in raw.happened), "recovery": max(0.0, trouble - first)}
        # A newcomer before the first disturbance is a worker that was slow to start, and replaces none.
        if raw.sampled and raw.sampled.newcomer is not None and raw.sampled.newcomer > first:
            found["replaced"] = raw.sampled.newcomer - first
    return found


def watched(raw: Raw, successes: int) -> dict[str, float]:
    """Return the metrics of the processes, where they could be observed."""
    found: dict[str, float] = {}
    if raw.usage:
        app = raw.usage.app_user + raw.usage.app_system
        found["app_cpu"] = app / raw.seconds
        # With background load, the count of measured requests does not tell how to divide the CPU time.
        if successes and not raw.cell.background:
            found["cpu_us"] = app / successes * 1e6
            if raw.cell.variant.proxied:
                found["proxy_us"] = raw.usage.proxy / successes * 1e6
                found["total_us"] = found["cpu_us"] + found["proxy_us"]
            if raw.ours is not None and not raw.other_cpus:
                found["all_us"] = raw.ours * raw.seconds / successes * 1e6
        if raw.cell.variant.pool:
            found["database_cpu"] = raw.usage.database / raw.seconds
            if successes and not raw.cell.background:
                found["database_us"] = raw.usage.database / successes * 1e6
        if raw.cell.variant.cache and successes and not raw.cell.background:
            found["cache_us"] = raw.usage.cache / successes * 1e6
    if raw.holding:
        found |= {"pss_mib": raw.holding.pss_mib, "threads": raw.holding.threads, "sockets": raw.holding.sockets}
    if raw.sampled:
        found["busy_slots"] = raw.sampled.busy
        if raw.sampled.loop_lag is not None:
            found["loop_lag"] = raw.sampled.loop_lag
    return found


def ranks(raw: Raw) -> dict[str, float]:
    """Return when the first, second, ... answer of a burst ended, in seconds from its start."""
    ended = sorted(microseconds / 1e6 for latencies in raw.merged() for microseconds, times in latencies.items() for _ in range(times))
    return {f"rank_{number}": seconds for number, seconds in enumerate(ended, 1)}
