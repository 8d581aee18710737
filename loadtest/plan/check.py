"""Three plans that fit a small machine, measured: does each plan do what was predicted?"""

from dataclasses import dataclass

from loadtest.experiment import Experiment
from loadtest.experiments.cpu_bound import work_seconds
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.model import Cell, Chart, Load, Variant, loop, sync
from loadtest.plan.predict import Configuration, Demand, predict
from loadtest.plan.profile import Profile
from loadtest.results import Verdict

WORK = 20  # units of /cpu
SECONDS = 8.0
THROUGHPUT, P99 = 0.05, 0.25


@dataclass(frozen=True)
class Trial:
    """A configuration, the demand on it, and the load that makes this demand."""

    variant: Variant
    configuration: Configuration
    demand: Demand
    load: Load


def trials(profiles: dict[str, Profile]) -> list[Trial]:
    """Return three trials on one core each: slots at 75 %, a loop with hundreds of waits, and a loop whose CPU is at 60 %."""
    cpu = work_seconds(WORK)
    slots = Demand(wait=0.1, cpu=0.0, rate=60, p99=1)
    waits = Demand(wait=0.1, cpu=0.0, rate=250, p99=1)
    works = Demand(wait=0.0, cpu=cpu, rate=0.6 / (cpu + profiles["fastapi"].overhead), p99=1)
    return [
        Trial(sync(8), Configuration("flask", "workers", 8, 1, 1), slots, Load("open", "wait", Parameters(wait=0.1), rate=slots.rate)),
        Trial(
            loop("fastapi"), Configuration("fastapi", "loops", 1, 1, 1), waits, Load("open", "wait", Parameters(wait=0.1), rate=waits.rate)
        ),
        Trial(
            loop("fastapi"), Configuration("fastapi", "loops", 1, 1, 1), works, Load("open", "cpu", Parameters(work=WORK), rate=works.rate)
        ),
    ]


def checking(profiles: dict[str, Profile]) -> Experiment:
    """Return the experiment that measures the three trials."""
    tried = trials(profiles)

    def cell(trial: Trial) -> Cell:
        said = predict(trial.configuration, trial.demand, profiles[trial.configuration.service])
        assert said
        predicted = {"throughput": said.throughput, "p50": said.p50, "p99": said.p99}
        return Cell(trial.variant, trial.load, trial.load.words, predicted, seconds=SECONDS)

    def judge(seen: Evidence) -> Verdict:
        cells = [seen.cell(trial.variant, trial.load.words) for trial in tried]
        checks = [check for one in cells for check in (seen.near(one, "throughput", THROUGHPUT), seen.near(one, "p99", P99))]
        return seen.verdict(checks, holds="The plans do what was predicted of them.", fails="A plan does not do what was predicted of it.")

    return Experiment(
        name="plan-check",
        question="Do three plans do what was predicted of them, under random arrivals?",
        claim="Throughput within 5 % and p99 within 25 % of the plan.",
        frame="equal cores",
        cells=lambda _: [cell(trial) for trial in tried],
        chart=Chart("bars", "p99"),
        columns=("throughput", "p50", "p99", "app_cpu", "busy_slots"),
        misreading="A plan is as good as its profile: it was measured on this machine, with requests of one kind.",
        judge=judge,
        compares=False,
        command="make plan CHECK=1",
    )
