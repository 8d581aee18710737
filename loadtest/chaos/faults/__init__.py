"""The faults: a file each, found by its presence here."""

from importlib import import_module
from pkgutil import iter_modules

from loadtest.chaos.fault import Case, Fault

# In the order in which they are done, from one worker to the only server of all; a new one comes last until it has a place.
ORDER = (
    "kill-worker",
    "term-worker",
    "segv-worker",
    "hang-worker",
    "block-loop",
    "hup",
    "kill-replica",
    "stop-replica",
    "new-address",
    "out-of-memory",
    "reload-nginx",
    "kill-nginx-worker",
    "upstream-down",
    "upstream-slow",
    "upstream-garbage",
    "full-disk",
    "postgres-kill",
    "postgres-restart",
    "postgres-pause",
    "postgres-cut",
    "pool-exhausted",
    "valkey-kill",
    "valkey-pause",
    "deploy",
    "bad-deploy",
    "slowloris",
    "slow-readers",
    "slow-uploads",
    "slow-requests",
    "whole-uploads",
    "flood",
    "large-bodies",
    "malformed",
    "kill-nginx",
    "restart-engine",
)


def faults() -> dict[str, Fault]:
    """All of them by name."""
    found: list[Fault] = [import_module(f"{__name__}.{module.name}").FAULT for module in iter_modules(__path__)]
    found.sort(key=lambda one: (ORDER.index(one.name) if one.name in ORDER else len(ORDER), one.name))
    return {one.name: one for one in found}


def cases(names: tuple[str, ...] = (), short: bool = False) -> list[Case]:
    """What is run: the faults that are named, else all that touch nothing but the suite's own stack; ``short``: a part of each."""
    known = faults()
    chosen = [known[name] for name in names] if names else [one for one in known.values() if not one.named_only]
    return [Case(one, service) for one in chosen for service in (one.short if short and not names else one.on)]
