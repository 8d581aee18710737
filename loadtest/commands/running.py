"""Common parts of all commands that create load: preconditions before the run, a report and tables after it."""

import fcntl
import logging
import os
import resource
import shutil
import sys
import traceback
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from loadtest.commands.options import default
from loadtest.generator.parameters import Number
from loadtest.judging.steadiness import sentence
from loadtest.plan.profile import ProfileError
from loadtest.report.ci import add_summary, github, junit
from loadtest.report.files import write
from loadtest.report.rows import first_lines
from loadtest.report.schema import ReportError
from loadtest.report.text import experiment_table, summary_table
from loadtest.report.thresholds import Answer, ThresholdError, evaluate, parse_all
from loadtest.report.unfinished_run import Kept
from loadtest.results import Results
from runtime.compose_file import variables
from runtime.docker import stack as runtime_docker
from runtime.local import stack as runtime_local
from runtime.local.plan import LAB

# Columns of a table that is not printed to a terminal.
PLAIN_WIDTH = 100
# For reports, logs, and the bodies that Nginx buffers on disk.
NEEDED_BYTES = 200 * 2**20
SEED = Number(int, 1, 0, 2**31, "decides the order of the cells and the moments of random arrivals")
Tell = Callable[[str, str], None]
Found = TypeVar("Found")
NOTHING_LEFT = "Nothing was written and nothing is left running."
INTERRUPTED = "loadtest: interrupted; nothing was written and nothing is left running."


class RefusedError(Exception):
    """The command cannot be carried out. The text is a sentence."""


class StoppedError(Exception):
    """A run was stopped early. Holds a sentence, and the exit status for it."""


def add_output_options(parser: ArgumentParser, environ: Mapping[str, str], with_json: bool = True) -> None:
    """Add the options of every command that ends in a report."""
    parser.add_argument(
        "--seed", type=SEED.parse, default=default(environ, "seed", SEED.default), help=f"{SEED.meaning} (default {SEED.default:g})"
    )
    parser.add_argument("--results", type=Path, default=default(environ, "results", "results"), help="folder for reports (default results)")
    if with_json:
        parser.add_argument("--json", action="store_true", help="print results.json on standard output in place of the tables")
    parser.add_argument(
        "--fail-on", default=default(environ, "fail_on", ""), help="thresholds such as 'queue:p99>2.5s', with semicolons between"
    )
    parser.add_argument("--junit", type=Path, default=default(environ, "junit"), help="write a JUnit file for continuous integration")
    parser.add_argument("--github", action="store_true", help="print annotations for GitHub Actions, and its step summary")


def say(sentence: str, status: int) -> int:
    """Print a sentence on standard error and return the exit status that goes with it."""
    print(sentence, file=sys.stderr)
    return status


def no_stack_runs() -> None:
    """Raise RefusedError where a stack runs. The laboratory starts its own services, and a stack would take CPU time from them."""
    if variables().get("PROFILE") == "production":
        raise RefusedError("PROFILE is 'production', which answers nothing that is there for show; accepted: PROFILE=development")
    if runtime_local.is_up() or runtime_docker.is_up():
        raise RefusedError("The stack is running, and the laboratory starts services of its own on these CPUs. First: make down")


def room_for_results(folder: Path) -> None:
    """Raise RefusedError unless the folder is writable and has enough free disk."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        LAB.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise RefusedError(
            f"RESULTS is {str(folder)!r}, where nothing can be written ({error.strerror}); accepted: a folder to write to"
        ) from None
    for place in (folder, LAB):
        if (free := shutil.disk_usage(place).free) < NEEDED_BYTES:
            raise RefusedError(f"{place} has {free // 2**20} MiB of free disk, and a run needs {NEEDED_BYTES // 2**20}")


@contextmanager
def alone() -> Iterator[None]:
    """Hold a lock, so that only one laboratory at a time measures in this checkout."""
    LAB.mkdir(parents=True, exist_ok=True)
    with (LAB / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RefusedError("Another run of the laboratory is under way in this checkout; wait for its end") from None
        yield


def raise_file_limit() -> int:
    """Raise this process's limit of open files to the system's maximum, and return it. Child processes inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # macOS reports no limit, and then refuses it
        return soft
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


