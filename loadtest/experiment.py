"""An experiment: a claim, the cells that test it, and the rule for its verdict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from loadtest.judging.evidence import Evidence
from loadtest.model import Cell, Chart, Frame
from loadtest.results import Verdict


@dataclass(frozen=True)
class Experiment:
    """A claim that the laboratory tests. ``cells`` is called with whether the run is a full one."""

    name: str
    question: str
    claim: str
    frame: Frame
    cells: Callable[[bool], Sequence[Cell]]
    chart: Chart
    columns: tuple[str, ...]  # metrics shown as columns of the table
    misreading: str
    judge: Callable[[Evidence], Verdict]
    compares: bool = True  # compares services with each other, which needs the noise floor; False: compares only with predictions
    counts: bool = False  # counts lost requests: a quick run measures it once, since there is nothing to average
    second_opinion: tuple[str, ...] = ()  # keys of cells that the second load generator measures too
    command: str = ""  # the command that repeats it; empty: the one with the experiment's name
    look: Callable[[], Mapping[str, Mapping[str, float]]] | None = None  # returns values by name that need no load
