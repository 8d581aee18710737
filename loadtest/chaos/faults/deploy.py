"""A rolling deploy."""

from loadtest.chaos.deploying import deploy
from loadtest.chaos.fault import Fault, Whole
from loadtest.chaos.stack import Stack
from loadtest.engine.variants import EngineError


def inflict(stack: Stack, service: str) -> Whole:
    """Replace every replica of the service while it serves."""
    before = {one.id for one in stack.containers(service)}
    if failed := deploy(stack, service):
        raise EngineError(f"The deploy failed: {failed}")
    return lambda: not before & {one.id for one in stack.containers(service)} and stack.whole()


FAULT = Fault(
    name="deploy",
    does="All replicas of a service are replaced by new ones, as make deploy does it.",
    on=("flask", "fastapi", "django"),
    inflict=inflict,
    graceful=True,
)
