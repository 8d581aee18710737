"""What the laboratory asks a Valkey of its own, wherever that runs: to forget everything, and what was counted."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from runtime.compose_file import ROOT

# As the services have them (cache/entries.py), which `make load` does without.
COUNTS = "cache:counts"
FIELDS = ("hits", "stale", "misses", "computed")
# Discard: nothing listens there, and whoever asks hears so at once.
NOWHERE = "redis://127.0.0.1:9/0"
# What may delete everything at once is an administrator's, and the services' user is none.
FORGET = "for _, key in ipairs(redis.call('SCAN', 0, 'COUNT', 1000)[2]) do redis.call('DEL', key) end"

Ask = Callable[..., list[str]]


def part_of(url: str, number: int) -> str:
    """The address of one of Valkey's databases: variants do not see what others keep."""
    return f"{url.rpartition('/')[0]}/{number}"


def password(secrets: Mapping[str, Any]) -> str:
    """The services' own."""
    return Path(ROOT, secrets["valkey_password"]["file"]).read_text().strip()


def forget(ask: Ask) -> None:
    """Let nothing be kept, and nothing be counted."""
    ask("EVAL", FORGET, "0")


def counted(ask: Ask) -> dict[str, int]:
    """Uses by what came of them, since all was forgotten."""
    return {name: int(said or 0) for name, said in zip(FIELDS, ask("HMGET", COUNTS, *FIELDS), strict=True)}


def values(counts: Mapping[str, int]) -> dict[str, float]:
    """The metrics of a run: how often the database was asked, how many found nothing, and the share of those who found something."""
    asked = sum(counts.values()) - counts["computed"]
    found = {"computed": float(counts["computed"]), "misses": float(counts["misses"])}
    return found | ({"hit_ratio": 100 * (asked - counts["misses"]) / asked} if asked else {})
