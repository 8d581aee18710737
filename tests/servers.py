"""Every server that the project can start: those of ``make up``, those of the laboratory's experiments, and Locust's page."""

import sys
from functools import cache
from pathlib import Path

from loadtest.engine.local import Local
from loadtest.experiments import experiments
from loadtest.locust_page import page
from loadtest.model import Variant
from runtime.compose_file import ROOT
from runtime.local.plan import make_plan, run_jobs
from runtime.servers import Command, free_port

LOCUST = "locust"


def kind(variant: Variant) -> str:
    """Return the kind of server of a variant, by service, interface and kind of worker: ``flask-threads``, ``django-wsgi``."""
    return variant.service + "-wsgi" * variant.wsgi + "-threads" * (variant.service == "flask" and variant.threads > 1)


@cache
def servers() -> dict[str, Command]:
    """Return all servers by name. Each has its own free port and uses the stack's data."""
    found: dict[str, Command] = {}
    plan = make_plan()
    assert run_jobs(plan.jobs) is None  # creates the folders and secrets that the servers read
    planned = plan.processes
    for process in planned:
        if process.environment.get("PORT"):
            port = free_port()
            found[process.name] = Command(process.command, process.folder, port, {**process.environment, "PORT": str(port)}, "/healthz")
    laboratory = Local(None, None)
    cells = (cell for one in experiments().values() for full in (False, True) for cell in one.cells(full))
    for variant in {kind(cell.variant): cell.variant for cell in cells}.values():
        # As in Local.start_one, except that the servers use the stack's data.
        data = next(process.environment for process in planned if process.name.split("-")[0] == variant.service)
        environment = {**data, "WORKERS": "2", "THREADS": str(variant.threads), "ADMIN": "off", **variant.environment}
        found.setdefault(kind(variant), laboratory.command(variant.service, free_port(), environment, variant))
    port = free_port()
    found[LOCUST] = Command([sys.executable, *page(str(port), "http://127.0.0.1:9")], Path(ROOT), port, path="/")
    return found
