"""``lab``: experiments of the claims ledger, on services of the laboratory's own."""

import shlex
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from loadtest.commands.options import RUNTIMES, default, one_of, some_of, truth
from loadtest.commands.running import RefusedError, add_output_options, carry_out, no_stack_runs, raise_file_limit
from loadtest.experiments import DATA, GROUPS, PRODUCTION, experiments
from loadtest.generator.parameters import Number
from loadtest.results import Results

# Connections of the most that an experiment opens, at both ends, and what the processes have open besides.
FILES_NEEDED = 5400
GENERATORS = Number(int, 1, 1, 16, "Locust processes")


def add(commands: Any, environ: Mapping[str, str]) -> None:
    """Add the command to the parser."""
    names = tuple(experiments())
    parser = commands.add_parser(
        "lab",
        help="experiments: predicted, measured, audited, judged",
        description=f"Experiments: {', '.join(names)}. Each option is also an environment variable of its name in capitals.",
    )
    chosen = environ.get("X") or " ".join(name for name in names if name not in (*PRODUCTION, *DATA))
    which = f"which, with spaces between (X=; default all but production, which are {', '.join(PRODUCTION)}, and data, {', '.join(DATA)})"
    parser.add_argument("--experiments", type=some_of(names, GROUPS), default=chosen, help=which)
    parser.add_argument(
        "--full", type=truth, nargs="?", const=True, default=default(environ, "full", "0"), help="longer windows, five repeats"
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
    known = experiments()

    def job(tell: Callable[[str, str], None]) -> Results:
        from loadtest.engine.fleet import containers, processes
        from loadtest.engine.machine import FULL, QUICK, Plan, machine
        from loadtest.engine.session import Lab

        if arguments.distributed and arguments.runtime != "docker":
            raise RefusedError("DISTRIBUTED=1 makes the load in containers, which reach only containers; add RUNTIME=docker")
        no_stack_runs()
        if (files := raise_file_limit()) < FILES_NEEDED:
            raise RefusedError(f"This user may open {files} files, and the laboratory needs {FILES_NEEDED}: ulimit -n {FILES_NEEDED}")
        plan = Plan(FULL if arguments.full else QUICK, arguments.full, arguments.seed)
        here = machine(arguments.generators)
        name = arguments.experiments[0] if len(arguments.experiments) == 1 else "lab"
        if arguments.runtime == "docker":
            engine_answers()
        chosen = [known[one] for one in arguments.experiments]
        tell("load generators", f"starting {here.generators}")
        with (containers if arguments.distributed else processes)(here) as fleet:
            lab = Lab(chosen, plan, runtime(arguments.runtime, here, fleet.network), here, fleet, tell)
            return lab.run(name, command(arguments))

    return carry_out(arguments, job, next_command)


def engine_answers() -> None:
    """RefusedError unless there is a Docker engine."""
    from loadtest.engine.docker_look import check_engine
    from loadtest.engine.variants import EngineError

    try:
        check_engine()
    except EngineError as error:
        raise RefusedError(str(error)) from None


def runtime(name: str, here: Any, network: str | None) -> Any:
    """Where the services run."""
    if name == "docker":
        from loadtest.engine.docker import Docker

        return Docker(here.server_cpus, here.other_cpus, network)
    from loadtest.engine.local import Local

    return Local(here.server_cpus, here.other_cpus)


def command(arguments: Namespace) -> str:
    """The command that repeats the run."""
    words = ["make", "lab", f"X={' '.join(arguments.experiments)}", f"RUNTIME={arguments.runtime}", f"SEED={arguments.seed}"]
    words += ["FULL=1"] * arguments.full + ["DISTRIBUTED=1"] * arguments.distributed
    return shlex.join([*words, *([f"GENERATORS={arguments.generators}"] if arguments.generators else [])])


def next_command(results: Results) -> str:
    """What is most useful to type after this run."""
    invalid = [one.name for one in results.experiments if any(not cell.valid for cell in one.cells)]
    if invalid:
        return f'make lab X="{" ".join(invalid)}", when nothing else runs on this machine'
    if not results.full:
        return f"make lab X={results.experiments[0].name} FULL=1" if len(results.experiments) == 1 else "make lab FULL=1"
    return "make compare A=latest B=<another folder of results>"
