"""Start, stop and inspect the stack: python3 runtime/venv.py runtime -m ops.stack up|down|status|logs|reload|admin|dev.

RUNTIME=docker or RUNTIME=local chooses the runtime. Without it, the stack runs on Docker if an engine answers and the images are
available, and as local processes otherwise.
"""

import argparse
import errno
import sys

from ops.queue_state import queue_state
from runtime.checks import preflight
from runtime.checks.variables import check_variables
from runtime.choice import choose_runtime, running
from runtime.compose_file import variables
from runtime.console import console, fail, say
from runtime.docker import stack as runtime_docker
from runtime.error_hints import cause
from runtime.local import orphans
from runtime.local import stack as runtime_local

# Errors that the operator can fix; any other OSError is a bug in the program.
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}


def up(reload: bool) -> None:
    """Start the stack in one runtime, unless it already runs in the other."""
    runtime, why = choose_runtime()
    other = runtime_docker if runtime is runtime_local else runtime_local
    if other.is_up():
        fail("The stack runs already, in the other runtime. First: make down")
    say(f"Starting {'as local processes' if runtime is runtime_local else 'on Docker'}, {why}.")
    runtime.up(reload)


def main() -> None:
    """Read the command line and run one action."""
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
        stopped = [runtime.down() for runtime in running()] or [bool(orphans.end())]
        say("Stopped." if any(stopped) else "Nothing was running.")
    elif runtimes := running():
        getattr(runtimes[0], action)()
        if action == "status":
            console.print(queue_state())
    elif action == "status":  # a valid answer; the actions that need a running stack fail
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
