"""A cache that hangs."""

from loadtest.chaos.database import PAUSE_SECONDS, paused
from loadtest.chaos.fault import Fault

FAULT = Fault(
    name="valkey-pause",
    does=f"The cache hangs for {PAUSE_SECONDS:g} s. The board does not notice.",
    on=("valkey",),
    inflict=paused("valkey"),
    board="serves",
)
