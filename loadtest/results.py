"""What a run was asked for and what it found: results.json is these, and the report is drawn from them."""

from dataclasses import dataclass
from typing import Any

from loadtest.latency import Summary
from loadtest.parameters import Parameters
from loadtest.stack import Service

# Above this share of one core, Locust is late with its own work, and a row would describe it and not the service.
BUSY_GENERATOR = 0.8


@dataclass(frozen=True)
class Options:
    """What was asked for. Seconds for ``seconds`` (of the window of each service) and ``warmup`` (at least, discarded)."""

    workload: str
    services: tuple[str, ...]
    users: int
    seconds: float
    warmup: float
    parameters: Parameters
    target: str


@dataclass(frozen=True)
class Cell:
    """One service, measured. Throughputs in verified answers per second; ``ratio`` is measured over predicted."""

    service: Service
    users: int
    held: float | None
    predicted: float | None
    measured: float
    ratio: float | None
    successes: int
    failures: int
    failures_outside: int
    errors: dict[str, int]
    window_seconds: float
    latency: Summary | None
    first_piece: Summary | None
    generator_cpu: float
    not_valid: str | None


@dataclass(frozen=True)
class Results:
    """One run. ``seen`` and ``misreading`` are sentences."""

    options: Options
    cells: list[Cell]
    seen: str
    misreading: str
    manifest: dict[str, Any]

    @property
    def fine(self) -> bool:
        """Whether every row is valid and every answer was right, in the warm-up too."""
        return all(cell.not_valid is None and cell.failures == cell.failures_outside == 0 for cell in self.cells)
