"""A service's profile, measured by the laboratory: the values that the planner's formulas need as input."""

from collections.abc import Callable, Sequence

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.model import Cell, Chart, Load, Variant, loop, sync
from loadtest.plan.profile import Profile
from loadtest.results import CellResult, Results, Verdict

# Long enough that hundreds of users of an event loop do not saturate its CPU.
WAIT, WAIT_ON_LOOP = 0.1, 0.5
FEW, MANY = 1, 9
FEW_THREADS, MANY_THREADS = 2, 34
FEW_USERS, MANY_USERS = 50, 200
# The window with many users: ten rounds. After a pause of Django's process, the users' requests are synchronised, and a window
# contains a part of a round more.
MANY_SECONDS = 5.0

Measure = Callable[[Experiment], Results]


def variants(service: str) -> dict[str, tuple[Variant, int]]:
    """Return the variants to start, each with its number of users: few and many of each thing that needs memory."""
    if service == "flask":
        return {
            "few": (sync(FEW), FEW),
            "many": (sync(MANY), MANY),
            "few threads": (sync(1, threads=FEW_THREADS), FEW_THREADS),
            "many threads": (sync(1, threads=MANY_THREADS), MANY_THREADS),
        }
    return {
        "few": (loop(service, FEW), FEW_USERS),  # type: ignore[arg-type]
        "many": (loop(service, 3), FEW_USERS),  # type: ignore[arg-type]
        "few requests": (loop(service, FEW, name="one with few"), FEW_USERS),  # type: ignore[arg-type]
        "many requests": (loop(service, FEW, name="one with many"), MANY_USERS),  # type: ignore[arg-type]
    }


def profiling(service: str) -> Experiment:
    """Return the experiment that measures a profile."""

    def cells(_: bool) -> Sequence[Cell]:
        parameters = Parameters(wait=WAIT if service == "flask" else WAIT_ON_LOOP)
        return [
            Cell(variant, Load("closed", "wait", parameters, users=users), step, seconds=MANY_SECONDS if users == MANY_USERS else None)
            for step, (variant, users) in variants(service).items()
        ]

    return Experiment(
        name=f"profile of {service}",
        question=f"What does {service} cost?",
        claim="",
        frame="one service against itself",
        cells=cells,
        chart=Chart("bars", "pss_mib"),
        columns=("throughput", "cpu_us", "pss_mib", "threads"),
        misreading="",
        judge=lambda _: Verdict("holds", ""),
        compares=False,
    )


def profile(service: str, measure: Measure) -> Profile:
    """Measure a service's profile. Raise ValueError with a sentence where a cell is not valid."""
    cells = {str(cell.step): cell for cell in measure(profiling(service)).experiments[0].cells}
    if wrong := [cell for cell in cells.values() if cell.not_valid]:
        raise ValueError(f"The profile of {service} cannot be trusted: {wrong[0].key} is not valid ({wrong[0].not_valid}).")
    of = variants(service)
    process = each(cells["few"], cells["many"], of["many"][0].workers - of["few"][0].workers)
    thread = each(cells["few threads"], cells["many threads"], MANY_THREADS - FEW_THREADS) if service == "flask" else 0.0
    request = each(cells["few requests"], cells["many requests"], MANY_USERS - FEW_USERS) if service != "flask" else 0.0
    return Profile(
        service=service,
        overhead=cells["many"].estimates["cpu_us"].value / 1e6,
        shared_mib=max(0.0, cells["few"].estimates["pss_mib"].value - process),
        process_mib=process,
        thread_mib=max(0.0, thread),
        request_mib=max(0.0, request),
    )


def each(few: CellResult, many: CellResult, more: int) -> float:
    """Return the MiB for each of the ``more`` things that ``many`` has in addition to ``few``."""
    return (many.estimates["pss_mib"].value - few.estimates["pss_mib"].value) / more
