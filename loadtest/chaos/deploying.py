"""Run make deploy on the suite's stack."""

import json
import subprocess
import sys
from typing import Any

from loadtest.chaos.stack import FOLDER, Stack
from runtime.compose_file import ROOT

SECONDS = "15"  # time limit for replicas that never become healthy


def deploy(stack: Stack, service: str, changed: dict[str, Any] | None = None) -> str:
    """Deploy a service; ``changed`` overrides the settings of its new replicas. Return the error message, or "" on success."""
    over = FOLDER / "deploy.json"
    over.write_text(json.dumps({"services": {service: changed or {}}}))
    files = ":".join(map(str, (ROOT / "compose.yaml", stack.file, over)))
    ran = subprocess.run(
        [sys.executable, "-m", "ops.deploy", service],
        cwd=ROOT,
        env={**stack.environment, "COMPOSE_FILE": files, **({"WITHIN": SECONDS} if changed else {})},
        capture_output=True,
        text=True,
        start_new_session=True,
    )
    return (ran.stderr or ran.stdout).strip() if ran.returncode else ""
