"""One thing that was looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

DOCKER, LOCAL = "docker", "local"
RUNTIMES = (DOCKER, LOCAL)


@dataclass(frozen=True)
class Finding:
    """What was seen and what is needed. ``fix`` says how to mend it, and is empty where nothing has to be; ``stops`` are the runtimes
    in which ``make up`` cannot work as it is.
    """

    name: str
    seen: str
    needed: str
    fix: str = ""
    stops: Sequence[str] = ()


def usable(findings: Sequence[Finding], runtimes: Sequence[str] = RUNTIMES) -> list[str]:
    """The runtimes that nothing stops."""
    return [runtime for runtime in runtimes if all(runtime not in finding.stops for finding in findings)]


def state(finding: Finding, possible: Sequence[str], runtimes: Sequence[str] = RUNTIMES) -> str:
    """``wrong`` is what has to be mended before anything starts; without a ``warning`` more would work."""
    if not finding.fix:
        return "ok"
    stopped = [runtime for runtime in runtimes if runtime in finding.stops]
    return "wrong" if stopped and (not possible or len(stopped) == len(runtimes)) else "warning"
