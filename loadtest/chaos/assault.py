"""An attack in a process of its own, from another address than the well-behaved clients: python -m loadtest.chaos.assault."""

import asyncio
import os
import subprocess
import sys

from loadtest.chaos.fault import Fault, Whole
from loadtest.chaos.stack import Stack
from loadtest.engine.variants import EngineError
from scripts.compose_file import ROOT

SECONDS = 12.0


def assault(name: str, does: str, short: bool = False) -> Fault:
    """The fault that is the attack of that name: it may lose nobody else anything, nor make them wait twice as long."""

    def inflict(stack: Stack, _service: str) -> Whole:
        command = [sys.executable, "-m", "loadtest.chaos.assault", name, str(stack.port), f"{SECONDS:g}"]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, start_new_session=True)
        if ran.returncode:
            raise EngineError(f"The attack {name} ended early: {ran.stderr.strip()[-300:]}")
        return stack.whole

    return Fault(name, does, ("nginx",), inflict, short=("nginx",) if short else (), at_most=2.0)


async def main(name: str, port: int, seconds: float) -> None:
    """Attack the stack on that port, and say what came of it."""
    from loadtest.chaos.attacks import ATTACKS, Target

    # An attacker has a machine of its own; here it must not take the CPU time of those whom it attacks.
    os.nice(19)
    print(await ATTACKS[name](Target("127.0.0.1", port), seconds))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
