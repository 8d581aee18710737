"""The first lesson: the same users with the same workload on one service after another."""

from collections.abc import Callable
from functools import partial

from loadtest.manifest import manifest
from loadtest.measure import run_cell
from loadtest.results import Options, Results
from loadtest.sentences import seen
from loadtest.stack import look_at
from loadtest.summary import summarise
from loadtest.users import user_class
from loadtest.workloads import WORKLOADS


def run_load(options: Options, progress: Callable[[str, str], None]) -> Results:
    """Measure each service in turn. Raises stack.StackError. ``progress`` gets a topic and a text about once a second."""
    workload = WORKLOADS[options.workload]
    about = manifest(options)
    services = [look_at(options.target, name) for name in options.services]
    cells = []
    for number, service in enumerate(services, 1):
        topic = f"{service.name} ({number} of {len(services)})"
        user = user_class(service.name, workload, options.parameters, options.target)
        recorder = run_cell(user, options.users, options.warmup, options.seconds, partial(progress, topic))
        cells.append(summarise(service, options, recorder))
    return Results(options, cells, seen(cells), workload.misreading, about)
