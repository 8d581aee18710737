"""A database that hangs."""

from loadtest.chaos.database import PAUSE_SECONDS, paused
from loadtest.chaos.fault import Fault

FAULT = Fault(
    name="postgres-pause",
    does=f"The database hangs for {PAUSE_SECONDS:g} s: its connections stay open, new ones are accepted, and nobody answers.",
    on=("postgres",),
    inflict=paused("postgres"),
    board="refuses",
)
