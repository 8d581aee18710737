"""``plan``: how many workers, threads and replicas a demand needs. CHECK=1 measures whether such plans hold on this machine."""

from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from loadtest.commands.options import default, truth
from loadtest.commands.running import add_output_options, carry_out, laboratory, no_stack_runs, raise_file_limit
from loadtest.experiment import Experiment
from loadtest.plan import cli
from loadtest.plan.profile import PROFILES, SERVICES, Profile, ProfileError, read, write
from loadtest.results import Results

Tell = Callable[[str, str], None]


def add(commands: Any, environ: Mapping[str, str]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "plan",
        help="how many workers, threads and replicas a demand needs",
        description=f"From a profile of each service, which is measured once and kept in {PROFILES}, and queueing theory.",
    )
    cli.add_arguments(parser, environ)
    parser.add_argument("--check", type=truth, nargs="?", const=True, default=default(environ, "check", "0"), help="measure three plans")
    parser.add_argument(
        "--again", type=truth, nargs="?", const=True, default=default(environ, "again", "0"), help="measure the profiles again"
    )
    add_output_options(parser, environ, with_json=False)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Print the plans. Measure missing profiles first."""
    if arguments.again:
        PROFILES.unlink(missing_ok=True)
    if not arguments.check:
        return cli.run(arguments, lambda service: measured(service, arguments.seed))

    def job(tell: Tell) -> Results:
        from loadtest.plan.check import checking

        profiles = read(PROFILES)
        for service in SERVICES:
            if service not in profiles:
                profiles[service] = by_laboratory(service, arguments.seed, tell)
                write(list(profiles.values()), PROFILES)  # after each measurement: the next one may fail
        return one_experiment(checking(profiles), arguments.seed, tell)

    return carry_out(arguments, job, lambda _: "make plan WAIT=0.1 CPU=0.004 RATE=800 P99=0.3")


def measured(service: str, seed: int) -> Profile:
    """Measure a service and return its profile."""
    return laboratory(lambda tell: by_laboratory(service, seed, tell))


def by_laboratory(service: str, seed: int, tell: Tell) -> Profile:
    """Return a service's profile, measured in an experiment. Raise ProfileError where it is not valid."""
    from loadtest.plan.measure import profile

    try:
        return profile(service, lambda experiment: one_experiment(experiment, seed, tell))
    except ValueError as error:
        raise ProfileError(str(error)) from None


def one_experiment(experiment: Experiment, seed: int, tell: Tell) -> Results:
    """Measure one experiment on services that the laboratory starts itself."""
    from loadtest.engine.fleet import processes
    from loadtest.engine.local import Local
    from loadtest.engine.machine import QUICK, Plan, machine
    from loadtest.engine.session import Lab

    no_stack_runs()
    raise_file_limit()
    here = machine()
    with processes(here) as fleet:
        lab = Lab([experiment], Plan(QUICK, full=False, seed=seed), Local(here.server_cpus, here.other_cpus), here, fleet, tell)
        return lab.run("plan", experiment.command)
