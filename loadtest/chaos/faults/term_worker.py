"""SIGTERM to a worker."""

from loadtest.chaos.fault import Fault
from loadtest.chaos.workers import signal_worker

FAULT = Fault(
    name="term-worker",
    does="One worker process of a replica is told to end; its master starts another.",
    on=("flask", "fastapi"),
    inflict=signal_worker("TERM"),
    graceful=True,
)
