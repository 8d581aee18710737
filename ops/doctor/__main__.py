"""Check this machine: python3 runtime/venv.py none -m ops.doctor [--json]; exit status 1 if make up cannot work in any runtime."""

import argparse
import json
import os
import shutil
import signal
import sys
import textwrap

from ops.doctor import docker, listening, machine, place, production, python
from ops.doctor.finding import LOCAL, RUNTIMES, Finding, state, usable
from runtime.checks.variables import check_variables
from runtime.compose_file import variables

MARKS = {"ok": "ok     ", "warning": "warning", "wrong": "wrong  "}
COLOURS = {"ok": 32, "warning": 33, "wrong": 31}
NAME_WIDTH = 22


def main() -> int:
    """Run all checks and show the findings."""
    parser = argparse.ArgumentParser(prog="doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")
    as_json = parser.parse_args().json
    check_variables(variables())
    findings = [one for module in (python, docker, listening, production, machine, place) for one in module.findings()]
    asked = variables().get("RUNTIME")
    runtimes = [asked] if asked in RUNTIMES else [*RUNTIMES]
    if variables().get("PROFILE") == "production":
        runtimes = [one for one in runtimes if one != LOCAL]
    possible = usable(findings, runtimes)
    if as_json:
        print(json.dumps({"runtimes": possible, "findings": [document(one, possible, runtimes) for one in findings]}, indent=2))
    else:
        for finding in findings:
            show(finding, state(finding, possible, runtimes))
        print()
        print(verdict(possible))
    return 0 if possible else 1


def document(finding: Finding, possible: list[str], runtimes: list[str]) -> dict[str, object]:
    """Return a finding as data for the JSON output."""
    said = {"name": finding.name, "seen": finding.seen, "needed": finding.needed, "fix": finding.fix}
    return {**said, "state": state(finding, possible, runtimes), "stops": list(finding.stops)}


def show(finding: Finding, found: str) -> None:
    """Print a finding, and below it the fix if one is needed."""
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    mark = f"\x1b[{COLOURS[found]}m{MARKS[found]}\x1b[0m" if colour else MARKS[found]
    indent = " " * (len(MARKS["ok"]) + 4 + NAME_WIDTH)
    text = f"{finding.seen} (needed: {finding.needed})"
    width = max(60, shutil.get_terminal_size((120, 24)).columns - len(indent))
    lines = [*textwrap.wrap(text, width), *(textwrap.wrap(f"-> {finding.fix}.", width, subsequent_indent="   ") if finding.fix else ())]
    print(f"  {mark}  {finding.name:{NAME_WIDTH}}{lines[0]}")
    for line in lines[1:]:
        print(indent + line)


def verdict(possible: list[str]) -> str:
    """Return the last line: which runtime make up will use, or what to fix first."""
    if not possible:
        return "make up cannot work yet. First mend what is wrong, from above."
    if possible[0] == LOCAL:
        return "Next: make up, which will run local processes"
    return "Next: make up, which will run on Docker" + (" (or with RUNTIME=local as local processes)" if LOCAL in possible else "")


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # no traceback for make doctor | head
    sys.exit(main())
