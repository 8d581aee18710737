"""Database connections that are terminated repeatedly."""

from time import monotonic, sleep

from loadtest.chaos.database import sql
from loadtest.chaos.fault import Fault, Whole
from loadtest.chaos.stack import Stack

SECONDS, PERIOD = 5.0, 0.3


def inflict(stack: Stack, _service: str) -> Whole:
    """Terminate every database connection of the services repeatedly, also in the middle of transactions."""
    deadline = monotonic() + SECONDS
    while monotonic() < deadline:
        sql(stack, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'twogates-%'")
        sleep(PERIOD)  # the period, not a wait for a condition
    return stack.whole


FAULT = Fault(
    name="postgres-cut",
    does=f"For {SECONDS:g} s, every connection to the database is ended again and again, in the middle of transactions.",
    on=("postgres",),
    inflict=inflict,
    board="refuses",
)
