"""Start, stop and look at the stack: python3 scripts/venv.py scripts -m scripts.stack up|down|status|logs|reload|admin|dev.

RUNTIME=docker or RUNTIME=local chooses how it runs; otherwise Docker when an engine answers and the images can be had,
and plain local processes when not.
"""

import argparse
import errno
import sys
from types import ModuleType

from scripts import docker_engine, leftovers, preflight, runtime_docker, runtime_local
from scripts.causes import cause
from scripts.check_variables import check_variables
from scripts.compose_file import variables
from scripts.output import console, fail, say

# What a person can mend; any other error is the program's.
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}
RUNTIMES: dict[str, ModuleType] = {"docker": runtime_docker, "local": runtime_local}


def asked_runtime() -> str | None:
    """What RUNTIME says, checked."""
    asked = variables().get("RUNTIME")
    if asked and asked not in RUNTIMES:
        fail(f"RUNTIME is {asked!r}; accepted: docker or local", 2)
    if asked == "docker" and (found := docker_engine.look()).trouble:
        fail(f"RUNTIME=docker, but {found.trouble}. {found.fix}. Or: make up RUNTIME=local")
    return asked


def choose_runtime() -> tuple[ModuleType, str]:
    """How to start, and why."""
    asked = asked_runtime()
    if asked:
        return RUNTIMES[asked], "as RUNTIME says"
    if runtime_local.is_up():
        return runtime_local, "as it runs already"
    if trouble := docker_engine.look().trouble:
        return runtime_local, f"since {trouble} (make doctor says how to mend that)"
    missing = runtime_docker.missing_image()
    if missing:
        return runtime_local, f"since the image {missing} is not here and cannot be pulled"
    return runtime_docker, "since a Docker engine answers"


def up(reload: bool) -> None:
    """Start in one runtime, unless the other one holds the port already."""
    runtime, why = choose_runtime()
    other = runtime_docker if runtime is runtime_local else runtime_local
    if other.is_up():
        fail("The stack runs already, in the other runtime. First: make down")
    say(f"Starting {'as local processes' if runtime is runtime_local else 'on Docker'}, {why}.")
    runtime.up(reload)


def running() -> list[ModuleType]:
    """The runtimes in which the stack, or a part of it, is up."""
    asked = asked_runtime()
    return [runtime for name, runtime in RUNTIMES.items() if (not asked or asked == name) and runtime.is_up()]


def main() -> None:
    """Read the command line and do one thing."""
    parser = argparse.ArgumentParser(prog="stack", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["up", "down", "status", "logs", "reload", "admin", "dev"])
    action = parser.parse_args().action
    if action in ("up", "dev"):
        preflight.check(variables(), starts=True)
    else:
        check_variables(variables())
    if action in ("up", "dev"):
        up(reload=action == "dev")
    elif action == "down":
        stopped = [runtime.down() for runtime in running()] or [bool(leftovers.end())]
        say("Stopped." if any(stopped) else "Nothing was running.")
    elif runtimes := running():
        getattr(runtimes[0], action)()
        if action == "status":
            from scripts.queue_state import queue_state  # which asks this module in which runtime the database is

            console.print(queue_state())
    elif action == "status":  # a question that has its answer; what needs a running stack fails
        say("Nothing is running. Start it with: make up")
    else:
        fail("The stack is not running. Start it with: make up")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        fail(f"{error.filename or 'A file'} cannot be written:\n{cause(str(error))}")
