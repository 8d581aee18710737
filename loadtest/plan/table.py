"""Plans as a table, as sentences, and as JSON."""

import json
from dataclasses import asdict

from rich.table import Table

from loadtest.metrics import duration, metric, number
from loadtest.model import NAMES
from loadtest.plan.planner import NoPlan, Plan, Plans
from loadtest.plan.predict import Configuration

ENDS = {
    "p99": "there the p99 is reached",
    "CPU": "there the CPU is as busy as is planned for",
    "slots": "there the slots are as busy as is planned for",
}


def percent(share: float | None) -> str:
    """Format a share as whole per cent, a dash for ``None``."""
    return "-" if share is None else f"{share:.0%}"


def words(configuration: Configuration) -> str:
    """Describe a configuration: ``93 sync workers``, ``4 processes with 27 threads each``, ``4 event loops``."""
    count = configuration.processes
    if configuration.kind == "threads":
        return f"{count:,} process{'es' * (count > 1)} with {configuration.threads:,} threads{' each' * (count > 1)}"
    noun = "sync worker" if configuration.kind == "workers" else "event loop"
    return f"{count:,} {noun}{'s' * (count > 1)}"


def cores(configuration: Configuration) -> int:
    """Return how many cores its processes can use concurrently."""
    return min(configuration.processes, configuration.cores)


def table(plans: Plans) -> Table:
    """Return a table with one row for each plan. Kinds without a plan are described in the sentences."""
    demand = plans.demand
    title = f"{demand.rate:g} a second of {duration(demand.wait)} wait and {duration(demand.cpu)} CPU, p99 within {duration(demand.p99)}"
    found = Table(title=title)
    found.add_column("service")
    found.add_column("what it takes")
    for label in ("cores", "CPU busy", "slots busy", *(metric(name).label for name in ("p50", "p99", "pss_mib")), "margin"):
        found.add_column(label, justify="right")
    for plan in plans.plans:
        one = plan.prediction
        found.add_row(
            NAMES[plan.configuration.service],
            words(plan.configuration),
            f"{cores(plan.configuration):,}",
            percent(one.cpu_utilisation),
            percent(one.slot_utilisation),
            duration(one.p50),
            duration(one.p99),
            number(one.memory_mib),
            f"{plan.margin.ratio:.2f}",
        )
    return found


def sentence(plan: Plan | NoPlan) -> str:
    """Return the sentence for a plan, or for the reason why there is none."""
    if isinstance(plan, NoPlan):
        ways = {"workers": "sync workers", "threads": "threads", "loops": "event loops"}
        return f"{NAMES[plan.service]} with {ways[plan.kind]}: {plan.reason}"
    one, count = plan.prediction, cores(plan.configuration)
    needs = f"{NAMES[plan.configuration.service]} needs {words(plan.configuration)} on {count:,} core{'s' * (count > 1)}"
    reached = f"a p99 of {duration(one.p99)} and {number(one.memory_mib)} MiB"
    return f"{needs}, for {reached}; up to {plan.margin.ratio:.2f} times the rate, {ENDS[plan.margin.limit]}."


def as_json(plans: Plans) -> str:
    """Return the dataclasses as JSON."""
    return json.dumps(asdict(plans), indent=2)
