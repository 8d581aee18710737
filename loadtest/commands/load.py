"""``load``: the first lesson, on the stack that runs."""

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
# The lesson's own wait: long enough that a request's CPU time is a small part of it on all three services.
DEFAULTS = {"wait": 0.2}
# Defaults by workload. query: with so few users and so short a wait, the last one in the queue gets a connection before the service's
# time-out. block: with so few users, a blocked loop reports to Gunicorn before Gunicorn kills the worker (GUNICORN_TIMEOUT, 30 s).
DEFAULTS_OF: dict[str, dict[str, float]] = {"query": {"users": 20, "wait": 0.1, "calls": 1}, "block": {"users": 8}}
NUMBERS = RUN_NUMBERS | WORKLOAD_NUMBERS
LONGEST_REQUEST_SECONDS = 30
MOST_IN_DATABASE, MOST_WORK = 0.5, 100  # limits for one request of query: seconds of wait, units of work
REPEATS = 2
# Fewer than the laboratory's, since the lesson must take less than a minute.
RERUNS = 2
# Audit rules that a slow machine cannot break, and the beginnings of error texts that do not mean a wrong answer.
WRONG = {"none too early", "as declared"}
OVERLOADED = ("status 429", "status 503", "status 504")
# Files that are open in addition to the users' connections.
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
    """Return a number's default for the workload."""
    return DEFAULTS_OF.get(workload, {}).get(name, DEFAULTS.get(name, NUMBERS[name].default))


def refuse(options: Namespace) -> None:
    """Raise RefusedError where options exclude each other, although each is valid by itself."""
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
    """Return what the operator has to fix, in a sentence; ``None`` where nothing was wrong.

    Only wrong answers count, not what a slow or busy machine explains. An overloaded service is right to refuse a request with 429 or
    503, or to let it reach a time-out.
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
    """Return a function that reports each cell on the stack to the page's live view.

    Calibration has another target, and is not reported.
    """
    from loadtest.generator.live import told

    def tell(ask: Any) -> AbstractContextManager[None]:
        load = ask.loads[0]
        path = load.what.path.format(**vars(load.parameters))
        return told(target, f"make load, {ask.prefix}/{path}", lambda: load.users) if ask.target == target else nullcontext()

    return tell


def settle(arguments: Namespace) -> None:
    """Set the numbers that the user did not give. Their defaults depend on the workload, which argparse does not know yet."""
    for name in NUMBERS:
        if getattr(arguments, name) is None:
            setattr(arguments, name, NUMBERS[name].kind(usual(name, arguments.workload)))


def asked_services(arguments: Namespace, existing: "Existing") -> "list[Variant]":
    """Return the services that the options name, on a running stack. Raise StackError."""
    return existing.variants(arguments.services or services_that_serve(arguments.workload), WORKLOADS[arguments.workload])


def load_of(arguments: Namespace) -> "Load":
    """Return the load that each service gets."""
    from loadtest.model import Load

    parameters = Parameters(**{name: getattr(arguments, name) for name in WORKLOAD_NUMBERS})
    return Load("closed", arguments.workload, parameters, users=arguments.users)


def lesson(arguments: Namespace, variants: "Sequence[Variant]", probe: "Probe") -> "Experiment":
    """Return the experiment that the options describe."""
    from loadtest.experiments.load import first_lesson

    return first_lesson(variants, load_of(arguments), command(arguments), probe)


def command(arguments: Namespace) -> str:
    """Return the command that repeats the run, with every setting written out."""
    names = ("workload", *RUN_NUMBERS, *WORKLOAD_NUMBERS, "target", "seed")
    words = [
        f"{name.upper()}={getattr(arguments, name):g}" if name in NUMBERS else f"{name.upper()}={getattr(arguments, name)}"
        for name in names
    ]
    return shlex.join(["make", "load", *words, *([f"S={' '.join(arguments.services)}"] if arguments.services else [])])
