"""Short cells of the laboratory on Docker, two of them with a fault. They have their own process: Locust patches the one that imports it.

``python -m tests.docker.lab_cells`` prints the results.
"""

import gevent.monkey

gevent.monkey.patch_all()

import json  # noqa: E402
from contextlib import ExitStack  # noqa: E402
from dataclasses import asdict  # noqa: E402
from time import sleep  # noqa: E402
from typing import Any  # noqa: E402

from loadtest.engine.docker import Docker  # noqa: E402
from loadtest.engine.docker_look import holding_here, holding_inside  # noqa: E402
from loadtest.engine.machine import Pace, machine  # noqa: E402
from loadtest.engine.master import Generators  # noqa: E402
from loadtest.engine.nginx_log import logged  # noqa: E402
from loadtest.engine.one_run import Measurer  # noqa: E402
from loadtest.engine.session import LOG_SECONDS  # noqa: E402
from loadtest.generator.parameters import Parameters  # noqa: E402
from loadtest.judging.audit import audit  # noqa: E402
from loadtest.judging.values import values  # noqa: E402
from loadtest.model import Cell, Disturbance, Load, loop, sync  # noqa: E402

WAIT = Parameters(wait=0.2)
# The same servers twice: what the first cell stops must run again for the second. A worker is killed from inside its container.
PAIR = sync(2, name="a pair", replicas=2)
LONG = Load("closed", "wait", WAIT, users=2)
CELLS = (
    Cell(sync(2), Load("burst", "wait", WAIT, users=4), 4),
    Cell(loop("fastapi"), Load("closed", "wait", WAIT, users=20), 20),
    Cell(PAIR, LONG, "leave", disturbances=(Disturbance(0.5, "leave"),)),
    Cell(PAIR, LONG, "kill", disturbances=(Disturbance(0.5, "kill"),)),
)


def main() -> list[dict[str, Any]]:
    """Measure the cells, and return their findings and counts.

    To check the reading itself, also return the memory as seen from here and from inside.
    """
    here = machine()
    with ExitStack() as stack:
        runtime = Docker(here.server_cpus, here.other_cpus)
        stack.callback(runtime.stop)
        generators = stack.enter_context(Generators(1, here.other_cpus))
        running = runtime.start([cell.variant for cell in CELLS])
        # No ceiling and no idle lag: only a quiet machine can show whether the generator had room.
        measurer = Measurer(runtime, generators, 1e9, 10.0, 1.0, Pace(2.0, 0.5, 1), 1)
        raws = [measurer.measure(cell, 0, running[cell.variant.name], lambda _: None) for cell in CELLS]
        sleep(LOG_SECONDS)
        found = []
        for cell, (raw, mark) in zip(CELLS, raws, strict=True):
            one = running[raw.cell.variant.name]
            raw.logged = dict(logged(runtime.log(one))[mark].statuses)
            app = runtime.parts(one)["app"]
            found.append(
                {
                    "audit": [asdict(finding) for finding in audit(raw, values(raw))],
                    "lost": raw.lost if cell.disturbances else None,
                    "usage": raw.usage and asdict(raw.usage),
                    "pss": [[look.pss_mib if look else None for look in (holding_here(part), holding_inside(part))] for part in app],
                }
            )
        return found


if __name__ == "__main__":
    print(json.dumps(main()))
