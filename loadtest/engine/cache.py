"""The commands for the laboratory's own Valkey, wherever it runs: delete everything, and read the counters."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from runtime.compose_file import ROOT

# The same names as in the services (cache/entries.py). They are copied because `make load` does without that module.
COUNTS = "cache:counts"
FIELDS = ("hits", "stale", "misses", "computed")
# Port 9 (discard): nothing listens there, so a connection is refused at once.
NOWHERE = "redis://127.0.0.1:9/0"
# A command that deletes everything needs an administrator, and the services' user is not one.
FORGET = "for _, key in ipairs(redis.call('SCAN', 0, 'COUNT', 1000)[2]) do redis.call('DEL', key) end"

Ask = Callable[..., list[str]]


def part_of(url: str, number: int) -> str:
    """Return the URL of one of Valkey's numbered databases, so that variants do not see each other's data."""
    return f"{url.rpartition('/')[0]}/{number}"


def password(secrets: Mapping[str, Any]) -> str:
    """Return the password that the services use."""
    return Path(ROOT, secrets["valkey_password"]["file"]).read_text().strip()


def forget(ask: Ask) -> None:
    """Delete all cached values and all counters."""
    ask("EVAL", FORGET, "0")


def counted(ask: Ask) -> dict[str, int]:
    """Return the number of cache uses by outcome, since everything was deleted."""
    return {name: int(said or 0) for name, said in zip(FIELDS, ask("HMGET", COUNTS, *FIELDS), strict=True)}


def values(counts: Mapping[str, int]) -> dict[str, float]:
    """Return the metrics of a run: computations by the database, misses, and the hit ratio in percent.

    The hit ratio is missing if the cache was not used.
    """
    asked = sum(counts.values()) - counts["computed"]
    found = {"computed": float(counts["computed"]), "misses": float(counts["misses"])}
    return found | ({"hit_ratio": 100 * (asked - counts["misses"]) / asked} if asked else {})
