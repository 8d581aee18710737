"""``lab``: experiments of the claims ledger, on services that the laboratory starts itself."""

import shlex
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from loadtest.commands.options import RUNTIMES, default, one_of, some_of, truth
from loadtest.commands.running import RefusedError, add_output_options, carry_out, no_stack_runs, raise_file_limit, say
from loadtest.experiments import DATA, GROUPS, PRODUCTION, experiments
from loadtest.generator.parameters import Number
from loadtest.report.schema import ReportError
from loadtest.report.unfinished_run import Kept
from loadtest.results import Results

# Both ends of the largest number of connections that an experiment opens, plus the other open files of the processes.
FILES_NEEDED = 5400
GENERATORS = Number(int, 1, 1, 16, "Locust processes")
# The options that a resumed run keeps, and the value of each where the user sets none.
OPTIONS = {"experiments": (), "full": False, "short": False, "runtime": "local", "generators": None, "distributed": False, "seed": 1}


def add(commands: Any, environ: Mapping[str, str]) -> None:
    """Add the command to the parser."""
    names = tuple(experiments())
    parser = commands.add_parser(
        "lab",
        help="experiments: predicted, measured, audited, judged",
        description=f"Experiments: {', '.join(names)}. Each option is also an environment variable of its name in capitals.",
    )
    which = f"which, with spaces between (X=; default all but production, which are {', '.join(PRODUCTION)}, and data, {', '.join(DATA)})"
    parser.add_argument("--experiments", type=some_of(names, GROUPS), default=environ.get("X") or None, help=which)
    parser.add_argument(
        "--full", type=truth, nargs="?", const=True, default=default(environ, "full", "0"), help="longer windows, five repeats"
    )
    parser.add_argument(
        "--short", type=truth, nargs="?", const=True, default=default(environ, "short", "0"), help="whether all runs to its end; no numbers"
    )
    parser.add_argument(
        "--resume",
        type=truth,
        nargs="?",
        const=True,
        default=default(environ, "resume", "0"),
        help="continue the newest run that was broken off",
    )
    parser.add_argument("--runtime", type=one_of(RUNTIMES), default=default(environ, "runtime", "local"), help="local (default) or docker")
    parser.add_argument(
        "--generators", type=GENERATORS.parse, default=default(environ, "generators"), help="Locust processes (default: by the CPUs)"
    )
    parser.add_argument(
        "--distributed",
        type=truth,
        nargs="?",
        const=True,
        default=default(environ, "distributed", "0"),
        help="as containers of the service locust-worker; with --runtime docker",
    )
    add_output_options(parser, environ)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Run the experiments."""
    try:
        kept = resumed(arguments) if arguments.resume else begun(arguments)
    except (RefusedError, ReportError) as error:
        return say(f"loadtest: {error}", 2)

    def job(tell: Callable[[str, str], None]) -> Results:
        from loadtest.engine.fleet import containers, processes
        from loadtest.engine.session import Lab

        no_stack_runs()
        if (files := raise_file_limit()) < FILES_NEEDED:
            raise RefusedError(f"This user may open {files} files, and the laboratory needs {FILES_NEEDED}: ulimit -n {FILES_NEEDED}")
        here = machine_of(arguments)
        if arguments.runtime == "docker":
            engine_answers()
        known = experiments()
        chosen = [known[one] for one in kept.missing]
        tell("load generators", f"starting {here.generators}")
        with (containers if arguments.distributed else processes)(here) as fleet:
            lab = Lab(chosen, plan(arguments), runtime(arguments.runtime, here, fleet.network), here, fleet, tell, kept)
            return lab.run(kept.name, command(arguments))

    if kept.done:
        total = len(kept.options["experiments"])
        print(
            f"Continuing {kept.place}: {len(kept.done)} of {total} experiments are there. "
            "The calibration is made again, and the report says which experiments belong to which.",
            file=sys.stderr,
        )
    return carry_out(arguments, job, next_command, kept)


def begun(arguments: Namespace) -> Kept:
    """Return a new run. Raise RefusedError for options that exclude each other."""
    if arguments.full and arguments.short:
        raise RefusedError("FULL=1 and SHORT=1 exclude each other")
    if arguments.distributed and arguments.runtime != "docker":
        raise RefusedError("DISTRIBUTED=1 makes the load in containers, which reach only containers; add RUNTIME=docker")
    arguments.experiments = arguments.experiments or tuple(name for name in experiments() if name not in (*PRODUCTION, *DATA))
    name = arguments.experiments[0] if len(arguments.experiments) == 1 else "lab"
    return Kept(arguments.results, name, {option: getattr(arguments, option) for option in OPTIONS}, conditions(arguments))


def resumed(arguments: Namespace) -> Kept:
    """Return the newest run that was interrupted, and set ``arguments`` to its options.

    Raise RefusedError where an option differs, and ReportError where the conditions do.
    """
    kept = Kept.newest(arguments.results)
    for option, usual in OPTIONS.items():
        asked, was = getattr(arguments, option) or usual, kept.options[option]
        was = tuple(was) if isinstance(was, list) else was
        if asked not in (usual, was):
            name = "X" if option == "experiments" else option.upper()
            raise RefusedError(f"RESUME=1 continues {kept.place} with the options that it has; leave out {name}, or RESUME=1")
        setattr(arguments, option, was)
    kept.check(conditions(arguments))
    return kept


def conditions(arguments: Namespace) -> dict[str, Any]:
    """Return the conditions that a run's numbers depend on."""
    from loadtest.engine.manifest import conditions

    return conditions(arguments.seed, arguments.runtime, machine_of(arguments))


