"""What a fault cost, and whether that is what it was allowed to cost. Nothing here knows of Docker or of a clock."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.chaos.events import Event, percentile
from loadtest.chaos.fault import NOT_AGAIN, Case

# Connections are made and code is run for the first time in the first second: it counts for what is lost, not for the p99.
WARM_UP_SECONDS = 1.0
# Slow is what takes twice the p99 of the calm time and this much more: one in a hundred is above a p99 on any day.
SLOW_SECONDS = 0.1
# What was due later than this after all was whole again is not slow by the fault.
SETTLE_SECONDS = 1.0


@dataclass(frozen=True)
class Moments:
    """Seconds since the load began: the fault's command began and ended, and the stack was whole again."""

    began: float
    ended: float
    whole: float


@dataclass(frozen=True)
class Loss:
    """One thing that a client lost, and the reason why the fault may cost it; no reason where it may not."""

    event: Event
    excuse: str


@dataclass(frozen=True)
class Judgement:
    """What is told of a fault. Times are seconds; ``answers_after`` is from the fault to the last failed or slow answer."""

    losses: list[Loss]
    closed: int
    calm_p99: float | None
    fault_p99: float | None
    answers_after: float
    whole_after: float
    broken: list[str]  # promises, in sentences; empty: all were kept

    def lost(self, *kinds: str) -> int:
        """How many of these kinds were lost."""
        return sum(loss.event.kind in kinds for loss in self.losses)


def judge(case: Case, events: Sequence[Event], moments: Moments) -> Judgement:
    """Judge the events of one fault."""
    calm = [one.seconds for one in events if request(one) and not one.lost and one.planned >= WARM_UP_SECONDS and one.done < moments.began]
    struck = [one for one in events if request(one) and one.done >= moments.began and one.planned <= max(moments.whole, moments.ended)]
    calm_p99, fault_p99 = percentile(calm, 0.99), percentile([one.seconds for one in struck if not one.lost], 0.99)
    losses = excused(case, sorted((one for one in events if one.lost), key=lambda one: one.done), moments)
    slow = 2 * (calm_p99 or 0.0) + SLOW_SECONDS
    over = max(moments.whole, moments.ended) + SETTLE_SECONDS
    hit = [one for one in events if one.done >= moments.began and one.planned <= over]
    bad = [one.done for one in hit if one.lost or (request(one) and one.seconds > slow)]
    judged = Judgement(
        losses=losses,
        closed=sum(one.outcome == "closed" for one in events),
        calm_p99=calm_p99,
        fault_p99=fault_p99,
        answers_after=max(bad, default=moments.began) - moments.began,
        whole_after=moments.whole - moments.began,
        broken=[],
    )
    judged.broken.extend(broken(case, judged))
    return judged


def request(event: Event) -> bool:
    """Whether its time says how long an answer took: not of a socket, nor of a stream, whose length is its own."""
    return event.kind not in ("socket", "stream")


def excused(case: Case, lost: Sequence[Event], moments: Moments) -> list[Loss]:
    """Each loss with its excuse. An answer with the wrong content has none, ever, nor has a loss from before the fault."""
    allowed, left = case.fault.allowed, case.fault.allowed.in_flight.get(case.service, 0)
    found = []
    for one in lost:
        here = allowed.everywhere or one.service == case.service
        excuse = ""
        if one.outcome == "wrong" or one.done < moments.began or not here:
            pass
        elif one.kind == "socket" and one.outcome == "cut":
            excuse = allowed.why if allowed.sockets else ""
        elif one.kind in allowed.kinds and one.planned <= moments.whole:
            excuse = allowed.why
        elif one.kind in NOT_AGAIN and one.planned <= moments.ended and left != 0:
            excuse, left = allowed.why, None if left is None else left - 1
        found.append(Loss(one, excuse))
    return found


def broken(case: Case, judged: Judgement) -> list[str]:
    """The promises that were not kept."""
    counts = Counter((loss.event.service, loss.event.kind, loss.event.outcome) for loss in judged.losses if not loss.excuse)
    found = [f"{count} {service} {kind} {outcome}" for (service, kind, outcome), count in sorted(counts.items())]
    at_most = case.fault.at_most
    if at_most is not None and judged.calm_p99 and (judged.fault_p99 or 0.0) > at_most * judged.calm_p99:
        found.append(f"p99 more than {at_most:g} times its calm value")
    return found
