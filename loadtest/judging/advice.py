"""What the operator can do about a cell that is not valid, by the rule that it failed."""

QUIET = "Run it again when nothing else uses this machine's CPUs; longer windows help (make load SECONDS=20, make lab FULL=1)."
BROKEN = "make logs shows why; if it is not the service, the measurement is at fault, so please report it."
ADVICE = {
    "successes only": "make logs shows why, and make status what runs.",
    "none too early": "Something else than the service answers: make status shows what runs.",
    "as declared": "The stack changed, or a process was replaced meanwhile: make status, and again.",
    "generator had room": "Fewer users, longer requests, or a machine with more CPUs; and nothing else that uses its CPUs.",
    "second generator": QUIET,
    "steady": QUIET,
    "no hidden stall": QUIET,
    "Little's law": QUIET,
    "other programs": QUIET,
    "same pace": "Run it again when this machine is cool, on mains, and nothing else uses it or its host.",
    "not measured": "A machine with more CPUs has more load generators.",
}


def advice(reason: str) -> str:
    """Return the advice for a cell's reason, which has the form ``rule: sentence``."""
    if any(f"status {status}" in reason for status in (429, 503, 504)):
        return "The service refused what it could not serve in time: fewer USERS, or requests that take less time."
    return ADVICE.get(reason.partition(":")[0], BROKEN)
