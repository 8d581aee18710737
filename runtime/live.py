"""What of the stack is there for the page's live view alone (docs/live.md), and is left out where something is measured."""

from collections.abc import Mapping

MONITOR = "monitor"  # the service
# What takes the place of a variable's value then.
WITHOUT = {"COUNTERS": "", "COUNTED_AS": "", "MONITOR": "", "LIVE_LOG_OFF": "#"}
VOLUMES = ("live:", "./results:")


def without_live(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in which nothing counts, or writes a second log, for the live view."""
    return {name: WITHOUT.get(name, value) for name, value in environment.items()}
