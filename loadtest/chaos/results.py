"""The results of a run. chaos.json contains these dataclasses, and all drawings and texts are made from them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from loadtest.chaos.board_judge import BoardResult
from loadtest.chaos.events import Event, percentile
from loadtest.chaos.fault import Case
from loadtest.chaos.judge import Judgement, Moments, request
from loadtest.metrics import duration

BIN_SECONDS = 0.1
# Limits for a disturbed run. On an idle machine with two CPUs, the calm p99 is 40 ms, of which 30 ms are the requested
# wait, and the generator is 50 ms late.
CALM_SECONDS, LATE_SECONDS = 0.2, 0.5


@dataclass(frozen=True)
class Bin:
    """A tenth of a second of the timeline: the number of requests that ended in it, and their durations in seconds."""

    right: int = 0
    lost: int = 0
    median: float | None = None
    longest: float | None = None


@dataclass(frozen=True)
class CaseResult:
    """One fault in one setting. Times are seconds; ``began``, ``ended`` and ``whole`` count from the start of the load.

    ``lost``: losses by kind: get (HEAD too), post, upstream, stream. ``cut``: WebSockets that ended without a close frame
    or could not be opened. ``late``: the largest delay of the generator itself. ``broken``: the broken promises.
    """

    setting: str
    name: str
    does: str
    allowed: str
    graceful: bool
    began: float
    ended: float
    whole: float
    planned: int
    counts: dict[str, int]
    lost: dict[str, int]
    cut: int
    closed: int
    excused: int
    calm_p99: float | None
    fault_p99: float | None
    answers_after: float
    whole_after: float
    broken: list[str]
    losses: list[dict[str, Any]]
    late: float
    bins: list[Bin] = field(default_factory=list)
    chances: int = 1  # the number of runs
    said: str = ""  # the attack's tally: what it did and which answers it got
    board: BoardResult | None = None  # set if clients of the notice board ran too

    @property
    def disturbed(self) -> bool:
        """Whether other work on the machine took the CPU time: judged by the calm p99 before the fault and by the generator's delay."""
        return self.late > LATE_SECONDS or self.calm_p99 is None or self.calm_p99 > CALM_SECONDS

    @property
    def kept(self) -> bool:
        """Whether the fault broke no promise."""
        return not self.broken

    @property
    def line(self) -> str:
        """The result as one line."""
        lost = ", ".join(f"{count} {kind}" for kind, count in self.lost.items() if count) or "nothing"
        sockets = f"{self.cut} sockets cut, {self.closed} closed"
        times = f"p99 {duration(self.calm_p99)} before, {duration(self.fault_p99)} during"
        back = f"answers as before {after(self.answers_after)}, whole {after(self.whole_after)}"
        board = [f"board: {', '.join(self.board.words)}"] if self.board else []
        words = [f"{'kept ' if self.kept else 'BROKE'} {self.name}: lost {lost}", sockets, times, back, *board, *self.broken]
        line = "; ".join(words + ["on a busy machine"] * self.disturbed)
        return f"{line}\n      The attack: {self.said}" if self.said else line


def after(seconds: float) -> str:
    """Return how long something took as a phrase; "at once" for no time."""
    return f"after {duration(seconds)}" if seconds else "at once"


@dataclass(frozen=True)
class ChaosResults:
    """A run of the suite."""

    cases: list[CaseResult]
    manifest: dict[str, Any]
    format: int = 1

    @property
    def fine(self) -> bool:
        """Whether the configured stack kept every promise. The plain stack is only a comparison."""
        return all(case.kept for case in self.cases if case.setting == "configured")


def summed(
    setting: str, case: Case, judged: Judgement, moments: Moments, counts: Counter[str], events: Sequence[Event], late: float
) -> CaseResult:
    """Return the result of a fault: its counts, its lost events and the timeline, without the other events."""
    return CaseResult(
        setting=setting,
        name=case.name,
        does=case.fault.does,
        allowed=case.fault.allowed.why,
        graceful=case.fault.graceful,
        began=moments.began,
        ended=moments.ended,
        whole=moments.whole,
        planned=counts.total(),
        counts=dict(counts),
        lost={"get": judged.lost("get", "head")} | {kind: judged.lost(kind) for kind in ("post", "upstream", "stream")},
        cut=judged.lost("socket"),
        closed=judged.closed,
        excused=sum(bool(loss.excuse) for loss in judged.losses),
        calm_p99=judged.calm_p99,
        fault_p99=judged.fault_p99,
        answers_after=judged.answers_after,
        whole_after=judged.whole_after,
        broken=judged.broken,
        losses=[
            {name: getattr(loss.event, name) for name in ("planned", "done", "kind", "service", "outcome", "status", "why")}
            | {"excuse": loss.excuse}
            for loss in judged.losses
        ],
        late=late,
        bins=timeline(events),
    )


def timeline(events: Sequence[Event]) -> list[Bin]:
    """Return the bins of the timeline: the events that ended in each tenth of a second since the load began."""
    placed: dict[int, list[Event]] = {}
    for one in events:
        if one.outcome != "closed" and not (one.kind == "socket" and one.outcome == "right"):
            placed.setdefault(int(one.done / BIN_SECONDS), []).append(one)
    return [binned(placed.get(number, [])) for number in range(max(placed, default=-1) + 1)]


def binned(events: Sequence[Event]) -> Bin:
    """Summarise the events of one bin."""
    times = [one.seconds for one in events if request(one) and not one.lost]
    lost = sum(one.lost for one in events)
    return Bin(len(events) - lost, lost, percentile(times, 0.5), max(times, default=None))
