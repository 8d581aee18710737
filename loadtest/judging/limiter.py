"""What bounded a cell: the first thing that was full, from the client to the server."""

from loadtest.judging.raw import Raw

FULL = 0.9


def limiter(raw: Raw, values: dict[str, float]) -> str:
    """In a few words."""
    variant, load = raw.cell.variant, raw.cell.load
    seconds = raw.seconds
    if raw.generator_cpu >= 0.8:
        return "client"
    if raw.usage.overflows:
        return "accept backlog"
    if raw.usage.upstream / seconds >= FULL:
        return "upstream"
    if raw.usage.proxy / seconds >= FULL:
        return "proxy"
    if values["app_cpu"] >= FULL * min(raw.cpus, processes(raw)):
        return "server CPU"
    waiting = load.kind in ("closed", "burst") and load.users > (variant.slots or load.users)
    if variant.slots and (raw.sampled.busy >= FULL * variant.slots or (load.kind == "burst" and waiting)):
        return "slots"
    lag = raw.sampled.loop_lag
    if lag is not None and "p50" in values and lag > 0.5 * values["p50"] and lag > 0.005:
        return "loop lag"
    return "the load itself"


def processes(raw: Raw) -> int:
    """Processes that can use a CPU each: threads of one Python process share one."""
    return raw.cell.variant.workers
