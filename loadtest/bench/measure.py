"""The run: every cell once in each round, in random order, and the CPU time that its server used."""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby

from loadtest.bench.cells import Cell
from loadtest.bench.load import Load
from loadtest.bench.results import Sample
from runtime.proc import tree
from runtime.servers import ServerFailed, Servers

Meter = Callable[[list[int]], float]
# The share of a cell's requests that is sent first and not counted, so that connections, caches and the CPU's frequency
# settle.
WARM_UP = 0.1
# No further round starts after this, so that the whole run takes less than three minutes.
ROUNDS_SECONDS = 130


def measure(cell: Cell, servers: Servers, meter: Meter, round_number: int) -> Sample:
    """Send the cell's requests after a warm-up, and measure their CPU time."""
    used = [0.0, 0.0]
    with Load(servers.port(cell.server), cell.path, cell.headers, cell.expected, cell.connections) as load:
        load.run(max(cell.connections, int(cell.requests * WARM_UP)))
        processes = [tree(servers.pid(name)) for name in (cell.server, cell.also) if name]
        try:
            before = [meter(pids) for pids in processes]
            load.run(cell.requests)
            used = [meter(pids) - start for pids, start in zip(processes, before, strict=True)]
        except OSError:  # a process has ended
            load.failures.append("a process of the server ended")
        # The other server may have new processes: PostgreSQL starts one for each connection.
        now = [tree(pids[0]) for pids in processes]
        if now[0] != processes[0] or not set(processes[-1]) <= set(now[-1]):
            load.failures.append("the server's processes changed meanwhile")
    microseconds = [seconds / cell.requests * 1e6 for seconds in used]
    return Sample(cell.name, round_number, cell.requests, microseconds[0], microseconds[1] if cell.also else None, load.failures)


def attempt(cell: Cell, servers: Servers, meter: Meter, round_number: int) -> Sample:
    """Measure a cell; if that fails, return a sample without a figure, so that the other cells keep theirs."""
    try:
        return measure(cell, servers, meter, round_number)
    except (OSError, ServerFailed) as error:  # usually because its server has ended
        return Sample(cell.name, round_number, cell.requests, 0.0, None, [f"not measured: {error}"])


def one_round(cells: list[Cell], order: random.Random) -> list[Cell]:
    """Return the cells in random order, with the cells of one block together."""
    blocks = [list(members) for _, members in groupby(sorted(cells, key=lambda cell: cell.block), key=lambda cell: cell.block)]
    order.shuffle(blocks)
    for members in blocks:
        order.shuffle(members)
    return [cell for members in blocks for cell in members]


def run(
    cells: list[Cell], servers: Servers, meter: Meter, rounds: int, seed: int, progress: Callable[[str], None], least: int | None = None
) -> list[Sample]:
    """Return the samples of ``rounds`` rounds. On a busy machine there are fewer rounds, but at least ``least`` if it is given."""
    order = random.Random(seed)  # noqa: S311  an order, not a secret
    samples = []
    deadline = time.monotonic() + ROUNDS_SECONDS
    for number in range(rounds + 1):  # the first round is discarded: its requests import modules and fill caches
        if least is not None and number > least and time.monotonic() > deadline:
            break
        for cell in one_round(cells, order):
            progress(f"round {number} of {rounds}" if number else "warm-up")
            sample = attempt(cell, servers, meter, number)
            if number or sample.failures:
                samples.append(sample)
    return samples


@contextmanager
def apart() -> Iterator[Callable[[], None]]:
    """Separate the servers from this process: processes started in the block run on all CPUs but one.

    The yielded function moves this process to that one CPU. With only one CPU, all share it.
    """
    given = os.sched_getaffinity(0)
    own = {min(given)}
    if len(given) > 1:
        os.sched_setaffinity(0, given - own)
    try:
        yield lambda: os.sched_setaffinity(0, own)
    finally:
        os.sched_setaffinity(0, given)
