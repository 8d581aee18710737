"""A worker that hangs for longer than its time-out."""

from loadtest.chaos.fault import NOT_AGAIN, Allowed, Fault
from loadtest.chaos.workers import signal_worker

FAULT = Fault(
    name="hang-worker",
    does="One worker process of a replica is stopped and reports no more; after TIMEOUT its master kills it and starts another.",
    on=("flask", "fastapi"),
    inflict=signal_worker("STOP"),
    allowed=Allowed(
        why="it was sent to the worker that hung, and could not be sent again when that was killed",
        kinds=NOT_AGAIN,
        sockets=True,
    ),
)
