"""What bounded a cell: the first thing that was full, from the client to the server."""

from loadtest.judging.raw import Raw

FULL = 0.9


def limiter(raw: Raw, values: dict[str, float]) -> str:
    """In a few words."""
    variant, load = raw.cell.variant, raw.cell.load
    seconds = raw.seconds
    if raw.generator_cpu >= 0.8:
        return "client"
    if raw.usage:
        if raw.usage.overflows:
            return "accept backlog"
        if raw.usage.upstream / seconds >= FULL:
            return "upstream"
        if raw.usage.proxy / seconds >= FULL:
            return "proxy"
        # It has what Nginx and the generator leave of its CPU.
        database = raw.usage.database / seconds
        if database > raw.beside and database + raw.beside >= FULL:
            return "database CPU"
        if raw.beside >= FULL:
            return "CPU of proxy and client"
        if values["app_cpu"] >= FULL * min(raw.cpus, variant.workers):  # threads of one Python process share one CPU
            return "server CPU"
    waiting = load.kind in ("closed", "burst") and load.users > (variant.slots or load.users)
    busy = values.get("busy_slots", min(load.users, variant.slots or 0))
    if variant.slots is None and busy > (load.places(variant) or busy):
        return "pool"
    if variant.slots and (busy >= FULL * variant.slots or (load.kind == "burst" and waiting)):
        return "slots"
    lag = values.get("loop_lag")
    if lag is not None and "p50" in values and lag > 0.5 * values["p50"] and lag > 0.005:
        return "loop lag"
    return "the load itself"
