"""What a run of the suite found: chaos.json is these dataclasses, and what is drawn and said comes from them."""

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
# On a quiet machine of two CPUs the p99 of the calm time is 40 ms, of which 30 are asked for, and the generator is late by 50.
CALM_SECONDS, LATE_SECONDS = 0.2, 0.5


@dataclass(frozen=True)
class Bin:
    """A tenth of a second of the timeline: what ended in it, and how long it had taken."""

    right: int = 0
    lost: int = 0
    median: float | None = None
    longest: float | None = None


@dataclass(frozen=True)
class CaseResult:
    """One fault in one setting. Times are seconds; ``began``, ``ended`` and ``whole`` are since the load began.

    ``lost`` by kind: get (HEAD too), post, upstream, stream. ``cut``: WebSockets that ended without a close frame or could not
    be opened. ``late``: how much later than due the generator itself was, at most. ``broken``: the promises that were not kept.
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
    chances: int = 1  # how many times it was done
    said: str = ""  # by the attack, of what it did and was answered
    board: BoardResult | None = None  # where clients of the notice board were there too

    @property
    def disturbed(self) -> bool:
        """Whether something else on the machine took the CPU time: by what was seen before the fault, and of the generator."""
        return self.late > LATE_SECONDS or self.calm_p99 is None or self.calm_p99 > CALM_SECONDS

    @property
    def kept(self) -> bool:
        """Whether every promise was."""
        return not self.broken

    @property
    def line(self) -> str:
        """The fault in a line."""
        lost = ", ".join(f"{count} {kind}" for kind, count in self.lost.items() if count) or "nothing"
        sockets = f"{self.cut} sockets cut, {self.closed} closed"
        times = f"p99 {duration(self.calm_p99)} before, {duration(self.fault_p99)} during"
        back = f"answers as before {after(self.answers_after)}, whole {after(self.whole_after)}"
        board = [f"board: {', '.join(self.board.words)}"] if self.board else []
        words = [f"{'kept ' if self.kept else 'BROKE'} {self.name}: lost {lost}", sockets, times, back, *board, *self.broken]
        line = "; ".join(words + ["on a busy machine"] * self.disturbed)
        return f"{line}\n      The attack: {self.said}" if self.said else line


def after(seconds: float) -> str:
    """How long something took, where it may have taken no time."""
    return f"after {duration(seconds)}" if seconds else "at once"


@dataclass(frozen=True)
class ChaosResults:
    """A run of the suite."""

    cases: list[CaseResult]
    manifest: dict[str, Any]
    format: int = 1

    @property
    def fine(self) -> bool:
        """Whether the configured stack kept every promise: the plain one is there to be compared with."""
        return all(case.kept for case in self.cases if case.setting == "configured")


def summed(
    setting: str, case: Case, judged: Judgement, moments: Moments, counts: Counter[str], events: Sequence[Event], late: float
) -> CaseResult:
    """What is kept of a fault: no event but the lost ones, and the timeline."""
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
    """What ended in each tenth of a second since the load began."""
    placed: dict[int, list[Event]] = {}
    for one in events:
        if one.outcome != "closed" and not (one.kind == "socket" and one.outcome == "right"):
            placed.setdefault(int(one.done / BIN_SECONDS), []).append(one)
    return [binned(placed.get(number, [])) for number in range(max(placed, default=-1) + 1)]


def binned(events: Sequence[Event]) -> Bin:
    """One of them."""
    times = [one.seconds for one in events if request(one) and not one.lost]
    lost = sum(one.lost for one in events)
    return Bin(len(events) - lost, lost, percentile(times, 0.5), max(times, default=None))
