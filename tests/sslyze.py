"""What sslyze, in its own environment, reports about a server's TLS."""

import json
import subprocess
from pathlib import Path
from typing import Any

from runtime import venv


def scan(port: int, profile: str, authority: Path, folder: Path) -> tuple[str, dict[str, Any]]:
    """Scan localhost at a port. Return sslyze's sentence on one of Mozilla's profiles, and all results."""
    python, written = venv.tool("sslyze"), folder / "sslyze.json"  # type: ignore[no-untyped-call]
    asked = [f"--mozilla_config={profile}", f"--certinfo_ca_file={authority}", f"--json_out={written}", "--early_data", f"localhost:{port}"]
    printed = subprocess.run([python, "-m", "sslyze", *asked], capture_output=True, text=True, timeout=120)
    results: dict[str, Any] = json.loads(written.read_text())["server_scan_results"][0]
    return printed.stdout.rpartition(f"localhost:{port}:")[2].strip(), results["scan_result"]
