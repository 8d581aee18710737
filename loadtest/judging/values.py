"""The metrics of one run, from what it brought home."""

from loadtest.judging.raw import Raw


def values(raw: Raw) -> dict[str, float]:
    """By metric, in the units of metrics.py. What was not measured is not there."""
    successes = sum(raw.slices)
    found: dict[str, float] = {"throughput": successes / raw.seconds}
    if summary := raw.whole():
        found |= {name: getattr(summary, name) for name in ("min", "mean", "p50", "p95", "p99", "max")}
    if first := raw.first_pieces():
        found |= {"first_p50": first.p50, "first_p99": first.p99}
    if raw.cell.load.kind == "burst":
        found |= ranks(raw) | {"makespan": max(load["seconds"] for load in raw.loads)}
        del found["throughput"]  # of a single burst it says nothing that the makespan does not
    if raw.cell.load.kind == "open":
        found |= {"dropped": raw.count("dropped"), "late": raw.count("late")}
    return found | watched(raw, successes) | raw.extra


def watched(raw: Raw, successes: int) -> dict[str, float]:
    """What was seen of the processes, where they could be seen."""
    found: dict[str, float] = {}
    if raw.usage:
        app = raw.usage.app_user + raw.usage.app_system
        found["app_cpu"] = app / raw.seconds
        # Only where the measured load is the only one does its count share out the CPU time.
        if successes and not raw.cell.background:
            found["cpu_us"] = app / successes * 1e6
            if raw.cell.variant.proxied:
                found["proxy_us"] = raw.usage.proxy / successes * 1e6
                found["total_us"] = found["cpu_us"] + found["proxy_us"]
    if raw.holding:
        found |= {"pss_mib": raw.holding.pss_mib, "threads": raw.holding.threads, "sockets": raw.holding.sockets}
    if raw.sampled:
        found["busy_slots"] = raw.sampled.busy
        if raw.sampled.loop_lag is not None:
            found["loop_lag"] = raw.sampled.loop_lag
    return found


def ranks(raw: Raw) -> dict[str, float]:
    """When the first, second, ... answer of a burst ended, in seconds from its start."""
    ended = sorted(microseconds / 1e6 for latencies in raw.merged() for microseconds, times in latencies.items() for _ in range(times))
    return {f"rank_{number}": seconds for number, seconds in enumerate(ended, 1)}
