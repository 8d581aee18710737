"""Compute what a fault cost, and whether it was allowed to. Independent of Docker and of any clock."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.chaos.events import Event, percentile
from loadtest.chaos.fault import NOT_AGAIN, Case

# During the first second, connections are opened and code runs for the first time. That second counts for losses, but not
# for the p99.
WARM_UP_SECONDS = 1.0
# An answer is slow if it takes longer than twice the calm p99 plus this. The margin is needed because one answer in a
# hundred always exceeds the p99.
SLOW_SECONDS = 0.1
# The fault is not the reason that a request is slow if the request was due later than this after the recovery.
SETTLE_SECONDS = 1.0


@dataclass(frozen=True)
class Moments:
    """Seconds since the load began: when the fault's command began and ended, and when the stack was whole again."""

    began: float
    ended: float
    whole: float


@dataclass(frozen=True)
class Loss:
    """One loss of a client, and the reason why the fault may cause it; "" if it may not."""

    event: Event
    excuse: str


@dataclass(frozen=True)
class Judgement:
    """The verdict on a fault. Times are seconds.

    ``answers_after``: the time from the fault to the last failed or slow answer.
    """

    losses: list[Loss]
    closed: int
    calm_p99: float | None
    fault_p99: float | None
    answers_after: float
    whole_after: float
    broken: list[str]  # broken promises, as sentences; empty if all were kept

    def lost(self, *kinds: str) -> int:
        """Return the number of losses of these kinds."""
        return sum(loss.event.kind in kinds for loss in self.losses)


def judge(case: Case, events: Sequence[Event], moments: Moments) -> Judgement:
    """Judge a fault by the events of its run."""
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
    """Whether the event's duration is an answer time. It is not for a socket or a stream, which last as long as they are meant to."""
    return event.kind not in ("socket", "stream")


def excused(case: Case, lost: Sequence[Event], moments: Moments) -> list[Loss]:
    """Pair each loss with its excuse. An answer with wrong content never has one, nor has a loss from before the fault."""
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
    """Return the broken promises as phrases."""
    counts = Counter((loss.event.service, loss.event.kind, loss.event.outcome) for loss in judged.losses if not loss.excuse)
    found = [f"{count} {service} {kind} {outcome}" for (service, kind, outcome), count in sorted(counts.items())]
    at_most = case.fault.at_most
    if at_most is not None and judged.calm_p99 and (judged.fault_p99 or 0.0) > at_most * judged.calm_p99:
        found.append(f"p99 more than {at_most:g} times its calm value")
    return found
