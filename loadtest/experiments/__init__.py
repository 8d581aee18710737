"""The experiments, one file each. A file in this folder that defines ``EXPERIMENT`` is found automatically."""

from importlib import import_module
from pkgutil import iter_modules

from loadtest.experiment import Experiment

# In the order for a workshop. A new experiment comes last until it is listed here.
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
# About faults, operation and protection of a service rather than its speed. Not part of a plain `make lab`, which must stay short.
PRODUCTION = ("graceful", "self-healing", "balance", "tls", "shield")
# With a database, which each of them starts. Not part of a plain `make lab` either.
DATA = ("pooled-db", "pool-sizing", "n-plus-one", "cache", "django-both")
# Names that stand for several experiments.
GROUPS = {"production": PRODUCTION, "data": DATA, "all": ORDER}


def experiments() -> dict[str, Experiment]:
    """Return all experiments by name."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    found = [module.EXPERIMENT for module in modules if hasattr(module, "EXPERIMENT")]  # load.py builds its experiment from numbers
    found.sort(key=lambda one: ORDER.index(one.name) if one.name in ORDER else len(ORDER))
    return {one.name: one for one in found}
