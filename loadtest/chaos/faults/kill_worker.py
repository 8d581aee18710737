"""SIGKILL to a worker."""

from loadtest.chaos.fault import Allowed, Fault
from loadtest.chaos.workers import signal_worker

FAULT = Fault(
    name="kill-worker",
    does="One worker process of a replica is killed; its master starts another.",
    on=("flask", "fastapi"),
    inflict=signal_worker("KILL"),
    allowed=Allowed(
        why="it was in the worker that was killed, and cannot be sent again: a POST was under way, an answer had begun",
        in_flight={"flask": 1, "fastapi": None},  # a sync worker handles one request at a time
        sockets=True,
    ),
    short=("flask", "fastapi"),
)
