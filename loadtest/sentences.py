"""Numbers as people read them, and the sentence on what was seen: made from the numbers, whatever they are."""

from collections.abc import Sequence

from loadtest.results import BUSY_GENERATOR, Cell, Results
from loadtest.workloads import WORKLOADS

# Differences below this are not spoken of: there is one run of each service, and no noise floor.
CLOSE = 0.05


def number(value: float | None) -> str:
    """Three significant digits or all whole ones; a dash for ``None``."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 99.95 else f"{value:.3g}"


def duration(seconds: float | None) -> str:
    """Seconds with a fitting unit: ``101 ms``, ``1.61 s``."""
    if seconds is None:
        return "-"
    return f"{number(seconds * 1000)} ms" if seconds < 0.9995 else f"{number(seconds)} s"


def listed(words: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def seen(cells: Sequence[Cell]) -> str:
    """One sentence that compares the valid rows with each other and with the prediction."""
    valid = [cell for cell in cells if cell.not_valid is None]
    parts = [compared(valid), *against_prediction(valid), *in_line(valid)] if valid else ["No row is valid, so nothing was seen"]
    if valid and len(valid) < len(cells):
        parts.append(f"the row of {listed([cell.service.name for cell in cells if cell.not_valid])} is not valid and left out of this")
    failures = {cell.service.name: cell.failures + cell.failures_outside for cell in cells}
    if failed := [f"{count:,} of {name}" for name, count in failures.items() if count]:
        parts.append(f"failed requests: {listed(failed)}")
    return "; ".join(parts) + "."


def compared(cells: Sequence[Cell]) -> str:
    """The throughput of one, or the highest and the lowest of several."""
    slow, fast = min(cells, key=lambda cell: cell.measured), max(cells, key=lambda cell: cell.measured)
    if len(cells) == 1:
        return f"With {slow.users:,} users {slow.service.name} answered {number(slow.measured)} requests a second"
    rates = f"{number(fast.measured)} against {number(slow.measured)}"
    if fast.measured < slow.measured * (1 + CLOSE):
        names = listed([cell.service.name for cell in cells])
        return f"With {slow.users:,} users each, {names} answered equally many requests a second within 5 % ({rates})"
    times = f"{number(fast.measured / slow.measured)} times as many requests a second as {slow.service.name}"
    return f"With {slow.users:,} users each, {fast.service.name} answered {times} ({rates})"


def against_prediction(cells: Sequence[Cell]) -> list[str]:
    """Whether the prediction held, where there was one."""
    ratios = {cell.service.name: cell.ratio for cell in cells if cell.ratio is not None}
    held = [name for name, ratio in ratios.items() if abs(ratio - 1) <= CLOSE]
    missed = [f"{name} reached {ratio:.2f} of it" for name, ratio in ratios.items() if abs(ratio - 1) > CLOSE]
    if not missed:
        return [f"the prediction held within 5 % for {listed(held)}"] if held else []
    if not held:
        return [f"the prediction did not hold: {listed(missed)}"]
    return [f"the prediction held within 5 % for {listed(held)} but not for the rest: {listed(missed)}"]


def in_line(cells: Sequence[Cell]) -> list[str]:
    """How much of a request's time was not the work itself, where that is most of it."""
    waited = [cell for cell in cells if cell.held and cell.latency and cell.latency.p50 > 2 * cell.held]
    if not waited:
        return []
    cell = max(waited, key=lambda cell: cell.latency.p50 if cell.latency else 0)
    assert cell.latency and cell.held
    return [f"half of {cell.service.name}'s requests took {duration(cell.latency.p50)} or more, for {duration(cell.held)} of being served"]


def next_command(results: Results) -> str:
    """What is most useful to type after this run."""
    options = results.options
    if any(cell.failures or cell.failures_outside for cell in results.cells):
        return "make logs"
    if options.users > 1 and any(cell.generator_cpu > BUSY_GENERATOR for cell in results.cells):
        return f"make load WORKLOAD={options.workload} USERS={max(1, options.users // 8)}"
    return WORKLOADS[options.workload].next_command
