"""A restart of the database."""

from loadtest.chaos.database import POSTGRES, until_it_answers
from loadtest.chaos.fault import Fault, Whole
from loadtest.chaos.stack import Stack
from loadtest.engine.docker_look import docker


def inflict(stack: Stack, service: str) -> Whole:
    """Stop the database cleanly, as an operator would, and start it."""
    docker("restart", stack.replica(service).id)
    until_it_answers(stack, service, POSTGRES)
    return stack.whole


FAULT = Fault(
    name="postgres-restart",
    does="The database is stopped and started again.",
    on=("postgres",),
    inflict=inflict,
    board="refuses",
)
