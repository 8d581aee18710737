"""What Nginx logged of each cell."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field

APP = re.compile(r"app;dur=([\d.]+)")


@dataclass
class Lines:
    """The lines of one cell. ``app_seconds`` is the sum of what the applications said of their own time, in ``timed`` lines."""

    statuses: Counter[int] = field(default_factory=Counter)
    app_seconds: float = 0.0
    timed: int = 0


def logged(text: str) -> dict[str, Lines]:
    """Lines by the mark of their cell, which every request's id begins with (master.py). One that is half written is none yet."""
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
        if said := APP.search(entry["app"]):
            lines.app_seconds += float(said[1]) / 1000
            lines.timed += 1
    return found
