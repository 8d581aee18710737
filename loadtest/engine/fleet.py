"""The load generators of a run: local processes, or containers of the service locust-worker."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from loadtest.engine import docker_workers
from loadtest.engine.machine import Machine
from loadtest.engine.master import Generators


@dataclass(frozen=True)
class Fleet:
    """Load generators that are ready. They reach this machine at ``address``, and services on ``network`` if that is given.

    ``renew`` restarts them after a failure, when one may have ended or still be busy. ``None``: containers, which are not restarted.
    """

    generators: Generators
    address: str
    network: str | None = None
    renew: Callable[[], None] | None = None


@contextmanager
def processes(here: Machine) -> Iterator[Fleet]:
    """Run as many processes as the machine has generators, for the duration of the block."""
    with Generators(here.generators, here.other_cpus) as generators:
        yield Fleet(generators, "127.0.0.1", renew=generators.renew)


@contextmanager
def containers(here: Machine) -> Iterator[Fleet]:
    """Run as many containers on the same CPUs, for the duration of the block."""
    with docker_workers.worker_containers(here.generators, here.other_cpus):
        address = docker_workers.master_address()
        port = docker_workers.master_port()
        with Generators(here.generators, None, listen=address, port=port, external=here.generators) as generators:
            yield Fleet(generators, address, docker_workers.network())
