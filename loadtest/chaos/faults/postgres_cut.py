"""Connections to the database that are cut, again and again."""

from time import monotonic, sleep

from loadtest.chaos.database import sql
from loadtest.chaos.fault import Fault, Whole
from loadtest.chaos.stack import Stack

SECONDS, PERIOD = 5.0, 0.3


def inflict(stack: Stack, _service: str) -> Whole:
    """End every connection of the services in whatever they do, in the middle of transactions among it."""
    deadline = monotonic() + SECONDS
    while monotonic() < deadline:
        sql(stack, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'twogates-%'")
        sleep(PERIOD)  # how often, not a wait for something
    return stack.whole


FAULT = Fault(
    name="postgres-cut",
    does=f"For {SECONDS:g} s, every connection to the database is ended again and again, in the middle of transactions.",
    on=("postgres",),
    inflict=inflict,
    board="refuses",
)
