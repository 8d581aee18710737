"""SIGKILL to the cache."""

from loadtest.chaos.database import VALKEY, killed
from loadtest.chaos.fault import Fault

FAULT = Fault(
    name="valkey-kill",
    does="The cache is killed; Docker starts it again, empty. The board does not notice.",
    on=("valkey",),
    inflict=killed("valkey", VALKEY),
    board="serves",
)
