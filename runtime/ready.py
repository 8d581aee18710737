"""Wait until the whole stack answers through Nginx."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

MOMENT_SECONDS = 3.0
SERVICES = ("flask", "fastapi", "django")


def answer(url: str) -> dict[str, object] | None:
    """Return the JSON object at ``url``, ``None`` if there is none yet."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            found: dict[str, object] = json.load(response)
            return found
    except (OSError, ValueError):
        return None


def touched(file: Path) -> bool:
    """Return whether a file was modified within the last ``MOMENT_SECONDS``."""
    try:
        return time.time() - file.stat().st_mtime < MOMENT_SECONDS
    except OSError:
        return False


def wait_until_ready(
    base: str,
    seconds: float,
    failed: Callable[[], str | None] = lambda: None,
    first: Sequence[str] = (),
    files: Sequence[Path] = (),
) -> dict[str, dict[str, object]]:
    """Wait until all services are ready, and return each service's description of itself.

    The URLs in ``first`` must answer before any request goes through Nginx. A replica that is still starting would refuse Nginx's
    first request, and Nginx would then avoid it for seconds. ``failed`` is called between the attempts; a reason that it returns
    ends the wait. ``files`` are heartbeat files: a process without a URL touches its file for as long as it lives. Raises
    ``TimeoutError`` with the reason when something does not answer after ``seconds``.
    """
    deadline = time.monotonic() + seconds
    in_turn: list[list[str | Path]] = [[*first], [f"{base}/{name}/readyz" for name in SERVICES], [*files]]
    for waiting in in_turn:
        while waiting := [one for one in waiting if not (touched(one) if isinstance(one, Path) else answer(one))]:
            reason = failed()
            if reason or time.monotonic() > deadline:
                raise TimeoutError(reason or f"no answer after {seconds:.0f} seconds: {', '.join(map(str, waiting))}")
            time.sleep(0.1)
    return {name: answer(f"{base}/{name}/") or {} for name in SERVICES}
