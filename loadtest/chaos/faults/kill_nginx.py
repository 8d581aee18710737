"""SIGKILL to Nginx, which has no replica."""

from loadtest.chaos.fault import EVERYTHING, Allowed, Fault
from loadtest.chaos.workers import kill_container

FAULT = Fault(
    name="kill-nginx",
    does="Nginx, the only server that clients reach, is killed; Docker starts it again by its restart policy.",
    on=("nginx",),
    inflict=kill_container,
    allowed=Allowed(
        why="Nginx is the only server of its kind: without it nobody answers until Docker has started it again",
        kinds=EVERYTHING,
        everywhere=True,
        sockets=True,
    ),
)
