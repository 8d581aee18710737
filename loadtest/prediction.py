"""What theory says before the run."""

from loadtest.parameters import Parameters
from loadtest.workloads import Workload


def predict(workload: Workload, parameters: Parameters, users: int, slots: int | None, processes: int | None) -> float | None:
    """Requests per second of a closed workload, ``None`` where there is no honest prediction.

    A user sends its next request when it has its answer, so the throughput is what is held at once, divided by the
    time for which it is held: ``min(users, slots) / held``. An event loop (``slots`` is ``None``) holds every user's
    request, except where the request blocks the loop: then each process holds one.

    The cost in CPU is not part of it, so it is an upper bound, and a tight one only where the time held is much longer
    than that cost.
    """
    if slots is not None:
        held, at_once = workload.held_by_slot(parameters), min(users, slots)
    elif not workload.blocks:
        held, at_once = workload.held_by_loop(parameters), users
    elif processes is not None:
        held, at_once = workload.held_by_loop(parameters), min(users, processes)
    else:
        return None
    return at_once / held if held else None