def machine_of(arguments: Namespace) -> Any:
    """Return how the CPUs are divided."""
    from loadtest.engine.machine import machine

    return machine(arguments.generators)


def plan(arguments: Namespace) -> Any:
    """Return the plan of the run: its pace, whether it is full, and its seed."""
    from loadtest.engine.machine import FULL, QUICK, SHORT, Plan

    return Plan(FULL if arguments.full else SHORT if arguments.short else QUICK, arguments.full, arguments.seed)


def engine_answers() -> None:
    """Raise RefusedError unless a Docker engine answers."""
    from loadtest.engine.docker_look import check_engine
    from loadtest.engine.variants import EngineError

    try:
        check_engine()
    except EngineError as error:
        raise RefusedError(str(error)) from None


def runtime(name: str, here: Any, network: str | None) -> Any:
    """Return the runtime that starts the services: local processes or Docker."""
    if name == "docker":
        from loadtest.engine.docker import Docker

        return Docker(here.server_cpus, here.other_cpus, network)
    from loadtest.engine.local import Local

    return Local(here.server_cpus, here.other_cpus)


def command(arguments: Namespace) -> str:
    """Return the command that repeats the run."""
    words = ["make", "lab", f"X={' '.join(arguments.experiments)}", f"RUNTIME={arguments.runtime}", f"SEED={arguments.seed}"]
    words += ["FULL=1"] * arguments.full + ["SHORT=1"] * arguments.short + ["DISTRIBUTED=1"] * arguments.distributed
    return shlex.join([*words, *([f"GENERATORS={arguments.generators}"] if arguments.generators else [])])


def next_command(results: Results) -> str:
    """Return the most useful command after this run."""
    if results.failed:
        return f'make lab X="{" ".join(one.name for one in results.failed)}", when that is mended'
    if results.short:
        return "make lab"
    invalid = [one.name for one in results.experiments if any(not cell.valid for cell in one.cells)]
    if invalid:
        return f'make lab X="{" ".join(invalid)}", when nothing else runs on this machine'
    if not results.full:
        return f"make lab X={results.experiments[0].name} FULL=1" if len(results.experiments) == 1 else "make lab FULL=1"
    return "make compare A=latest B=<another folder of results>"
