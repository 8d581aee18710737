"""Run an attack in a separate process, from another address than the well-behaved clients: python -m loadtest.chaos.assault."""

import asyncio
import os
import subprocess
import sys

from loadtest.chaos.fault import Fault, Whole
from loadtest.chaos.stack import Stack
from loadtest.engine.variants import EngineError
from runtime.compose_file import ROOT

SECONDS = 12.0


def assault(name: str, does: str, seconds: float = SECONDS, short: bool = False) -> Fault:
    """Return the named attack as a fault that lasts at most ``seconds``.

    The attack may not cost other clients any request, nor raise their p99 above twice its calm value. ``short``: include
    the attack in the short form of the suite.
    """

    def inflict(stack: Stack, _service: str) -> Whole:
        command = [sys.executable, "-m", "loadtest.chaos.assault", name, stack.host, str(stack.port), f"{seconds:g}"]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, start_new_session=True)
        if ran.returncode:
            raise EngineError(f"the attack was none: {ran.stderr.strip()[-300:]}")
        stack.said = ran.stdout.strip()
        return stack.whole

    return Fault(name, does, ("nginx",), inflict, short=("nginx",) if short else (), at_most=2.0)


async def main(name: str, host: str, port: int, seconds: float) -> None:
    """Attack the stack at ``host`` and ``port``, and print the tally. Exit with the tally as the error if no connection was made."""
    from loadtest.chaos.attacks import ATTACKS, Target

    # A real attacker has a separate machine. Run at the lowest priority, so that the attack takes no CPU time from the
    # stack and its clients.
    os.nice(19)
    tally = await ATTACKS[name](Target(host, port), seconds)
    if not tally.connections:
        sys.exit(str(tally))
    print(tally)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
