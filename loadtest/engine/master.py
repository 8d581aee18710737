"""The laboratory's side of the load generators: a Locust master, and its workers as processes of this machine or elsewhere."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any, Self

import gevent
from gevent.event import Event
from locust.env import Environment

from loadtest.model import Load, Variant
from runtime.compose_file import ROOT
from runtime.servers import free_port

START_SECONDS = 60.0
# Time-out for the results of a cell: longer than a burst's window and the time that workers give to requests in flight.
LONGEST_CELL_SECONDS = 150.0


class GeneratorError(Exception):
    """The load could not be generated; the message is a whole sentence."""


@dataclass(frozen=True)
class Ask:
    """The load of one cell: the first of ``loads`` is the measured one. ``variant`` is the service that answers, where that matters."""

    mark: str  # at least eight characters; every request id starts with it
    target: str
    prefix: str
    loads: Sequence[Load]
    seconds: float
    warm_up: float
    seed: int
    variant: Variant | None = None

    def share(self, number: int, of: int) -> dict[str, Any]:
        """Return the task of worker ``number`` of ``of``."""
        return {
            "mark": f"{self.mark}{number:x}.",
            "target": self.target,
            "prefix": self.prefix,
            "seconds": self.seconds,
            "seed": self.seed * 1000 + number * 10,
            "loads": [
                {
                    **asdict(load),
                    "users": load.users // of + (number < load.users % of),
                    "rate": load.rate / of,
                    "warm_up": self.warm_up,
                    "process": (number, of),
                    "rhythm": load.rhythm(self.variant),
                }
                for load in self.loads
            ],
        }


def check_free(address: str, port: int) -> None:
    """Raise GeneratorError unless this process can listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise GeneratorError(f"Port {port} on {address} cannot be used for the load generators ({error.strerror}).") from None


class Generators:
    """A master and ``count`` workers on the CPUs ``cpus``; they stop at the end of the ``with`` block. ``module`` is what a worker runs.

    If ``external`` is set, this many workers are started elsewhere. They connect to the master at the address ``listen`` and its ``port``.
    """

    def __init__(
        self,
        count: int,
        cpus: set[int] | None,
        module: Sequence[str] = ("loadtest.generator",),
        *,
        listen: str = "127.0.0.1",
        port: int = 0,
        external: int = 0,
    ) -> None:
        self.count, self.cpus, self.module = external or count, cpus, module
        self.listen, self.port, self.external = listen, port, external
        self.processes: list[subprocess.Popen[bytes]] = []
        self.answers: dict[str, dict[str, dict[str, Any]]] = {}
        self.changed = Event()
        # Called for each cell; its block lasts for as long as the cell is played. The live view gets its data this way.
        self.told: Callable[[Ask], AbstractContextManager[None]] = lambda _: nullcontext()

    def __enter__(self) -> Self:
        port = self.port or free_port()
        check_free(self.listen, port)  # otherwise Locust ends this process
        self.runner = Environment(user_classes=[]).create_master_runner(self.listen, port)
        for name in ("listening", "warm", "result"):
            self.runner.register_message(name, self.hear)
        for _ in range(0 if self.external else self.count):
            self.processes.append(self.start(port))
        deadline = perf_counter() + START_SECONDS
        while len(self.answers.get("listening ", ())) < self.count:
            if any(process.poll() is not None for process in self.processes):
                raise GeneratorError("A load generator ended when it was started; the lines above say why.")
            if perf_counter() > deadline:
                where = f" to {self.listen}, port {port}," * bool(self.external)
                there = len(self.answers.get("listening ", ()))
                raise GeneratorError(f"{there} of {self.count} load generators reported{where} within {START_SECONDS:g} seconds.")
            gevent.sleep(0.02)
        return self

    def start(self, port: int) -> subprocess.Popen[bytes]:
        """Start one worker. It inherits this process's CPU affinity, and ends when our end of its standard input closes."""
        here = os.sched_getaffinity(0) if self.cpus else None
        if self.cpus:
            os.sched_setaffinity(0, self.cpus)
        try:
            return subprocess.Popen(
                [sys.executable, "-m", *self.module, "127.0.0.1", str(port), "--with-parent"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C must only reach the engine, which stops this worker
            )
        finally:
            if here:
                os.sched_setaffinity(0, here)

    def __exit__(self, *exception: object) -> None:
        if self.external:
            self.runner.quit()
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()
        self.runner.greenlet.kill()
        self.runner.server.close()

    def renew(self) -> None:
        """Stop the master and all workers, and start new ones."""
        self.__exit__()
        self.processes.clear()
        self.answers.clear()
        self.__enter__()

    def hear(self, msg: Any, **_: Any) -> None:
        """Store the report of a worker."""
        self.answers.setdefault(f"{msg.type} {msg.data['mark'].rpartition('.')[0][:-1]}", {})[msg.node_id] = msg.data
        self.changed.set()

    def run(self, ask: Ask, opened: Callable[[], None], closed: Callable[[], None], tell: Callable[[str], None]) -> list[dict[str, Any]]:
        """Play a cell; return each worker's counts. Call ``opened`` and ``closed`` at the start and the end of the window."""
        with self.told(ask):
            return self.play(ask, opened, closed, tell)

    def play(self, ask: Ask, opened: Callable[[], None], closed: Callable[[], None], tell: Callable[[str], None]) -> list[dict[str, Any]]:
        """Send the cell to the workers, open its window, and wait for their counts."""
        workers = list(self.runner.clients)
        for number, worker in enumerate(workers):
            self.runner.send_message("cell", ask.share(number, len(workers)), worker)
        self.wait(f"warm {ask.mark}", len(workers), START_SECONDS * 2, lambda: tell("warm-up"))
        opened()
        self.runner.send_message("open")
        begun = perf_counter()
        burst = ask.loads[0].kind == "burst"
        while not burst and (passed := perf_counter() - begun) < ask.seconds:
            tell(f"{passed:.0f} of {ask.seconds:g} s")
            gevent.sleep(min(1.0, ask.seconds - passed))
        if not burst:
            closed()
        results = self.wait(f"result {ask.mark}", len(workers), LONGEST_CELL_SECONDS, lambda: tell("requests in flight end"))
        if burst:
            closed()
        self.answers.clear()
        return results

    def wait(self, name: str, count: int, seconds: float, tell: Callable[[], None]) -> list[dict[str, Any]]:
        """Wait for this report from all workers. Raise GeneratorError if a worker ends, disconnects or takes longer than ``seconds``."""
        deadline = perf_counter() + seconds
        while len(self.answers.get(name, ())) < count:
            ended = [str(status) for process in self.processes if (status := process.poll()) is not None]
            if ended:
                raise GeneratorError(f"A load generator has ended (status {', '.join(ended)}), so this cell cannot be finished.")
            if (left := len(self.runner.clients)) != self.count:
                raise GeneratorError(f"{left} of {self.count} load generators are connected, so this cell cannot be finished.")
            if perf_counter() > deadline:
                raise GeneratorError(f"A load generator did not report within {seconds:g} seconds, so this cell cannot be finished.")
            self.changed.clear()
            if not self.changed.wait(1.0):
                tell()
        return list(self.answers[name].values())
