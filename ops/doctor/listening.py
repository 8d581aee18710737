"""Check the ports that the stack will listen on."""

import errno
import re
from collections.abc import Mapping, Sequence

from ops.doctor.finding import LOCAL, RUNTIMES, Finding
from runtime import ports
from runtime.compose_file import ROOT, defaults, substitute, variables
from runtime.local import orphans

DATA = 2  # PostgreSQL and Valkey


def findings() -> list[Finding]:
    """Check Nginx's ports, which both runtimes need, and the ports of local processes."""
    given = {**defaults(), **variables()}
    found = [looked_at(given["BIND"], [int(given[name])], name, RUNTIMES) for name in ("HTTP_PORT", "HTTPS_PORT")]
    first = int(given["LOCAL_PORT"])
    return [*found, looked_at("127.0.0.1", range(first, first + local_count(given)), "LOCAL_PORT", [LOCAL])]


def looked_at(bind: str, numbers: Sequence[int], variable: str, stops: Sequence[str]) -> Finding:
    """Check consecutive ports that one variable sets."""
    name = f"port {numbers[0]}" if len(numbers) == 1 else f"ports {numbers[0]} to {numbers[-1]}"
    needed = f"free on {bind} ({variable})"
    for number in numbers:
        error = ports.why_not(bind, number)
        if error is None:
            continue
        holder = ports.holder(number)
        if holder and (holder.pid in orphans.ours() or holder.folder == str(ROOT)):
            return Finding(name, "held by this checkout's stack", needed)
        if error.errno == errno.EACCES and holder is None:  # a port below 1024: Docker's engine may bind it
            stops = [LOCAL]
        seen = f"{number} is held by {holder}" if holder else f"{number}: {error.strerror}"
        return Finding(name, seen, needed, f"make up {variable}={ports.another(bind, numbers[0])}, or stop who has it", stops)
    return Finding(name, "free", needed)


def local_count(given: Mapping[str, str]) -> int:
    """Return the number of ports that local processes need: one for each replica of each service that listens.

    The number comes from the text of compose.yaml, since Python has no YAML parser of its own. A test compares it with the runtime's.
    """
    text = (ROOT / "compose.yaml").read_text().partition("\nservices:\n")[2].partition("\nnetworks:\n")[0]
    count = DATA
    for block in re.split(r"^  [\w-]+:", text, flags=re.MULTILINE):
        if re.search(r"<<: \*(app|python-service)\n", block) and 'PORT: ""' not in block and "profiles:" not in block:
            replicas = re.search(r"^ +replicas: (?:&\S+ )?(\S+)", block, re.MULTILINE)
            count += int(substitute(replicas[1], given)) if replicas else 1
    return count
