"""A run of the laboratory: calibrate, then each experiment with its cells interleaved in random order, then the verdicts."""

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from time import monotonic, sleep

from loadtest.engine import calibrate
from loadtest.engine.fleet import Fleet
from loadtest.engine.machine import Machine, Plan
from loadtest.engine.manifest import manifest
from loadtest.engine.nginx_log import Lines, logged, shares
from loadtest.engine.one_run import Measurer, warm
from loadtest.engine.second import second_opinion
from loadtest.engine.second_chances import with_second_chances
from loadtest.engine.variants import Running, Runtime
from loadtest.judging.audit import audit
from loadtest.judging.evidence import Evidence, NotValidError
from loadtest.judging.limiter import limiter
from loadtest.judging.raw import Raw
from loadtest.judging.refusal import refusal
from loadtest.judging.summary import cell_result, looked_at, refused, run_of
from loadtest.judging.values import values
from loadtest.model import Cell, Experiment, Variant
from loadtest.results import CellResult, ExperimentResult, Results, Run, Session, Verdict

# Nginx writes its log lines at the latest after a fifth of a second, on a busy machine somewhat later.
LOG_SECONDS = 1.2
Tell = Callable[[str, str], None]


class Lab:
    """One run. ``tell`` gets a topic and a text about once a second; the topic says how much is left."""

    def __init__(self, experiments: Sequence[Experiment], plan: Plan, runtime: Runtime, machine: Machine, fleet: Fleet, tell: Tell) -> None:
        self.experiments, self.runtime, self.machine, self.fleet, self.tell = experiments, runtime, machine, fleet, tell
        self.full, self.pace, self.seed = plan.full, plan.pace, plan.seed
        self.random = random.Random(self.seed)  # noqa: S311  an order that can be repeated
        self.noise: dict[str, float] = {}
        self.second: list[dict[str, object]] = []

    def run(self, name: str, command: str) -> Results:
        """All of it; raises EngineError and GeneratorError. No service runs any more when it returns or raises."""
        self.tell("calibration", "what the load generator can do")
        try:
            ceiling, idle_lag = calibrate.ceiling(self.fleet, self.machine.server_cpus)
            cpus = float(len(self.machine.server_cpus or {0}))
            others = float(len(self.machine.other_cpus or ()))
            generators = self.fleet.generators
            self.measurer = Measurer(self.runtime, generators, ceiling, idle_lag, cpus, self.pace, self.seed, other_cpus=others)
            if any(experiment.compares for experiment in self.experiments):
                pair = self.measure_all(calibrate.PAIR, "how much two equal services differ")
                self.noise = calibrate.noise(pair)
            found = [self.experiment(number, experiment) for number, experiment in enumerate(self.experiments, 1)]
        finally:
            self.runtime.stop()
        session = Session(ceiling, idle_lag, self.machine.generators, self.noise, self.second)
        return Results(name, self.full, found, session, manifest(command, self.seed, self.runtime.name, self.machine))

    def experiment(self, number: int, experiment: Experiment) -> ExperimentResult:
        """One experiment, with its verdict."""
        begun = monotonic()
        cells = self.measure_all(experiment, f"{experiment.name} ({number} of {len(self.experiments)})")
        if experiment.look:
            cells += looked_at(experiment.look())
        return ExperimentResult(
            name=experiment.name,
            question=experiment.question,
            claim=experiment.claim,
            frame=experiment.frame,
            misreading=experiment.misreading,
            command=experiment.command or f"make lab X={experiment.name}" + " FULL=1" * self.full,
            chart=asdict(experiment.chart),
            columns=list(experiment.columns),
            cells=cells,
            verdict=self.judge(experiment, cells),
            seconds=monotonic() - begun,
        )

    def judge(self, experiment: Experiment, cells: list[CellResult]) -> Verdict:
        """The experiment's own rule, unless a cell that it needs is not valid."""
        try:
            return experiment.judge(Evidence(cells, self.noise, self.full))
        except NotValidError as error:
            return Verdict("not valid", f"{error}.")

    def measure_all(self, experiment: Experiment, topic: str) -> list[CellResult]:
        """Start the variants, measure every cell as often as the pace says, and stop them."""
        cells = list(experiment.cells(self.full))
        ceiling = self.measurer.ceiling * self.machine.generators
        refusals = {cell.key: why for cell in cells if (why := refusal(cell, ceiling))}
        measured = [cell for cell in cells if cell.key not in refusals]
        if not measured:
            return [refused(cell, refusals[cell.key]) for cell in cells]
        variants: dict[str, Variant] = {cell.variant.name: cell.variant for cell in measured}
        self.tell(topic, f"starting {', '.join(variants)}")
        running = self.runtime.start(list(variants.values()))
        try:
            for one in running.values():
                warm(one)
            raws = self.interleaved(measured, running, topic, 1 if experiment.counts and not self.full else self.pace.repeats)
            self.add_logs(raws, running)
            self.add_second_opinions(experiment, measured, raws, running)
            found = with_second_chances([raw for raw, _ in raws], self.conclude, lambda raw: self.again(raw, running, topic))
        finally:
            self.runtime.stop()
        return [cell_result(cell, *found[cell.key]) if cell.key in found else refused(cell, refusals[cell.key]) for cell in cells]

    def interleaved(self, cells: list[Cell], running: dict[str, Running], topic: str, repeats: int) -> list[tuple[Raw, str]]:
        """Every cell once in random order, and again, so that what changes on the machine touches all of them."""
        found: list[tuple[Raw, str]] = []
        total = len(cells) * repeats
        begun = monotonic()
        for repeat in range(repeats):
            for cell in self.random.sample(cells, len(cells)):
                left = f"{(monotonic() - begun) / len(found) * (total - len(found)):.0f} s left" if found else f"{total} windows"
                where = f"{topic}, {len(found) + 1} of {total}, {left}: {cell.variant.name}, {cell.load.words}"
                found.append(self.measurer.measure(cell, repeat, running[cell.variant.name], partial(self.tell, where)))
        return found

    def again(self, raw: Raw, running: dict[str, Running], topic: str) -> Raw:
        """One run more of a cell, with all that the first one had."""
        tell = partial(self.tell, f"{topic}, again, since the audit rejects a run: {raw.cell.key}")
        made = self.measurer.measure(raw.cell, raw.repeat, running[raw.cell.variant.name], tell)
        self.add_logs([made], running)
        made[0].second = raw.second
        return made[0]

    def add_logs(self, raws: list[tuple[Raw, str]], running: dict[str, Running]) -> None:
        """Give each run the lines that Nginx logged of it, as soon as all are there or must be."""
        deadline = monotonic() + LOG_SECONDS
        while not self.read_logs(raws, running) and monotonic() < deadline:
            sleep(0.2)

    def read_logs(self, raws: list[tuple[Raw, str]], running: dict[str, Running]) -> bool:
        """Take the lines that are there now; whether there is one for each request that ended."""
        by_variant = {}
        for name in {raw.cell.variant.name for raw, _ in raws}:
            one = running[name]
            text = self.runtime.log(one) if one.variant.proxied else None
            if text is not None:
                by_variant[name] = logged(text)
        for raw, mark in raws:
            if raw.cell.variant.name in by_variant:
                lines = by_variant[raw.cell.variant.name].get(mark, Lines())
                raw.logged = dict(lines.statuses)
                if raw.cell.may_lose:
                    raw.extra |= {"again": lines.again} | shares(lines, raw.servers)
                if lines.timed:
                    raw.extra["app_time"] = lines.app_seconds / lines.timed
        return all(sum(raw.logged.values()) >= raw.count("ended", everywhere=True) for raw, _ in raws if raw.logged is not None)

    def add_second_opinions(
        self, experiment: Experiment, cells: list[Cell], raws: list[tuple[Raw, str]], running: dict[str, Running]
    ) -> None:
        """Let the second generator measure the cells that are spot-checked."""
        for cell in cells:
            if cell.key in experiment.second_opinion:
                self.tell(experiment.name, f"the second generator on {cell.key}")
                one = running[cell.variant.name]
                rate = second_opinion(f"{one.target}{one.prefix}", cell, cell.seconds or self.pace.seconds, self.machine.other_cpus)
                mine = [sum(raw.slices) / raw.seconds for raw, _ in raws if raw.cell is cell]
                self.second.append({"cell": f"{experiment.name}: {cell.key}", "locust": sum(mine) / len(mine), "second": rate})
                for raw, _ in raws:
                    if raw.cell is cell:
                        raw.second = rate

    def conclude(self, raw: Raw) -> Run:
        """The run as it is kept."""
        found = values(raw)
        return run_of(raw, found, audit(raw, found), limiter(raw, found))
