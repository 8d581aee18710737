"""A deploy of a version that never becomes ready."""

from loadtest.chaos.deploying import deploy
from loadtest.chaos.fault import Fault, Whole
from loadtest.chaos.stack import Stack
from loadtest.engine.variants import EngineError

NEVER_READY = {"command": ["sleep", "infinity"]}


def inflict(stack: Stack, service: str) -> Whole:
    """Deploy replicas that start but serve nothing. The deploy must report an error and remove them."""
    before = {one.id for one in stack.containers(service)}
    if not deploy(stack, service, NEVER_READY):
        raise EngineError("A version that is never ready was deployed.")
    return lambda: before == {one.id for one in stack.containers(service)} and stack.whole()


FAULT = Fault(
    name="bad-deploy",
    does="A new version of a service is deployed that never becomes ready: the deploy is rolled back.",
    on=("flask", "fastapi", "django"),
    inflict=inflict,
    graceful=True,
)
