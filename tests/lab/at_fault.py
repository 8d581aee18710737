"""The laboratory with a fault in the middleware experiment: ``python -m tests.lab.at_fault FAULT`` and the options of ``lab``.

The experiment has no cells then, and its inspection without load causes the fault.
"""

import locust  # noqa: F401  # isort: skip  # first: it patches what is imported after it

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import nan
from pathlib import Path

import gevent

from loadtest import cli
from loadtest.commands import lab
from loadtest.experiments import experiments
from loadtest.results import Verdict
from runtime import proc

Found = Mapping[str, Mapping[str, float]]
WAITING_SECONDS = 60.0


def raises() -> Found:
    raise KeyError("REQUEST_METHOD")


def kills() -> Found:
    """Kill the load generators, as a machine without memory does."""
    for pid in proc.tree(os.getpid()):
        if b"loadtest.generator" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, 9)
    raise RuntimeError("the generators are gone")


def unreportable() -> Found:
    """Return a value that JSON cannot represent."""
    return {"WSGI middleware": {"price_us": nan}}


def waits() -> Found:
    """Wait until interrupted or killed."""
    Path(os.environ["TWOGATES_WAITS_SINCE"]).touch()
    gevent.sleep(WAITING_SECONDS)
    raise AssertionError("the test did not end it")


FAULTS: dict[str, Callable[[], Found]] = {"raises": raises, "kills": kills, "unreportable": unreportable, "waits": waits}

if __name__ == "__main__":
    known = experiments()
    made = known | {
        "middleware": replace(known["middleware"], cells=lambda _: [], look=FAULTS[sys.argv[1]], judge=lambda _: Verdict("holds", ""))
    }
    lab.experiments = lambda: made
    sys.exit(cli.main(["lab", *sys.argv[2:]]))
