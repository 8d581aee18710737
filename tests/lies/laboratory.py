"""The laboratory for this suite: all variants run together, and each lie of a generator has its own generator."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from time import monotonic

import gevent

from loadtest.engine import calibrate
from loadtest.engine.fleet import Fleet
from loadtest.engine.local import Local
from loadtest.engine.machine import Machine, Pace
from loadtest.engine.master import Generators
from loadtest.engine.nginx_log import Lines, logged
from loadtest.engine.one_run import Measurer
from loadtest.engine.session import LOG_SECONDS
from loadtest.engine.variants import Running
from loadtest.judging.raw import Raw
from loadtest.model import Cell, Variant
from runtime.servers import Command
from tests.lies.mutations import HONEST, LIES

PACE = Pace(seconds=2.0, warm_up=0.5, repeats=1)
HERE = Path(__file__).parent


class LyingLocal(Local):
    """Variants as processes. A variant with a LIE in its environment is served from lying_app.py."""

    def command(self, service: str, port: int, environment: dict[str, str], arguments: tuple[str, ...] = ()) -> Command:
        made = super().command(service, port, environment, arguments)
        if "LIE" not in environment:
            return made
        path = {"PYTHONPATH": f"{made.environment['PYTHONPATH']}:{HERE}"}
        words = [word.replace("app:application", "lying_app:application") for word in made.words]
        return replace(made, words=words, environment={**made.environment, **path})


class Laboratory:
    """Everything that runs, for the duration of the ``with`` block of ``stack``."""

    def __init__(self, machine: Machine, stack: ExitStack) -> None:
        self.machine, self.stack = machine, stack
        self.generators: dict[str, Generators] = {}
        self.marks = 0
        self.kept: dict[tuple[str, int], Raw] = {}
        self.ceiling, self.idle_lag = calibrate.ceiling(Fleet(self.generator(""), "127.0.0.1"), machine.server_cpus)
        self.runtime = LyingLocal(machine.server_cpus, machine.other_cpus)
        stack.callback(self.runtime.stop)
        self.running = self.runtime.start(self.variants())

    def variants(self) -> list[Variant]:
        """Return each variant that a cell needs, once."""
        cells = [*HONEST.values(), *(lie.cell for lie in LIES)]
        return list({cell.variant.name: cell.variant for cell in cells}.values())

    def generator(self, lie: str) -> Generators:
        """Return the honest generator, or the one that tells the lie. Start it when it is first needed."""
        if lie not in self.generators:
            module = ("tests.lies.lying_generator", lie) if lie else ("loadtest.generator",)
            self.generators[lie] = self.stack.enter_context(Generators(1, self.machine.other_cpus, module))
        return self.generators[lie]

    def measure(self, cell: Cell, lie: str = "") -> Raw:
        """Measure one run of a cell, including Nginx's log of it."""
        running = self.running[cell.variant.name]
        measurer = Measurer(
            self.runtime, self.generator(lie), self.ceiling, self.idle_lag, float(len(self.machine.server_cpus or {0})), PACE, 0, self.marks
        )
        raw, mark = measurer.measure(cell, 0, running, lambda _: None)
        self.marks = measurer.marks
        if cell.variant.proxied:
            raw.logged = dict(self.lines(running, mark, raw).statuses)
        return raw

    def honest(self, cell: Cell, time: int) -> Raw:
        """Return run number ``time`` of a cell without a lie, which all lies that need it share."""
        if (cell.key, time) not in self.kept:
            self.kept[cell.key, time] = self.measure(cell)
        return self.kept[cell.key, time]

    def lines(self, running: Running, mark: str, raw: Raw) -> Lines:
        """Return Nginx's log lines of a run, once all are there or the time limit has passed."""
        deadline = monotonic() + LOG_SECONDS
        while True:
            waited_enough = monotonic() > deadline
            lines = logged(self.runtime.log(running)).get(mark, Lines())
            if waited_enough or sum(lines.statuses.values()) >= raw.count("ended", everywhere=True):
                return lines
            gevent.sleep(0.05)
