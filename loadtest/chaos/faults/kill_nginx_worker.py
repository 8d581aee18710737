"""SIGKILL to a worker of Nginx."""

from loadtest.chaos.fault import EVERYTHING, Allowed, Fault
from loadtest.chaos.workers import signal_worker

FAULT = Fault(
    name="kill-nginx-worker",
    does="One of Nginx's worker processes is killed; the master starts another.",
    on=("nginx",),
    inflict=signal_worker("KILL"),
    allowed=Allowed(
        why="its connection was held by the worker of Nginx that was killed, and there is nothing in front of Nginx to try again",
        kinds=EVERYTHING,
        everywhere=True,
        sockets=True,
    ),
)
