"""The faults: one module each, discovered in this package."""

from importlib import import_module
from pkgutil import iter_modules

from loadtest.chaos.fault import Case, Fault

# The order of execution, from one worker to the only Nginx. A fault that is not listed comes last.
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
    """Return all faults by name."""
    found: list[Fault] = [import_module(f"{__name__}.{module.name}").FAULT for module in iter_modules(__path__)]
    found.sort(key=lambda one: (ORDER.index(one.name) if one.name in ORDER else len(ORDER), one.name))
    return {one.name: one for one in found}


def cases(names: tuple[str, ...] = (), short: bool = False) -> list[Case]:
    """Return the cases to run: the named faults, else all faults that affect only the suite's own stack.

    ``short``: only the cases of the short form; ignored if faults are named.
    """
    known = faults()
    chosen = [known[name] for name in names] if names else [one for one in known.values() if not one.named_only]
    return [Case(one, service) for one in chosen for service in (one.short if short and not names else one.on)]
