"""Run the laboratory: calibrate, then measure and judge each experiment. The cells of an experiment are interleaved in random order.

A failed experiment does not stop the others: it is reported as failed, with a log, and the next one begins.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from time import monotonic, sleep

from loadtest.engine import calibrate, short
from loadtest.engine.cross_check import second_opinion
from loadtest.engine.fleet import Fleet
from loadtest.engine.forecast import Forecast, about
from loadtest.engine.machine import Machine, Plan
from loadtest.engine.manifest import manifest
from loadtest.engine.master import GeneratorError
from loadtest.engine.nginx_log import Lines, logged, shares
from loadtest.engine.one_run import Measurer, warm
from loadtest.engine.reruns import with_second_chances
from loadtest.engine.terminal import InterruptError
from loadtest.engine.variants import EngineError, Running, Runtime
from loadtest.experiment import Experiment
from loadtest.judging.audit import audit
from loadtest.judging.bottleneck import limiter
from loadtest.judging.evidence import Evidence, NotValidError
from loadtest.judging.generator_limit import refusal
from loadtest.judging.raw import Raw
from loadtest.judging.summary import cell_result, looked_at, refused, run_of
from loadtest.judging.values import values
from loadtest.model import Cell, Variant
from loadtest.report.rows import MARKS
from loadtest.report.schema import ReportError
from loadtest.report.unfinished_run import Kept
from loadtest.results import CellResult, ExperimentResult, Results, Run, Session, Verdict
from runtime.servers import uninterrupted

# Time-out for Nginx's log lines. Nginx writes them within 0.2 s, later on a busy machine. The wait ends once no line is missing.
LOG_SECONDS = 5.0
Tell = Callable[[str, str], None]


class Lab:
    """One run. ``tell`` gets a topic and a text about once a second; the topic says how much of the run is left.

    With ``kept``, the report is written after each experiment. A failed experiment is reported, and the others continue.
    """

    def __init__(
        self,
        experiments: Sequence[Experiment],
        plan: Plan,
        runtime: Runtime,
        machine: Machine,
        fleet: Fleet,
        tell: Tell,
        kept: Kept | None = None,
    ) -> None:
        self.experiments, self.runtime, self.machine, self.fleet, self.tell = experiments, runtime, machine, fleet, tell
        self.plan, self.full, self.pace, self.seed, self.kept = plan, plan.full, plan.pace, plan.seed, kept
        self.random = random.Random(self.seed)  # noqa: S311  a reproducible order
        self.noise: dict[str, float] = {}
        self.second: list[dict[str, object]] = []
        self.forecast = Forecast(experiments, plan)
        # Prints permanent lines. A plain function as ``tell`` (in tests) does not show them.
        self.line: Callable[..., None] = getattr(tell, "line", lambda *_, **__: None)

    def run(self, name: str, command: str) -> Results:
        """Run all experiments and return their results. Raise EngineError or GeneratorError. Stop all services in any case."""
        count = len(self.experiments)
        self.line(f"{count} experiment{'s' * (count != 1)}, {self.forecast.words}.", lasting=True)
        self.tell("calibration", "what the load generator can do")
        try:
            ceiling, idle_lag = calibrate.ceiling(self.fleet, self.machine.server_cpus)
            cpus = float(len(self.machine.server_cpus or {0}))
            others = float(len(self.machine.other_cpus or ()))
            generators = self.fleet.generators
            self.measurer = Measurer(self.runtime, generators, ceiling, idle_lag, cpus, self.pace, self.seed, other_cpus=others)
            if not self.plan.short and any(experiment.compares for experiment in self.experiments):
                pair = self.measure_all(calibrate.PAIR, "how much two equal services differ")
                self.noise = calibrate.noise(pair)
            self.forecast.start()
            found: list[ExperimentResult] = []
            for number, experiment in enumerate(self.experiments, 1):
                found.append(self.attempt(number, experiment))
                whole = self.write(found, name, command)
                self.forecast.next()
                self.say(number, found[-1])
        finally:
            self.runtime.stop()
        return whole

    def attempt(self, number: int, experiment: Experiment) -> ExperimentResult:
        """Measure one experiment. If anything in it raises, its verdict is *failed*.

        The exception propagates if there is no folder for its log, or if the load generators failed and cannot be restarted.
        """
        begun = monotonic()
        try:
            return self.experiment(number, experiment)
        except InterruptError:
            raise
        except Exception as error:
            if self.kept is None or (isinstance(error, GeneratorError) and self.fleet.renew is None):
                raise
            failed = self.failed(self.kept, experiment, error, monotonic() - begun)
            if self.fleet.renew:  # a generator may still be playing an aborted cell
                self.fleet.renew()
            return failed

    def failed(self, kept: Kept, experiment: Experiment, error: Exception, seconds: float) -> ExperimentResult:
        """Return the experiment without cells, with the verdict *failed*. Write the error to its log."""
        log = kept.log(experiment.name, error)
        said = " ".join(str(error).split()) or "no message"
        said = said if isinstance(error, EngineError | GeneratorError) else f"{type(error).__name__}: {said}."
        return self.result(experiment, [], Verdict("failed", f"{said} Its log: {log}"), seconds)

    def write(self, found: list[ExperimentResult], name: str, command: str) -> Results:
        """Write the report of the experiments so far. An experiment whose result cannot be reported counts as failed."""

        def results() -> Results:
            session = Session(self.measurer.ceiling, self.measurer.idle_lag, self.machine.generators, self.noise, self.second)
            facts = manifest(command, self.seed, self.runtime.name, self.machine) | ({"short": True} if self.plan.short else {})
            return Results(name, self.full, found, session, facts)

        if self.kept is None:
            return results()
        with uninterrupted():  # Ctrl-C here would lose a completed experiment
            try:
                return self.kept.write(results())
            except OSError as error:
                raise ReportError(f"the report cannot be written: {error.strerror} ({error.filename}).") from error
            except Exception as error:
                found[-1] = self.failed(self.kept, self.experiments[len(found) - 1], error, found[-1].seconds)
                return self.kept.write(results())

    def say(self, number: int, result: ExperimentResult) -> None:
        """Print one line about a completed experiment; on a terminal, only about a failed one."""
        outcome, left = result.verdict.outcome, len(self.experiments) - number
        why = f" {result.verdict.sentence}" if outcome == "failed" else ""
        rest = f"; {left} left, {self.forecast.words}" if left else ""
        line = f"{number} of {len(self.experiments)} {result.name}: {MARKS[outcome]} {outcome}, {about(result.seconds)}{rest}.{why}"
        self.line(line, lasting=outcome == "failed")

    def experiment(self, number: int, experiment: Experiment) -> ExperimentResult:
        """Measure one experiment and judge it."""
        begun = monotonic()
        cells = self.measure_all(experiment, f"{experiment.name} ({number} of {len(self.experiments)})")
        if experiment.look:
            cells += looked_at(experiment.look())
        verdict = self.judge(experiment, cells)
        return self.result(experiment, cells, short.verdict(verdict) if self.plan.short else verdict, monotonic() - begun)

    def result(self, experiment: Experiment, cells: list[CellResult], verdict: Verdict, seconds: float) -> ExperimentResult:
        """Return the experiment's description, cells and verdict for the report."""
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
            verdict=verdict,
            seconds=seconds,
        )

    def judge(self, experiment: Experiment, cells: list[CellResult]) -> Verdict:
        """Return the verdict of the experiment's own rule, or *not valid* if the rule needs a cell that is not valid."""
        try:
            return experiment.judge(Evidence(cells, self.noise, self.full))
        except NotValidError as error:
            return Verdict("not valid", str(error))

    def measure_all(self, experiment: Experiment, topic: str) -> list[CellResult]:
        """Start the variants, measure every cell as often as the plan says, and stop the variants."""
        cells = list(experiment.cells(self.full))
        ceiling = self.measurer.ceiling * self.machine.generators
        refusals = {cell.key: why for cell in cells if (why := refusal(cell, ceiling))}
        if self.plan.short:
            cells = [short.shortened(cell, self.pace) for cell in cells]
            kept = {cell.key for cell in short.chosen(cells)}
            refusals |= {cell.key: short.LEFT_OUT for cell in cells if cell.key not in kept}
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
            again = None if self.plan.short else partial(self.again, running=running, topic=topic)
            found = with_second_chances([raw for raw, _ in raws], self.conclude, again, self.pace.reruns)
        finally:
            self.runtime.stop()
        return [cell_result(cell, *found[cell.key]) if cell.key in found else refused(cell, refusals[cell.key]) for cell in cells]

    def interleaved(self, cells: list[Cell], running: dict[str, Running], topic: str, repeats: int) -> list[tuple[Raw, str]]:
        """Measure every cell once in random order, then repeat, so that a change on the machine affects all cells."""
        found: list[tuple[Raw, str]] = []
        total = len(cells) * repeats
        for repeat in range(repeats):
            for cell in self.random.sample(cells, len(cells)):
                where = f"{topic}, window {len(found) + 1} of {total}, {self.forecast.words} left: {cell.variant.name}, {cell.load.words}"
                found.append(self.measurer.measure(cell, repeat, running[cell.variant.name], partial(self.tell, where)))
        return found

    def again(self, raw: Raw, *, running: dict[str, Running], topic: str) -> Raw:
        """Measure the cell of a rejected run once more; return the new run with its log lines and the second opinion."""
        tell = partial(self.tell, f"{topic}, again, since the audit rejects a run: {raw.cell.key}")
        made = self.measurer.measure(raw.cell, raw.repeat, running[raw.cell.variant.name], tell)
        self.add_logs([made], running)
        made[0].second = raw.second
        return made[0]

    def add_logs(self, raws: list[tuple[Raw, str]], running: dict[str, Running]) -> None:
        """Add to each run its lines of Nginx's log. Wait until all lines are there, or until the time-out."""
        deadline = monotonic() + LOG_SECONDS
        while not self.read_logs(raws, running) and monotonic() < deadline:
            sleep(0.2)

    def read_logs(self, raws: list[tuple[Raw, str]], running: dict[str, Running]) -> bool:
        """Read the log lines written so far. Return whether there is one for each request that ended."""
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
        """Measure the experiment's spot-check cells with the second generator."""
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
        """Return the run for the report: its values, audit and bottleneck."""
        found = values(raw)
        return run_of(raw, found, audit(raw, found), limiter(raw, found))
