"""The predicted behaviour of a configuration under a demand."""

from dataclasses import dataclass, replace
from math import ceil, sqrt
from typing import Literal

from loadtest.plan.held import Held
from loadtest.plan.profile import Profile
from loadtest.plan.response import LoopResponse, SlotResponse

# The highest utilisation of CPU and slots for which anything is predicted. Beyond it, the p99 depends on how much CPU times
# vary, which no profile contains: see docs/plan.md.
MOST_BUSY = 0.95

Limit = Literal["p99", "CPU", "slots"]
Kind = Literal["workers", "threads", "loops"]


@dataclass(frozen=True)
class Demand:
    """Requests of one kind with random arrivals, ``rate`` per second, and the p99 that they must keep.

    ``cores`` and ``memory_mib`` are what is available, 0 for as much as needed. Times in seconds.
    """

    wait: float
    cpu: float
    rate: float
    p99: float
    cores: int = 0
    memory_mib: float = 0.0


@dataclass(frozen=True)
class Configuration:
    """Processes of a service on ``cores``, with ``threads`` in each; 1 for sync workers and event loops."""

    service: str
    kind: Kind
    processes: int
    threads: int
    cores: int

    @property
    def slots(self) -> int | None:
        """Number of requests held concurrently, ``None`` for event loops."""
        return None if self.kind == "loops" else self.processes * self.threads


@dataclass(frozen=True)
class Prediction:
    """Throughput in requests per second, times in seconds, utilisation from 0 to 1 (``None`` for the slots of event loops)."""

    throughput: float
    mean: float
    p50: float
    p99: float
    slot_utilisation: float | None
    cpu_utilisation: float
    memory_mib: float


def predict(configuration: Configuration, demand: Demand, profile: Profile) -> Prediction | None:
    """Return the prediction, ``None`` where ``overloaded`` names a limit."""
    if overloaded(configuration, demand, profile):
        return None
    cpu = demand.cpu + profile.overhead
    processes = configuration.processes
    busy = cpu_utilisation(configuration, demand, profile)
    if configuration.kind == "loops":
        loop = LoopResponse(demand.rate / processes, demand.wait, cpu)
        at_once = demand.rate * loop.mean
        # The number of concurrent requests is nearly Poisson; 2.33 standard deviations above the mean is its 99th percentile.
        memory = memory_mib(configuration, profile, ceil(at_once + 2.33 * sqrt(at_once)))
        return Prediction(demand.rate, loop.mean, loop.percentile(0.5), loop.percentile(0.99), None, busy, memory)
    held = network(configuration, demand, profile)
    slot = SlotResponse(held)
    taken = held.rate * held.seconds / held.slots
    memory = memory_mib(configuration, profile, processes * configuration.threads)
    return Prediction(demand.rate, slot.mean, slot.percentile(0.5), slot.percentile(0.99), taken, busy, memory)


def network(configuration: Configuration, demand: Demand, profile: Profile) -> Held:
    """Return the slots of a sync service that share one queue and one set of cores."""
    cpu = demand.cpu + profile.overhead
    if configuration.kind == "threads":  # Gunicorn's gthread accepts every connection and queues it in the process
        return Held(configuration.threads, 1, demand.rate / configuration.processes, demand.wait, cpu)
    # A sync worker accepts only when it is free: one queue for all workers, in the kernel.
    return Held(configuration.processes, configuration.cores, demand.rate, demand.wait, cpu)


def cpu_utilisation(configuration: Configuration, demand: Demand, profile: Profile) -> float:
    """Return the utilisation of the cores that the processes can use: all threads of a process, or an event loop, use one."""
    return demand.rate * (demand.cpu + profile.overhead) / min(configuration.processes, configuration.cores)


def overloaded(configuration: Configuration, demand: Demand, profile: Profile) -> Limit | None:
    """Return the resource whose utilisation is too high for a prediction, ``None`` if there is none."""
    if cpu_utilisation(configuration, demand, profile) > MOST_BUSY:
        return "CPU"
    if configuration.kind == "loops":
        return None
    held = network(configuration, demand, profile)
    return None if held.stable and held.crowding <= MOST_BUSY else "slots"


def memory_mib(configuration: Configuration, profile: Profile, held: int) -> float:
    """Return the memory in MiB with ``held`` concurrent requests."""
    more_threads = configuration.processes * (configuration.threads - 1)
    return (
        profile.shared_mib + configuration.processes * profile.process_mib + more_threads * profile.thread_mib + held * profile.request_mib
    )


@dataclass(frozen=True)
class Margin:
    """The largest rate at which the p99 is kept, as a ratio to the demand's rate, and the limit that is reached there."""

    ratio: float
    limit: Limit


def margin(configuration: Configuration, demand: Demand, profile: Profile) -> Margin:
    """Return the margin of a configuration that meets the demand, accurate to 0.5 %."""

    def at(ratio: float) -> Demand:
        return replace(demand, rate=demand.rate * ratio)

    def keeps(ratio: float) -> bool:
        found = predict(configuration, at(ratio), profile)
        return found is not None and found.p99 <= demand.p99

    low, high = 1.0, 2.0
    while keeps(high):
        low, high = high, 2 * high
    while high - low > 0.005 * low:
        middle = (low + high) / 2
        low, high = (middle, high) if keeps(middle) else (low, middle)
    return Margin(low, overloaded(configuration, at(high), profile) or "p99")
