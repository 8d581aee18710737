"""SIGKILL to a replica."""

from loadtest.chaos.fault import Allowed, Fault
from loadtest.chaos.workers import kill_container

FAULT = Fault(
    name="kill-replica",
    does="All processes of a replica's container are killed at once; Docker starts it again by its restart policy.",
    on=("flask", "fastapi", "django"),
    inflict=kill_container,
    allowed=Allowed(
        why="it was in the replica that was killed, and cannot be sent again: a POST was under way, an answer had begun",
        in_flight={"flask": 4, "fastapi": None, "django": None},  # four sync workers, each with one request
        sockets=True,
    ),
    short=("flask", "django"),
)
