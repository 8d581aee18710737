"""Small simulators that share no formula with the code they check. Times are in seconds. The first tenth of each run is discarded."""

import heapq
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Draw = Callable[[random.Random], float]


@dataclass(frozen=True)
class Seen:
    """Simulated times, sorted."""

    times: list[float]

    @classmethod
    def of(cls, times: Sequence[float]) -> "Seen":
        return cls(sorted(times[len(times) // 10 :]))

    @property
    def mean(self) -> float:
        return sum(self.times) / len(self.times)

    def percentile(self, share: float) -> float:
        return self.times[int(share * len(self.times))]

    def beyond(self, seconds: float) -> float:
        return sum(time > seconds for time in self.times) / len(self.times)


def constant(seconds: float) -> Draw:
    return lambda _: seconds


def exponential(mean: float) -> Draw:
    return lambda chance: chance.expovariate(1 / mean)


def gamma(mean: float, variation: float) -> Draw:
    """Return a gamma distribution with this squared coefficient of variation."""
    return lambda chance: chance.gammavariate(1 / variation, mean * variation)


def first_come(servers: int, rate: float, service: Draw, customers: int = 300_000, seed: int = 1) -> tuple[Seen, Seen]:
    """Return the waiting and sojourn times of a first-come, first-served queue with Poisson arrivals."""
    chance, now, free = random.Random(seed), 0.0, [0.0] * servers
    waits, sojourns = [], []
    for _ in range(customers):
        now += chance.expovariate(rate)
        begin, needed = max(now, heapq.heappop(free)), service(chance)
        heapq.heappush(free, begin + needed)
        waits.append(begin - now)
        sojourns.append(begin + needed - now)
    return Seen.of(waits), Seen.of(sojourns)


def slots(count: int, cores: int, rate: float, wait: float, cpu: Draw, customers: int = 150_000, seed: int = 1) -> tuple[Seen, Seen]:
    """Return response times and slot holding times. A request waits, then shares ``cores`` equally with all slots that need CPU time.

    ``work`` is the CPU time that each sharing request has had since the start, so a request ends when ``work`` reaches its mark.
    """
    chance, now, work, number = random.Random(seed), 0.0, 0.0, 0
    arrival, line, arrived, began = chance.expovariate(rate), deque[int](), dict[int, float](), dict[int, float]()
    waiting, sharing = list[tuple[float, int]](), list[tuple[float, int]]()
    responses, held = list[float](), list[float]()
    while len(responses) < customers:
        speed = min(1.0, cores / len(sharing)) if sharing else 0.0
        done = now + (sharing[0][0] - work) / speed if sharing else float("inf")
        waited = waiting[0][0] if waiting else float("inf")
        then = min(arrival, done, waited)
        work, now = work + speed * (then - now), then
        if then == arrival:
            number += 1
            arrived[number], arrival = now, now + chance.expovariate(rate)
            line.append(number)
        elif then == waited:
            heapq.heappush(sharing, (work + cpu(chance), heapq.heappop(waiting)[1]))
        else:
            ended = heapq.heappop(sharing)[1]
            responses.append(now - arrived.pop(ended))
            held.append(now - began.pop(ended))
        while line and len(began) < count:
            began[line[0]] = now
            heapq.heappush(waiting, (now + wait, line.popleft()))
    return Seen.of(responses), Seen.of(held)


def loops(count: int, rate: float, before: float, wait: float, after: float, customers: int = 200_000, seed: int = 1) -> Seen:
    """Return the response times of event loops to which requests go at random, with CPU time ``before`` and ``after`` the wait."""
    chance, now = random.Random(seed), 0.0
    free = [0.0] * count
    events = list[tuple[float, int, float, bool]]()
    for _ in range(customers):
        now += chance.expovariate(rate)
        events.append((now, chance.randrange(count), now, False))
    heapq.heapify(events)
    responses = []
    while events:
        ready, loop, arrived, second = heapq.heappop(events)
        free[loop] = max(free[loop], ready) + (after if second else before)
        if second:
            responses.append(free[loop] - arrived)
        else:
            heapq.heappush(events, (free[loop] + wait, loop, arrived, True))
    return Seen.of(responses)
