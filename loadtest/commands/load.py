"""``load``: the first lesson, on the stack that runs, or on services of the laboratory's own where none does."""

import shlex
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from loadtest.commands.options import default, services, services_that_serve, workload
from loadtest.commands.running import RefusedError, add_output_options, carry_out, raise_file_limit
from loadtest.generator.parameters import WORKLOAD_NUMBERS, Number, Parameters
from loadtest.generator.workloads import SERVICES, WORKLOADS
from loadtest.judging.advice import advice
from loadtest.results import Results
from loadtest.stack import StackError, default_target, target_url

if TYPE_CHECKING:
    from loadtest.engine.existing import Existing
    from loadtest.experiment import Experiment
    from loadtest.experiments.load import Probe
    from loadtest.model import Load, Variant

RUN_NUMBERS = {
    "users": Number(int, 40, 1, 100_000, "users at once, each asking again as soon as it has its answer"),
    "seconds": Number(float, 4, 0.5, 3600, "length of each measured window; each service has two"),
    "warmup": Number(float, 1, 0, 600, "seconds before it, at least; discarded, and over when every user had an answer"),
}
# The lesson's own wait: long enough for the CPU time of a request to be a small part of it on all three services.
DEFAULTS = {"wait": 0.2}
# Of a workload. query: so few users and so short a wait that the last in the queue for a connection has one before the service gives
# up. block: so few users that a blocked loop reports to Gunicorn before it ends the worker (GUNICORN_TIMEOUT, 30 s).
DEFAULTS_OF: dict[str, dict[str, float]] = {"query": {"users": 20, "wait": 0.1, "calls": 1}, "block": {"users": 8}}
NUMBERS = RUN_NUMBERS | WORKLOAD_NUMBERS
LONGEST_REQUEST_SECONDS = 30
MOST_IN_DATABASE, MOST_WORK = 0.5, 100  # of a request of query
REPEATS = 2
# Less than the laboratory's, since the lesson is to take less than a minute.
RERUNS = 2
# Rules of the audit that no slow machine breaks, and the texts of errors that are no wrong answer.
WRONG = {"none too early", "as declared"}
OVERLOADED = ("status 429", "status 503", "status 504")
# Files that are open beside the users' connections.
OTHER_FILES = 64


def add(commands: Any, environ: Mapping[str, str]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "load",
        help="the first lesson: the same users on every service",
        description="Each option is also an environment variable of the same name in capitals (S is short for SERVICES).",
    )
    parser.add_argument(
        "--workload", type=workload, default=default(environ, "workload", "wait"), help=f"{', '.join(WORKLOADS)} (default wait)"
    )
    of_all = f"in this order (default: those of {' '.join(SERVICES)} that serve the workload)"
    parser.add_argument("--services", type=services, default=environ.get("S") or default(environ, "services"), help=of_all)
    for name, number in NUMBERS.items():
        others = "".join(f"; of {one} {numbers[name]:g}" for one, numbers in DEFAULTS_OF.items() if name in numbers)
        help_text = f"{number.meaning}; {number.accepted} (default {usual(name):g}{others})"
        parser.add_argument(f"--{name}", type=number.parse, default=default(environ, name), help=help_text)
    target = default_target(environ)
    parser.add_argument("--target", type=target_url, default=default(environ, "target", target), help=f"where Nginx is (default {target})")
    add_output_options(parser, environ)
    parser.set_defaults(run=run)


def usual(name: str, workload: str = "") -> float:
    """What a number is where nobody says another."""
    return DEFAULTS_OF.get(workload, {}).get(name, DEFAULTS.get(name, NUMBERS[name].default))


def refuse(options: Namespace) -> None:
    """What is wrong with options that are each right, in a sentence."""
    if WORKLOADS[options.workload].of_laboratory:
        raise RefusedError(
            f"WORKLOAD is {options.workload!r}, which asks for what only the laboratory's own database has: make lab X=cache"
        )
    served = services_that_serve(options.workload)
    if missing := [name for name in options.services or () if name not in served]:
        raise RefusedError(f"SERVICES is {' '.join(missing)!r}; accepted with WORKLOAD={options.workload}: {', '.join(served)}")
    if options.workload == "upstream" and options.wait * options.calls > LONGEST_REQUEST_SECONDS:
        raise RefusedError(f"WAIT times CALLS is {options.wait * options.calls:g}; accepted: at most {LONGEST_REQUEST_SECONDS} seconds")
    if options.workload == "query" and (options.wait * options.calls > MOST_IN_DATABASE or options.work * options.calls > MOST_WORK):
        raise RefusedError(
            f"WAIT times CALLS is {options.wait * options.calls:g} and WORK times CALLS {options.work * options.calls}; "
            f"accepted: at most {MOST_IN_DATABASE:g} seconds and {MOST_WORK}"
        )
    if options.workload in ("stream", "events") and options.chunks * options.interval > LONGEST_REQUEST_SECONDS:
        raise RefusedError(
            f"CHUNKS times INTERVAL is {options.chunks * options.interval:g}; accepted: at most {LONGEST_REQUEST_SECONDS} seconds"
        )
    files = raise_file_limit()
    if options.users + OTHER_FILES > files:
        raise RefusedError(
            f"USERS is {options.users}; accepted here: at most {files - OTHER_FILES}, for each has an open file of the {files} allowed"
        )


