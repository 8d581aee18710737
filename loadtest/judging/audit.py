"""The audit of every run.

Seven rules are for any trustworthy number, four for errors that published benchmarks hid, and two for cells that may lose requests.
Each rule is a function of a run's raw data and of the values computed from them. It returns a finding, or ``None`` where it does
not apply. A run that fails a rule is not valid, and no verdict uses it.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import sqrt

from loadtest.engine.fault_injector import SIGNALS
from loadtest.judging import estimates
from loadtest.judging.raw import Raw
from loadtest.metrics import duration, number
from loadtest.results import Finding, Run

AGREES = 0.05
BUSY_GENERATOR = 0.8
# Of the CPUs that the generators share with Nginx. At a higher utilisation they wait for each other.
BUSY_BESIDE = 0.9
# Relative error of the histograms, which hold three significant digits.
ROUNDED = 0.002
LAG_SHARE = 0.05
# Rules that other work on the machine can break although the service is correct.
DISTURBED = {"steady", "generator had room", "no hidden stall"}
# Timers of event loops count whole milliseconds, and may fire that much early.
TIMER_SECONDS = 0.002
Rule = Callable[[Raw, dict[str, float]], Finding | None]


def off(measured: float, expected: float) -> float:
    """Return the difference of two numbers as a share of the second."""
    return abs(measured / expected - 1) if expected else float(measured != expected)


def finding(rule: str, residual: float, sentence: str) -> Finding:
    """Return a finding that passes where the residual, a share of what is allowed, is at most 1."""
    return Finding(rule, residual <= 1, round(residual, 4), sentence)


def together(raw: Raw) -> float:
    """Return how many requests of a closed workload may end just inside or just outside a window, or half of one.

    Slots and pool connections start at equal distances, but may synchronise and then end together. Users of a loop drift to random
    moments of their requests, and differ by at most three standard deviations.
    """
    return raw.cell.load.places(raw.cell.variant) or 3 * sqrt(raw.cell.load.users)


def littles_law(raw: Raw, values: dict[str, float]) -> Finding | None:
    """L = λW. In a closed workload L is the number of users, in others the requests in flight, integrated over the window."""
    load = raw.cell.load
    if load.kind == "hold" or "mean" not in values:
        return None
    rate = sum(raw.slices) / raw.seconds
    if load.kind == "closed":
        found, expected, whose = rate * (values["mean"] + load.pause), float(sum(part["users"] for part in raw.loads)), "users"
    else:
        in_flight = sum(part["in_flight_seconds"] for part in raw.loads) / raw.seconds
        found, expected, whose = rate * values["mean"], in_flight, "requests in flight"
    counted = max(sum(raw.slices), 1)
    # Synchronised requests all end just inside the window, or just outside it. Random arrivals vary by themselves.
    allowed = max(AGREES, together(raw) / counted)
    if load.kind == "open" and expected:
        # Requests that arrived in the window and were not answered in it were in flight, but no latency of the window contains their time.
        unanswered = abs(sum(raw.arrivals) - sum(raw.slices)) * values["mean"]
        allowed = max(AGREES, 3 / sqrt(counted)) + unanswered / (expected * raw.seconds)
    return finding("Little's law", off(found, expected) / allowed, f"{number(found)} of {number(expected)} {whose} accounted for")


def successes_only(raw: Raw, values: dict[str, float]) -> Finding | None:
    """The throughput is verified successes divided by the window's length, and no other request failed."""
    counted, failed = sum(raw.slices), raw.lost
    if failed and not raw.cell.may_lose:
        error = next((text for load in raw.all_loads for text in load["errors"]), "")
        return Finding("successes only", False, None, f"{failed:,} requests failed: {error}")
    recorded = sum(latencies.count for latencies in raw.merged())
    stated = values.get("throughput", counted / raw.seconds) * raw.seconds
    passed = abs(stated - counted) < 0.5 and recorded == counted and (counted > 0 or raw.cell.load.kind == "hold" or raw.cell.may_lose)
    return Finding(
        "successes only", passed, None, f"{stated:,.0f} stated, {counted:,} verified, {recorded:,} timed, {failed or 'none'} failed"
    )


def percentiles(raw: Raw, values: dict[str, float]) -> Finding | None:
    """The percentiles are in order, and a second, independent computation from the histograms gives the same values."""
    if "p99" not in values:
        return None
    names = ("min", "p50", "p95", "p99", "max")
    in_order = all(values[a] <= values[b] * (1 + ROUNDED) for a, b in pairwise(names))
    again = recomputed(raw)
    worst = max(again, key=lambda name: off(values[name], again[name]))
    difference = off(values[worst], again[worst])
    constant = values["max"] <= values["min"] * (1 + ROUNDED)
    copied = not constant and off(values["p99"], values["mean"]) < 1e-9
    between = values["min"] * (1 - ROUNDED) <= values["mean"] <= values["max"] * (1 + ROUNDED)
    residual = difference / ROUNDED if in_order and between and not copied else 2.0
    return finding("percentiles", residual, f"{worst} is {duration(values[worst])}, and {duration(again[worst])} from the histogram")


