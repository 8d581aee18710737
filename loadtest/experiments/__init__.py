"""The experiments: a file each, found by its presence here."""

from importlib import import_module
from pkgutil import iter_modules

from loadtest.experiment import Experiment

# In the order in which a workshop would take them; a new one comes last until it has a place here.
ORDER = (
    "queue",
    "slots",
    "thousands",
    "one-slow",
    "open-closed",
    "blocked-loop",
    "upstream",
    "fast-io",
    "cpu-bound",
    "rule-2n1",
    "slow-clients",
    "static",
    "streaming",
    "sockets",
    "memory-workers",
    "memory-connections",
    "middleware",
    "complexity",
    "graceful",
    "self-healing",
    "balance",
    "tls",
    "shield",
    "pooled-db",
    "pool-sizing",
    "n-plus-one",
    "cache",
    "django-both",
)
# About what happens to a service, and not how fast it is: not among those of a plain `make lab`, which is to stay short.
PRODUCTION = ("graceful", "self-healing", "balance", "tls", "shield")
# On a database, which each of them starts: not among those either.
DATA = ("pooled-db", "pool-sizing", "n-plus-one", "cache", "django-both")
# Words for several.
GROUPS = {"production": PRODUCTION, "data": DATA, "all": ORDER}


def experiments() -> dict[str, Experiment]:
    """All of them by name."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    found = [module.EXPERIMENT for module in modules if hasattr(module, "EXPERIMENT")]  # load.py makes its own from numbers
    found.sort(key=lambda one: ORDER.index(one.name) if one.name in ORDER else len(ORDER))
    return {one.name: one for one in found}
