"""Compare the received messages with the posted ones."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from loadtest.chat.payload import read
from loadtest.chat.publisher import Posts
from loadtest.chat.sockets import Subscriber


@dataclass
class Outcome:
    """The results of one phase."""

    name: str
    sockets: int
    messages: int
    expected: int = 0
    delivered: int = 0
    duplicates: int = 0
    disordered: int = 0  # messages that arrived after a later one of the same author
    latencies: list[float] = field(default_factory=list)  # seconds, sorted, of all deliveries
    frames: int = 0
    posting: list[float] = field(default_factory=list)  # seconds until a POST was answered, sorted
    posted_again: int = 0
    failed: int = 0
    closed: dict[str, int] = field(default_factory=dict)  # number of closed sockets, by close code
    longest_away: float = 0.0
    cpu: float = 0.0  # the generator's CPU use, in CPUs

    @property
    def right(self) -> bool:
        """Whether every socket received every message once and in order, and no POST failed."""
        return self.delivered == self.expected and not (self.duplicates or self.disordered or self.failed)

    def quantile(self, share: float) -> float:
        """Return the latency in seconds within which ``share`` of all deliveries were made."""
        return quantile(self.latencies, share)

    def as_dict(self) -> dict[str, Any]:
        """Return the values for ``--json``."""
        quantiles = {f"p{share * 100:g}_ms": round(self.quantile(share) * 1000, 1) for share in (0.5, 0.9, 0.99, 0.999, 1)}
        numbers = {name: value for name, value in asdict(self).items() if name not in ("latencies", "posting")}
        return numbers | quantiles | {"post_p50_ms": round(quantile(self.posting, 0.5) * 1000, 1), "right": self.right}


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` of the sorted numbers lie; 0 for no numbers."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def judge(name: str, subscribers: Sequence[Subscriber], posts: Posts) -> Outcome:
    """Count the deliveries of all sockets, and what happened to the posts."""
    outcome = Outcome(name, len(subscribers), len(posts.taken), expected=len(subscribers) * len(posts.taken))
    outcome.posted_again, outcome.failed = posts.again, len(posts.failed)
    outcome.posting = sorted(posts.seconds)
    for subscriber in subscribers:
        one(subscriber, posts, outcome)
        for code in subscriber.closed:
            outcome.closed[str(code)] = outcome.closed.get(str(code), 0) + 1
        outcome.longest_away = max([outcome.longest_away, *subscriber.away])
    outcome.latencies.sort()
    return outcome


def one(subscriber: Subscriber, posts: Posts, outcome: Outcome) -> None:
    """Add the frames of one socket to the outcome."""
    had: set[int] = set()
    newest: dict[str, int] = {}
    for when, frame in subscriber.came:
        outcome.frames += 1
        for mark in read(frame):
            if mark.id in had:
                outcome.duplicates += 1
                continue
            had.add(mark.id)
            if mark.number <= newest.get(mark.author, -1):
                outcome.disordered += 1
            newest[mark.author] = mark.number
            outcome.latencies.append(when - mark.sent)
    outcome.delivered += len(had & posts.taken)
