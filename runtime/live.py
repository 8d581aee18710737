"""The parts of the stack that only the page's live view needs (docs/live.md). Measurements run without them."""

from collections.abc import Mapping

MONITOR = "monitor"  # the service
# The values of these variables without the live view.
WITHOUT = {"COUNTERS": "", "COUNTED_AS": "", "MONITOR": "", "LIVE_LOG_OFF": "#"}
VOLUMES = ("live:", "./results:")


def without_live(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the live view: no counters, and no second log."""
    return {name: WITHOUT.get(name, value) for name, value in environment.items()}
