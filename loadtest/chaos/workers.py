"""Faults that kill or signal processes, and checks that a new process has replaced each one."""

from collections.abc import Callable

from loadtest.chaos.fault import Whole
from loadtest.chaos.stack import Container, Stack

# Signals that end a process immediately, whatever it is doing.
ENDS = ("KILL", "SEGV")


def signal_worker(name: str) -> Callable[[Stack, str], Whole]:
    """Return a fault that sends a signal to the first worker of a replica."""

    def inflict(stack: Stack, service: str) -> Whole:
        container = stack.replica(service)
        before = stack.children(container)
        send = stack.end_inside if name in ENDS else stack.signal_inside
        send(container, name, before[0])
        return replaced(stack, container, before, before[:1])

    return inflict


def kill_container(stack: Stack, service: str) -> Whole:
    """Kill the first process of a replica, which ends all processes of its container. The restart policy restarts the container."""
    container = stack.replica(service)
    stack.kill_first(container)
    return lambda: stack.replica(service).restarts > container.restarts and stack.whole()


def replaced(stack: Stack, container: Container, before: list[int], gone: list[int]) -> Whole:
    """Return a check: as many workers run as before, none of ``gone`` is among them, and the whole stack is healthy."""

    def whole() -> bool:
        now = stack.children(container)
        return len(now) >= len(before) and not set(gone) & set(now) and stack.whole()

    return whole
