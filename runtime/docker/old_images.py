"""Remove the unnamed images that builds leave behind, except the newest of each service."""

import json
import subprocess
from collections.abc import Iterable

from runtime.compose_file import ROOT, project
from runtime.console import say
from runtime.docker.engine import LABEL
from runtime.docker.wanted import Wanted, image_id

KEPT = 3  # including the one in use
# The images that were in use, by name, the newest last. An image's own date is not its build time (SOURCE_DATE_EPOCH).
HISTORY = ROOT / ".run" / "images.json"


def remove_old(services: Iterable[Wanted]) -> None:
    """Record the images in use, and remove this project's unnamed images that are not among the last of their service."""
    history: dict[str, list[str]] = json.loads(HISTORY.read_text()) if HISTORY.is_file() else {}
    for name in {one.image for one in services if one.built}:
        if used := image_id(name):
            history[name] = [*(one for one in history.get(name, []) if one != used), used][-KEPT:]
    HISTORY.parent.mkdir(exist_ok=True)
    HISTORY.write_text(json.dumps(history, indent=1))
    kept = {one for images in history.values() for one in images}
    # Only images that Compose built for this project have its label.
    shown = ["image", "ls", "--quiet", "--no-trunc", "--filter", "dangling=true", "--filter", f"label={LABEL}={project()}"]
    unnamed = set(subprocess.run(["docker", *shown], capture_output=True, text=True).stdout.split())
    # Docker refuses to remove an image that a container still uses. A later call removes it.
    removed = [one for one in unnamed - kept if subprocess.run(["docker", "image", "rm", one], capture_output=True).returncode == 0]
    if removed:
        what = "an older image" if len(removed) == 1 else f"{len(removed)} older images"
        say(f"Removed {what} of this project; the last {KEPT} of each service are kept.")
