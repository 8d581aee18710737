"""The result of one check."""

from collections.abc import Sequence
from dataclasses import dataclass

DOCKER, LOCAL = "docker", "local"
RUNTIMES = (DOCKER, LOCAL)


@dataclass(frozen=True)
class Finding:
    """What was seen and what is needed. ``fix`` says how to fix the problem, and is empty if there is none.

    ``stops`` names the runtimes in which ``make up`` cannot work before the fix.
    """

    name: str
    seen: str
    needed: str
    fix: str = ""
    stops: Sequence[str] = ()


def usable(findings: Sequence[Finding], runtimes: Sequence[str] = RUNTIMES) -> list[str]:
    """Return the runtimes that no finding stops."""
    return [runtime for runtime in runtimes if all(runtime not in finding.stops for finding in findings)]


def state(finding: Finding, possible: Sequence[str], runtimes: Sequence[str] = RUNTIMES) -> str:
    """Return ``ok``, ``wrong`` (fix it first, or the stack cannot start) or ``warning`` (the stack starts, but something is limited)."""
    if not finding.fix:
        return "ok"
    stopped = [runtime for runtime in runtimes if runtime in finding.stops]
    return "wrong" if stopped and (not possible or len(stopped) == len(runtimes)) else "warning"
