"""From what was counted to a row of the table, with the reasons for which a row says nothing."""

from loadtest.prediction import predict
from loadtest.recorder import Recorder
from loadtest.results import BUSY_GENERATOR, Cell, Options
from loadtest.stack import Service
from loadtest.workloads import WORKLOADS


def summarise(service: Service, options: Options, recorder: Recorder) -> Cell:
    """The row of one service."""
    workload = WORKLOADS[options.workload]
    predicted = predict(workload, options.parameters, options.users, service.slots, service.processes)
    held = (workload.held_by_loop if service.slots is None else workload.held_by_slot)(options.parameters)
    measured = recorder.latencies.count / recorder.window_seconds
    return Cell(
        service=service,
        users=options.users,
        held=held,
        predicted=predicted,
        measured=measured,
        ratio=measured / predicted if predicted else None,
        successes=recorder.latencies.count,
        failures=recorder.failures,
        failures_outside=recorder.failures_outside,
        errors=dict(recorder.errors.most_common(5)),
        window_seconds=recorder.window_seconds,
        latency=recorder.latencies.summary(),
        first_piece=recorder.first_pieces.summary(),
        generator_cpu=recorder.generator_cpu,
        not_valid=why_not_valid(recorder, options.users) or impossible(recorder.latencies.count, predicted, held, recorder.window_seconds),
    )


def impossible(count: int, predicted: float | None, held: float | None, window_seconds: float) -> str | None:
    """Whether more was counted than can be: each of what is held at once ends at most ``window / held + 1`` times.

    Something was counted twice then, or the window was longer than its clock says. Timers end up to a millisecond early,
    hence the 2 %, and no word on what is held for less than 20 ms.
    """
    if predicted is None or held is None or held < 0.02:
        return None
    most = predicted * (window_seconds * 1.02 + held)
    return f"{count:,} answers were counted, and no more than {most:,.0f} are possible" if count > most else None


def why_not_valid(recorder: Recorder, users: int) -> str | None:
    """Why a row says nothing about its service, ``None`` when it does."""
    if recorder.generator_cpu > BUSY_GENERATOR:
        return f"the load generator used {recorder.generator_cpu:.0%} of a core: this row describes the generator"
    if not recorder.latencies.count:
        return "no request was answered rightly in the window"
    if recorder.users_ready < users:
        return f"only {recorder.users_ready} of {users} users had an answer when the warm-up ran out of time"
    return None