def recomputed(raw: Raw) -> dict[str, float]:
    """Return mean, percentiles, minimum and maximum from the histograms, in seconds."""
    run = Run(0, raw.seconds, {}, {}, raw.slices, [one.encode() for one in raw.merged()], {}, {}, [], "")
    latencies, counts = estimates.histogram([run])
    weights = counts.sum(0, keepdims=True)
    found = {name: float(estimates.quantile(latencies, weights, share)[0]) for name, share in estimates.QUANTILES.items()}
    return found | {"min": float(latencies[0]), "max": float(latencies[-1]), "mean": float(estimates.mean(latencies, weights)[0])}


def counts_agree(raw: Raw, _: dict[str, float]) -> Finding | None:
    """The client, the service and Nginx's log counted the same number of requests, from the first to the last.

    So did the cache, where each request queries it: a request that bypassed the cache has measured something else.
    """
    loads = (raw.cell.load, *raw.cell.background)
    if any(load.kind == "hold" or load.what.style == "socket" for load in loads):
        return None  # a message on an open connection has no line in the log
    if raw.cell.may_lose:
        return None  # the rule "each has a fate" covers these cells
    ended = raw.count("ended", everywhere=True)
    seen = {"the client": ended}
    if raw.sampled and not any(load.what.by_proxy for load in loads):
        seen["the service"] = raw.sampled.served
    if raw.logged is not None:
        seen["Nginx"] = sum(times for status, times in raw.logged.items() if status in {load.what.status for load in loads})
    if raw.cache_uses is not None and all(load.what.asks_cache for load in loads):
        seen["the cache"] = raw.cache_uses
    text = ", ".join(f"{who} {times:,}" for who, times in seen.items())
    return Finding("counts agree", len(set(seen.values())) == 1, None, text)


def each_has_a_fate(raw: Raw, _: dict[str, float]) -> Finding | None:
    """Where requests may be lost: each request sent was answered correctly, refused with a status, or lost without an answer.

    Nginx logged the same numbers, status by status. A request without a line in its log never reached Nginx, and counts as unanswered.
    """
    if not raw.cell.may_lose:
        return None
    begun, ended, succeeded = (raw.count(name, everywhere=True) for name in ("begun", "ended", "succeeded"))
    refusals = raw.refusals
    unanswered = raw.lost - sum(refusals.values())
    text = f"{begun:,} sent, {ended:,} ended: {succeeded:,} answered, {sum(refusals.values()):,} refused, {unanswered:,} unanswered"
    passed = begun == ended == succeeded + raw.lost
    if raw.logged is not None:
        fates = refusals | {raw.cell.load.what.status: succeeded}
        agreed = all(raw.logged.get(status, 0) == times for status, times in fates.items())
        passed = passed and agreed and begun - unanswered <= sum(raw.logged.values()) <= begun
        text += f"; Nginx {', '.join(f'{times:,} of status {status}' for status, times in sorted(raw.logged.items()))}"
    return Finding("each has a fate", passed, None, text)


def as_disturbed(raw: Raw, _: dict[str, float]) -> Finding | None:
    """Every planned disturbance took place, and each signal found requests in flight; otherwise nothing was tested."""
    if not raw.cell.disturbances:
        return None
    planned, done = len(raw.cell.disturbances), len(raw.happened)
    idle = sum(one.in_flight < 1 for one in raw.happened if one.what in SIGNALS)
    text = f"{done} of {planned} disturbances, {idle or 'none'} of them with nothing in flight"
    return Finding("as disturbed", done == planned and not idle, None, text)


def generator_had_room(raw: Raw, values: dict[str, float]) -> Finding | None:
    """The generator's CPU use, its rate against its ceiling with a null server, and how late it reads an answer that has arrived."""
    rate = (
        (raw.count("ended", everywhere=True) / max(raw.seconds, 1e-9)) if raw.cell.load.kind == "burst" else sum(raw.slices) / raw.seconds
    )
    ceiling = raw.ceiling * raw.generators
    shares = {
        f"{raw.generator_cpu:.0%} of a CPU": raw.generator_cpu / BUSY_GENERATOR,
        f"{number(rate)} of at most {number(ceiling / 2)} requests a second": rate / (ceiling / 2),
    }
    if raw.other_cpus:
        shares[f"{raw.beside:.0%} of its CPUs used with Nginx"] = raw.beside / BUSY_BESIDE
    if "p50" in values:
        cycle = values["p50"] + raw.cell.load.pause  # for a user who pauses, the whole cycle that lateness adds to
        late = f"{duration(raw.generator_lag)} late, the median being {duration(cycle)}"
        shares[late] = raw.generator_lag / (LAG_SHARE * cycle)
    return finding("generator had room", max(shares.values()), ", ".join(shares))


