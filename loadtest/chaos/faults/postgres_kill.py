"""SIGKILL to the database."""

from loadtest.chaos.database import POSTGRES, killed
from loadtest.chaos.fault import Fault

FAULT = Fault(
    name="postgres-kill",
    does="All processes of the database are killed at once; Docker starts it again, and it reads its log.",
    on=("postgres",),
    inflict=killed("postgres", POSTGRES),
    board="refuses",
)
