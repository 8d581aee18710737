"""An experiment: a claim, the cells that put it to the test, and the rule for its verdict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from loadtest.judging.evidence import Evidence
from loadtest.model import Cell, Chart, Frame
from loadtest.results import Verdict


@dataclass(frozen=True)
class Experiment:
    """A claim that the laboratory puts to the test. ``cells`` gets whether the run is a full one."""

    name: str
    question: str
    claim: str
    frame: Frame
    cells: Callable[[bool], Sequence[Cell]]
    chart: Chart
    columns: tuple[str, ...]  # metrics of the table
    misreading: str
    judge: Callable[[Evidence], Verdict]
    compares: bool = True  # services with each other, which needs the noise floor; or only with predictions
    counts: bool = False  # requests that are lost: in a quick run once, since there is nothing to average
    second_opinion: tuple[str, ...] = ()  # keys of cells that the second generator measures too
    command: str = ""  # that repeats it; by its name where this is empty
    look: Callable[[], Mapping[str, Mapping[str, float]]] | None = None  # values by name, found without any load