def laboratory(job: Callable[[Tell], Found], kept: Kept | None = None) -> Found:
    """Run ``job`` alone, with progress output, and so that none of its processes outlives it.

    Raise StoppedError where it was stopped early.
    """
    import locust  # noqa: F401  not at the top: it takes a second, and patches modules that are imported after it

    from loadtest.engine.master import GeneratorError
    from loadtest.engine.terminal import InterruptError, Progress, interruptible
    from loadtest.engine.variants import EngineError
    from loadtest.engine.watchdog import watchdog

    def left() -> str:
        """Return what is left of a run that ends early."""
        return kept.left if kept else NOTHING_LEFT

    logging.disable(logging.WARNING)
    progress = Progress()
    try:
        with alone(), watchdog():
            return interruptible(lambda: job(progress))
    except (RefusedError, ProfileError) as error:
        raise StoppedError(f"loadtest: {error}", 2) from None
    except (EngineError, GeneratorError) as error:
        raise StoppedError(f"loadtest: {error} {left()}", 1) from None
    except ReportError as error:
        raise StoppedError(f"loadtest: {error} {left()}", 1) from None
    except InterruptError:
        raise StoppedError(f"loadtest: interrupted. {left()}" if kept and kept.place else INTERRUPTED, 130) from None
    except Exception as error:
        log = kept.log("laboratory", error) if kept and kept.place else logged(error)
        raise StoppedError(f"loadtest: {type(error).__name__}: {error}. Its log: {log}. {left()}", 1) from None
    finally:
        progress.end()


def logged(error: Exception, name: str = "failed") -> Path:
    """Write the traceback of a fault in this program to a file, where there is no results folder for it. Return the file."""
    file = LAB / f"{name}.log"
    file.write_text("".join(traceback.format_exception(error)), encoding="utf-8", errors="replace")
    return file


def carry_out(
    arguments: Namespace,
    job: Callable[[Tell], Results],
    next_command: Callable[[Results], str],
    kept: Kept | None = None,
    trouble: Callable[[Results], str | None] | None = None,
) -> int:
    """Run ``job`` with progress output and Ctrl-C handling, show and keep its results, and return the exit status.

    With ``kept``, ``job`` has written the report already. The command succeeds only where every cell is valid and every prediction was
    met. With ``trouble``, it succeeds unless ``trouble`` returns a reason. A broken threshold of the caller fails either command.
    """
    try:
        thresholds = parse_all(arguments.fail_on)
        room_for_results(arguments.results)
    except (ThresholdError, RefusedError) as error:
        return say(f"loadtest: {error}", 2)
    results = laboratory(job, kept)
    answers = evaluate(thresholds, results)
    try:
        place = kept.place if kept and kept.place else write(results, arguments.results)
        if arguments.junit:
            arguments.junit.write_text(junit(results, answers), encoding="utf-8")
    except ReportError as error:
        return say(f"loadtest: {error}", 1)
    except OSError as error:
        return say(f"loadtest: the report cannot be written: {error.strerror} ({error.filename})", 1)
    show(results, answers, arguments)
    out = sys.stderr if arguments.json else sys.stdout
    for experiment in results.failed:
        print(f"{experiment.name} failed: {experiment.verdict.sentence}", file=out)
    print(f"Report: {place}", file=out)
    print(f"Next: {next_command(results)}", file=out)
    if trouble and (wrong := trouble(results)):
        print(f"loadtest: {wrong}", file=sys.stderr)
        return 1
    return 0 if (trouble or fine(results)) and all(answer.passed for answer in answers) else 1


def show(results: Results, answers: Sequence[Answer], arguments: Namespace) -> None:
    """Print the tables, or their machine-readable form."""
    if arguments.github:
        print("\n".join(github(results, answers)))
        add_summary(results, answers)
    if arguments.json:
        print((arguments.results / "latest" / "results.json").read_text(), end="")
        return
    console = Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    for line in first_lines(results):
        console.print(line, markup=False)
    for experiment in results.experiments if len(results.experiments) <= 2 else ():
        console.print(experiment_table(experiment))
    console.print(summary_table(results))
    if said := sentence(results):
        console.print(said, markup=False)
    for answer in answers:
        if not answer.passed:
            console.print(answer.sentence, markup=False)


def fine(results: Results) -> bool:
    """Whether every cell is valid and every check that is bound to a prediction passed.

    For a short run: whether no experiment failed.
    """
    if results.failed or results.short:
        return not results.failed
    return results.valid and all(check.passed for experiment in results.experiments for check in experiment.verdict.checks if check.bound)
