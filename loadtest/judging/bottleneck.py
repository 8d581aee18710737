"""The bottleneck of a cell: the first saturated resource, from the client to the server, or what users waited for without one.

In the laboratory the service counts its requests in flight. The stack that `make up` started is only seen from outside. There, the
utilisation of the slots follows from Little's law: answers per second times the seconds for which each holds a slot.
"""

from loadtest.judging.raw import Raw

FULL = 0.9
# Share of slots or connections held by waits alone. From this share on, users queue for them.
HELD = 0.75
# Latency beyond the wait, as a share of the wait, that counts as waiting for a resource.
LONGER = 0.1
# CPUs used by other programs, as a share of the machine. From this share on, users may have waited for them.
OTHERS = 0.1
NOT_SATURATED, NOT_KNOWN = "not saturated", "not known"
OTHER_PROGRAMS, BURSTS = "other programs", "CPU in bursts"


def limiter(raw: Raw, values: dict[str, float]) -> str:
    """Return the bottleneck in a few words."""
    return client_or_cpu(raw, values) or places(raw, values) or waited_for(raw, values)


def client_or_cpu(raw: Raw, values: dict[str, float]) -> str | None:
    """Return the saturated part among the generator, the CPUs, and the kernel's accept queue; ``None`` where there is none."""
    variant, seconds = raw.cell.variant, raw.seconds
    if raw.generator_cpu >= 0.8:
        return "client"
    if not raw.usage:
        return None
    if raw.usage.overflows:
        return "accept backlog"
    if raw.usage.upstream / seconds >= FULL:
        return "upstream"
    if raw.usage.proxy / seconds >= FULL:
        return "proxy"
    # The database has what Nginx and the generator leave of its CPU.
    database = raw.usage.database / seconds
    if database > raw.beside and database + raw.beside >= FULL:
        return "database CPU"
    if raw.beside >= FULL:
        return "CPU of proxy and client"
    if values["app_cpu"] >= FULL * min(raw.cpus, variant.workers):  # threads of one Python process share one CPU
        return "server CPU"
    # A stack that shares all CPUs with its load generator.
    if raw.machine and not raw.other_cpus and raw.others < OTHERS * raw.machine.cpus and (raw.ours or 0) >= FULL * raw.machine.cpus:
        return "CPU of the machine"
    return None


def places(raw: Raw, values: dict[str, float]) -> str | None:
    """Return the slots, connections, threads or loops for which users queue; ``None`` where there were enough."""
    variant, load = raw.cell.variant, raw.cell.load
    users = load.users if load.kind in ("closed", "burst") else 0
    held = load.held(variant) or 0.0
    at_most = load.places(variant)
    counted = values.get("busy_slots")
    queued = bool(at_most) and users > (at_most or 0) and values.get("throughput", 0.0) * held >= HELD * (at_most or 0)
    if variant.slots is None:
        if (counted is not None and counted > (at_most or counted)) or (counted is None and queued):
            return "threads of the loop" if load.what.hands_over else "pool"
        if load.what.blocks and users > variant.workers and values.get("throughput", 0.0) * held >= HELD * variant.workers:
            return "blocked loop"
        return None
    if load.kind == "burst" and users > variant.slots:
        return "slots"
    if counted is not None:
        return "slots" if counted >= FULL * variant.slots else None
    return ("slots" if at_most == variant.slots else "pool") if queued else None


def waited_for(raw: Raw, values: dict[str, float]) -> str:
    """Return what users waited for beyond the time for which the service holds a request, although no resource was saturated."""
    variant, load = raw.cell.variant, raw.cell.load
    lag = values.get("loop_lag")
    if lag is not None and "p50" in values and lag > 0.5 * values["p50"] and lag > 0.005:
        return "loop lag"
    if raw.sampled or load.kind != "closed" or "mean" not in values:
        return NOT_SATURATED
    held = load.held(variant)
    if held and values["mean"] <= held * (1 + LONGER):
        return NOT_SATURATED
    if raw.ours is None or not raw.machine:
        return NOT_KNOWN
    if raw.others >= OTHERS * raw.machine.cpus:
        return OTHER_PROGRAMS
    if not held:  # only CPU time, and no CPU was saturated: the users do not send enough requests
        return NOT_SATURATED
    # The longest wait that a wave of all users causes for its last request: the CPU time of the others.
    successes = max(1, sum(raw.slices))
    turn = max(raw.ours * raw.seconds / raw.machine.cpus, values["app_cpu"] * raw.seconds / min(raw.cpus, variant.workers)) / successes
    return BURSTS if values["mean"] - held <= load.users * turn else NOT_KNOWN
