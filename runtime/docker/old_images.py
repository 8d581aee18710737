"""Images that builds have left without a name: the newest of each service are kept, and the older ones removed."""

import json
import subprocess
from collections.abc import Iterable

from runtime.compose_file import ROOT, project
from runtime.console import say
from runtime.docker.engine import LABEL
from runtime.docker.wanted import Wanted, image_id

KEPT = 3  # with the one in use
# The images that were in use, the newest last, by their names. An image's own date is that of no build (SOURCE_DATE_EPOCH).
HISTORY = ROOT / ".run" / "images.json"


def remove_old(services: Iterable[Wanted]) -> None:
    """Write down what is in use, and remove this project's unnamed images that are not among the last of their service."""
    history: dict[str, list[str]] = json.loads(HISTORY.read_text()) if HISTORY.is_file() else {}
    for name in {one.image for one in services if one.built}:
        if used := image_id(name):
            history[name] = [*(one for one in history.get(name, []) if one != used), used][-KEPT:]
    HISTORY.parent.mkdir(exist_ok=True)
    HISTORY.write_text(json.dumps(history, indent=1))
    kept = {one for images in history.values() for one in images}
    # Only what Compose built for this project has its label.
    shown = ["image", "ls", "--quiet", "--no-trunc", "--filter", "dangling=true", "--filter", f"label={LABEL}={project()}"]
    unnamed = set(subprocess.run(["docker", *shown], capture_output=True, text=True).stdout.split())
    # One that a container still has is refused, and goes the next time.
    removed = [one for one in unnamed - kept if subprocess.run(["docker", "image", "rm", one], capture_output=True).returncode == 0]
    if removed:
        what = "an older image" if len(removed) == 1 else f"{len(removed)} older images"
        say(f"Removed {what} of this project; the last {KEPT} of each service are kept.")
