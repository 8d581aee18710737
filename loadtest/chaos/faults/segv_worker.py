"""SIGSEGV to a worker."""

from loadtest.chaos.fault import Allowed, Fault
from loadtest.chaos.workers import signal_worker

FAULT = Fault(
    name="segv-worker",
    does="One worker process of a replica crashes, as a bug in an extension module makes it; its master starts another.",
    on=("flask", "fastapi"),
    inflict=signal_worker("SEGV"),
    allowed=Allowed(
        why="it was in the worker that crashed, and cannot be sent again: a POST was under way, an answer had begun",
        in_flight={"flask": 1, "fastapi": None},  # a sync worker handles one request at a time
        sockets=True,
    ),
)
