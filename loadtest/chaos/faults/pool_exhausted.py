"""Connection pools in which every connection waits for a lock."""

from loadtest.chaos.database import sql
from loadtest.chaos.fault import Fault, Whole
from loadtest.chaos.stack import Stack

SECONDS = 6.0


def inflict(stack: Stack, _service: str) -> Whole:
    """Lock the tables that every request needs."""
    sql(stack, f"BEGIN; LOCK TABLE boards, messages; SELECT pg_sleep({SECONDS:g}); COMMIT")
    return stack.whole


FAULT = Fault(
    name="pool-exhausted",
    does=f"Somebody holds the board's tables for {SECONDS:g} s: every connection of every pool waits for a lock.",
    on=("postgres",),
    inflict=inflict,
    board="refuses",
)