def second_generator(raw: Raw, values: dict[str, float]) -> Finding | None:
    """A second program measures the same throughput, in cells that are spot-checked."""
    if raw.second is None:
        return None
    return finding(
        "second generator",
        off(values["throughput"], raw.second) / AGREES,
        f"{number(values['throughput'])} here, {number(raw.second)} there",
    )


def steady(raw: Raw, _: dict[str, float]) -> Finding | None:
    """The two halves of the window agree. With random arrivals, each half is compared with the arrivals in it."""
    if raw.cell.load.kind in ("burst", "hold"):
        return None
    half = len(raw.slices) // 2
    first, second = sum(raw.slices[:half]), sum(raw.slices[half:])
    if raw.cell.load.kind == "open":
        first, second = first - sum(raw.arrivals[:half]), second - sum(raw.arrivals[half:])
        in_flight = sum(part["in_flight_seconds"] for part in raw.loads) / raw.seconds
        allowed = max(AGREES * sum(raw.arrivals) / 2, 3 * sqrt(max(sum(raw.arrivals), 1)), 4 * in_flight)
        text = f"{-first:+,} and {-second:+,} requests waiting more at the end of each half than at its start"
    else:
        allowed = max(AGREES * (first + second) / 2, together(raw))
        text = f"{first:,} answers in the first half, {second:,} in the second"
    return finding("steady", abs(first - second) / allowed, text)


def as_declared(raw: Raw, _: dict[str, float]) -> Finding | None:
    """The service has the processes and slots that the experiment declares."""
    variant = raw.cell.variant
    text = f"{raw.seen_slots or 'no'} slots of {variant.slots or 'none'}"
    passed = raw.seen_slots == variant.slots
    if raw.holding:
        expected = variant.replicas * (variant.workers + 1) if variant.by_gunicorn else variant.workers  # plus Gunicorn's master process
        passed = passed and raw.holding.processes == expected
        text += f", {raw.holding.processes} processes of {expected}"
    return Finding("as declared", passed, None, text)


def connections(raw: Raw, _: dict[str, float]) -> Finding | None:
    """Each user has a connection. With fewer connections, users queue in the generator, and the server never sees them."""
    load = raw.cell.load
    held = [part["connections"] for part in raw.loads]
    closes = not raw.cell.variant.proxied and raw.cell.variant.slots is not None  # a sync worker without Nginx, after each answer
    closes = closes or (bool(load.way) and not load.way.endswith("kept"))
    if load.kind not in ("closed", "hold") or load.what.style == "slow" or None in held or closes:
        return None
    users = sum(part["users"] for part in raw.loads)
    return Finding("connections", sum(held) >= users * (1 - AGREES), None, f"{sum(held):,} connections for {users:,} users")


def no_hidden_stall(raw: Raw, values: dict[str, float]) -> Finding | None:
    """Coordinated omission: while a server stalls, closed users send nothing, and no percentile shows the stall."""
    if raw.cell.load.kind != "closed" or "p99" not in values:
        return None
    usual = raw.seconds / max(sum(raw.slices), 1)
    shown = max(2 * values["p99"], AGREES * raw.seconds, 10 * usual)
    gap = raw.longest_gap
    return finding("no hidden stall", gap / shown, f"at most {duration(gap)} without an answer, p99 being {duration(values['p99'])}")


def none_too_early(raw: Raw, _: dict[str, float]) -> Finding | None:
    """No answer comes before the time for which the service holds a request: an earlier one cannot be a correct answer."""
    held = raw.cell.load.held(raw.cell.variant)
    counted = [summary.min for latencies in raw.merged() if (summary := latencies.summary())]
    if not held or not counted:
        return None
    earliest = held * (1 - AGREES) - TIMER_SECONDS
    return finding("none too early", earliest / min(counted), f"the first after {duration(min(counted))}, held for {duration(held)}")


RULES: tuple[Rule, ...] = (
    littles_law,
    successes_only,
    percentiles,
    counts_agree,
    each_has_a_fate,
    as_disturbed,
    generator_had_room,
    second_generator,
    steady,
    as_declared,
    connections,
    no_hidden_stall,
    none_too_early,
)
# Rules that do not apply to a cell with disturbances: there, the deviation from the steady state is what is measured.
OF_A_STEADY_STATE = {littles_law, steady, connections, no_hidden_stall}


def disturbed(findings: Sequence[Finding], changed: bool = False) -> bool:
    """Whether other programs on the machine may be the only cause of the failures. A stall can also break Little's law.

    ``changed``: the machine's speed after the run differs from its speed before it, which may be the only cause of missing time.
    """
    failed = {finding.rule for finding in findings if not finding.passed}
    return bool(failed & DISTURBED or (failed and changed)) and failed <= DISTURBED | {"Little's law"}


def audit(raw: Raw, values: dict[str, float]) -> list[Finding]:
    """Return all findings on one run."""
    rules = [rule for rule in RULES if rule not in OF_A_STEADY_STATE] if raw.cell.disturbances else RULES
    return [found for rule in rules if (found := rule(raw, values)) is not None]
