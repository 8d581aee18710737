"""Malformed requests, and requests hidden in others, generated at random: the same seed produces the same requests.

A family is a function that writes one request. Its module's docstring names the kind of request. ``model.py`` has the parts
that a family can use.
"""

from collections.abc import Iterator
from random import Random

from loadtest.chaos.attacks.model import Target
from loadtest.chaos.attacks.vectors import chunks, codings, headers, hosts, lengths, lines, paths, pipelines, protocols, sockets
from loadtest.chaos.attacks.vectors.model import Family, Making, Vector

MODULES = (lines, headers, lengths, codings, chunks, pipelines, paths, hosts, protocols, sockets)
NOT_FAMILIES = {"both_ways", "chunked"}


def families() -> dict[str, Family]:
    """Return all families by name: the module's name, a dot, and the function's name."""
    found: dict[str, Family] = {}
    for module in MODULES:
        for name, value in vars(module).items():
            if getattr(value, "__module__", "") == module.__name__ and name not in NOT_FAMILIES:
                found[f"{module.__name__.rpartition('.')[2]}.{name}"] = value
    return found


def generate(seed: int, number: int, target: Target, mark: str) -> Iterator[Vector]:
    """Yield ``number`` vectors from all families in turn. ``mark`` begins every id in them: 4 to 32 letters and digits."""
    chance = Random(seed)  # noqa: S311  the randomness must be repeatable
    turn = list(families().items())
    for one in range(number):
        family, write = turn[one % len(turn)]
        front, hidden = f"{mark}.{one}.front", f"{mark}.{one}.hidden"
        draft = write(Making(chance, target, front, hidden))
        yield Vector(draft.what, draft.data, draft.may_follow, draft.whole, family, front, hidden)
