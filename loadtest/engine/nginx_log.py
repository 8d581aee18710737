"""Read what Nginx logged for each cell."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

APP = re.compile(r"app;dur=([\d.]+)")
# Separates the servers that were tried in turn, and the two tries of http/retry.conf.
ASKED = re.compile(r" ?[,:] ")


@dataclass
class Lines:
    """The lines of one cell. ``app_seconds`` sums the time that the applications reported, in ``timed`` lines.

    ``answered`` counts by the address of the last server tried; ``again`` counts the requests for which Nginx tried more than one.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    app_seconds: float = 0.0
    timed: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    again: int = 0


def logged(text: str) -> dict[str, Lines]:
    """Return lines by the mark of their cell, with which every request id starts (master.py). An incomplete last line is ignored."""
    found: dict[str, Lines] = {}
    for line in text[: text.rfind("\n") + 1].splitlines():
        if not line.startswith('{"time"'):
            continue
        entry = json.loads(line)
        worker, dot, _ = str(entry["request_id"]).partition(".")
        if not dot:
            continue
        lines = found.setdefault(worker[:-1], Lines())
        lines.statuses[int(entry["status"])] += 1
        if tries := ASKED.split(entry["upstream"]) if entry["upstream"] else []:
            lines.answered[tries[-1]] += 1
            lines.again += len(tries) > 1
        if said := APP.search(entry["app"]):
            lines.app_seconds += float(said[1]) / 1000
            lines.timed += 1
    return found


def shares(lines: Lines, servers: Sequence[str]) -> dict[str, float]:
    """Return the percentage of answers by server: ``share_1`` is the first server's. Empty if there is only one server."""
    total = sum(lines.answered.values())
    if len(servers) < 2 or not total:
        return {}
    return {f"share_{number}": 100 * lines.answered[address] / total for number, address in enumerate(servers, 1)}