def run(arguments: Namespace) -> int:
    """Run the lesson."""

    def job(tell: Callable[[str, str], None]) -> Results:
        from loadtest.engine.existing import Existing
        from loadtest.engine.fleet import processes
        from loadtest.engine.machine import Pace, Plan, machine, shared
        from loadtest.engine.probe import probe
        from loadtest.engine.session import Lab

        settle(arguments)
        refuse(arguments)
        existing = Existing(arguments.target)
        try:
            variants = asked_services(arguments, existing)
        except StackError as error:
            raise RefusedError(f"{error} Start the stack with: make up") from None
        plan = Plan(Pace(arguments.seconds, arguments.warmup, REPEATS, RERUNS), full=False, seed=arguments.seed)
        here = shared(machine())
        with processes(here) as fleet:
            made = lesson(arguments, variants, probe(existing, fleet, variants, load_of(arguments), arguments.seed, tell))
            fleet.generators.told = live_view(arguments.target)
            return Lab([made], plan, existing, here, fleet, tell).run("load", command(arguments))

    return carry_out(arguments, job, lambda _: "make lab X=queue, after make down", trouble=wrong_answers)


def wrong_answers(results: Results) -> str | None:
    """What a person has to mend, in a sentence: answers that were wrong, and nothing that a slow or busy machine explains.

    A request that is refused with 429 or 503, or that waits until a time-out, is what an overloaded service has to answer.
    """
    for cell in (cell for experiment in results.experiments for cell in experiment.cells):
        for run in (*cell.runs, *cell.rejected):
            wrong = [finding for finding in run.audit if not finding.passed and finding.rule in WRONG]
            texts = [text for text in run.errors if not text.startswith(OVERLOADED)]
            if texts:
                return f"{cell.variant} answered wrongly: {texts[0]}. {advice('successes only')}"
            if wrong:
                return f"{cell.variant}: {wrong[0].rule}: {wrong[0].sentence}. {advice(wrong[0].rule)}"
    return None


def live_view(target: str) -> Callable[[Any], AbstractContextManager[None]]:
    """What tells the page's live view of each cell on the stack; calibration asks somebody else."""
    from loadtest.generator.live import told

    def tell(ask: Any) -> AbstractContextManager[None]:
        load = ask.loads[0]
        path = load.what.path.format(**vars(load.parameters))
        return told(target, f"make load, {ask.prefix}/{path}", lambda: load.users) if ask.target == target else nullcontext()

    return tell


def settle(arguments: Namespace) -> None:
    """Give the numbers that nobody gave: argparse does not know yet of which workload they are."""
    for name in NUMBERS:
        if getattr(arguments, name) is None:
            setattr(arguments, name, NUMBERS[name].kind(usual(name, arguments.workload)))


def asked_services(arguments: Namespace, existing: "Existing") -> "list[Variant]":
    """The services that settled options ask for, on a stack that runs; raises StackError."""
    return existing.variants(arguments.services or services_that_serve(arguments.workload), WORKLOADS[arguments.workload])


def load_of(arguments: Namespace) -> "Load":
    """What is asked of each."""
    from loadtest.model import Load

    parameters = Parameters(**{name: getattr(arguments, name) for name in WORKLOAD_NUMBERS})
    return Load("closed", arguments.workload, parameters, users=arguments.users)


def lesson(arguments: Namespace, variants: "Sequence[Variant]", probe: "Probe") -> "Experiment":
    """The experiment that settled options ask for."""
    from loadtest.experiments.load import first_lesson

    return first_lesson(variants, load_of(arguments), command(arguments), probe)


def command(arguments: Namespace) -> str:
    """The command that repeats the run, with every setting written out."""
    names = ("workload", *RUN_NUMBERS, *WORKLOAD_NUMBERS, "target", "seed")
    words = [
        f"{name.upper()}={getattr(arguments, name):g}" if name in NUMBERS else f"{name.upper()}={getattr(arguments, name)}"
        for name in names
    ]
    return shlex.join(["make", "load", *words, *([f"S={' '.join(arguments.services)}"] if arguments.services else [])])
