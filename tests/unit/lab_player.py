"""Plays cells as a load generator does, without a master: reads the cells from standard input, writes the results to standard output.

It runs in its own process because Locust replaces, through gevent, modules that pytest's process already uses.
"""

import json
import sys
from typing import Any

from gevent import monkey

monkey.patch_all()

from loadtest.generator.cell import CellRun  # noqa: E402
from loadtest.generator.metronome import Metronome  # noqa: E402


def play(asked: dict[str, Any], metronome: Metronome) -> dict[str, Any]:
    """Play one cell. Return what was counted."""
    told: dict[str, dict[str, Any]] = {}

    def tell(name: str, data: dict[str, Any]) -> None:
        told[name] = data

    run = CellRun(asked, metronome, tell)
    run.may_open.set()
    run.run()
    return {**told["result"], "ready": told["warm"]["ready"]}


if __name__ == "__main__":
    metronome = Metronome()
    try:
        print(json.dumps({name: play(asked, metronome) for name, asked in json.load(sys.stdin).items()}))
    finally:
        metronome.end()
