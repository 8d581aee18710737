"""Wait until the whole stack answers through Nginx."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence

SERVICES = ("flask", "fastapi", "django")


def answer(url: str) -> dict[str, object] | None:
    """The JSON object at ``url``, ``None`` where there is none yet."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            found: dict[str, object] = json.load(response)
            return found
    except (OSError, ValueError):
        return None


def wait_until_ready(
    base: str, seconds: float, failed: Callable[[], str | None] = lambda: None, first: Sequence[str] = ()
) -> dict[str, dict[str, object]]:
    """What each service says of itself, once all are ready.

    The URLs in ``first`` are waited for before anything is asked through Nginx: a replica that refuses Nginx's first request,
    since it is only starting, is left alone for seconds. ``failed`` is asked between the tries and ends the waiting with what
    it returns. Raises ``TimeoutError`` with the reason when something does not answer after ``seconds``.
    """
    deadline = time.monotonic() + seconds
    for urls in (list(first), [f"{base}/{name}/readyz" for name in SERVICES]):
        while urls := [url for url in urls if answer(url) is None]:
            reason = failed()
            if reason or time.monotonic() > deadline:
                raise TimeoutError(reason or f"no answer after {seconds:.0f} seconds: {', '.join(urls)}")
            time.sleep(0.1)
    return {name: answer(f"{base}/{name}/") or {} for name in SERVICES}
