"""Samples, and the figures computed from them."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from loadtest.bench.cells import NOISE, Comparison

RESAMPLINGS = 2000


@dataclass(frozen=True)
class Sample:
    """One cell in one round."""

    cell: str
    round: int  # 0 is the warm-up, kept only if a request failed in it
    requests: int
    microseconds: float  # CPU time for each request
    also_microseconds: float | None = None  # of the other server, if the cell names one
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Spread:
    """A median with the minimum and the maximum of its values."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True)
class Interval:
    """A median with its 95 % confidence interval, from resampling the values (bootstrap)."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> "Interval":
        # A separate generator with a fixed seed: the same samples always give the same interval.
        draw = random.Random(1)  # noqa: S311
        medians = sorted(median(draw.choices(values, k=len(values))) for _ in range(RESAMPLINGS))
        return cls(median(values), medians[RESAMPLINGS // 40], medians[-RESAMPLINGS // 40 - 1])


@dataclass(frozen=True)
class Verdict:
    """A figure beside its aim. ``noise`` is the possible error of the figure."""

    value: float
    aim: float
    noise: float = 0.0

    @property
    def met(self) -> bool:
        return self.value <= self.aim

    @property
    def words(self) -> str:
        """``met`` or ``not met``, and whether the difference is within the noise."""
        close = self.noise and abs(self.value - self.aim) <= self.noise
        return ("met" if self.met else "not met") + (", within the noise" if close else "")


class Costs:
    """The samples of a run, by cell. A cell in which a request failed has no figure."""

    def __init__(self, samples: list[Sample]) -> None:
        self.samples = samples
        self.failed = {sample.cell: sample.failures for sample in samples if sample.failures}
        self.by_cell: dict[str, dict[int, float]] = {}
        self.also: dict[str, list[float]] = {}
        for sample in samples:
            if sample.cell not in self.failed:
                self.by_cell.setdefault(sample.cell, {})[sample.round] = sample.microseconds
                if sample.also_microseconds is not None:
                    self.also.setdefault(sample.cell, []).append(sample.also_microseconds)

    def cost(self, cell: str) -> Spread | None:
        """Return the CPU time of one request in microseconds."""
        values = self.by_cell.get(cell)
        return Spread.of(list(values.values())) if values else None

    def ratio(self, cell: str, other: str) -> Interval | None:
        """Return the cost as a multiple of the other cell's cost.

        It is computed from the quotients of the rounds, so that what slows both cells in a round cancels out.
        """
        return self.paired(cell, other, lambda one, two: one / two)

    def difference(self, cell: str, other: str) -> Interval | None:
        """Return the cost in microseconds above the other cell's cost, from the differences of the rounds."""
        return self.paired(cell, other, lambda one, two: one - two)

    def paired(self, cell: str, other: str, of: Callable[[float, float], float]) -> Interval | None:
        one, two = self.by_cell.get(cell), self.by_cell.get(other)
        return Interval.of([of(one[number], two[number]) for number in one]) if one and two else None

    @property
    def noise(self) -> float:
        """The distance from 1 of the ratio between two equal cells."""
        again = self.ratio(*NOISE)
        return abs(again.median - 1) if again else 0.0

    def verdict(self, comparison: Comparison) -> Verdict | None:
        """Compare a ratio with its aim.

        The noise is the larger of two values: the ratio's interval towards the aim, and the noise of equal cells.
        """
        ratio = self.ratio(comparison.cell, comparison.other)
        if ratio is None:
            return None
        half = ratio.median - ratio.low if ratio.median > comparison.aim else ratio.high - ratio.median
        return Verdict(ratio.median, comparison.aim, max(half, self.noise))
