"""Report the number of users to the page's live view once a second (docs/live.md). It does not matter if the view is not running."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gevent

EVERY_SECONDS = 1.0
TIMEOUT_SECONDS = 1.0
LONGEST_NAME = 200


@contextmanager
def told(target: str, name: str, users: Callable[[], int]) -> Iterator[None]:
    """Report for the duration of the block, from a separate greenlet."""
    telling = gevent.spawn(keep_telling, target, name, users)
    try:
        yield
    finally:
        telling.kill()


def keep_telling(target: str, name: str, users: Callable[[], int]) -> None:
    """Report repeatedly, unless there is no live view at all."""
    while tell(target, name, users()):
        gevent.sleep(EVERY_SECONDS)


def tell(target: str, name: str, users: int) -> bool:
    """Report once. Return whether to continue: not if the path is unknown (404), as in production."""
    body = json.dumps({"users": users, "name": name[:LONGEST_NAME]}).encode()
    request = urllib.request.Request(f"{target}/live/load", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):
            return True
    except urllib.error.HTTPError as error:
        with error:
            return error.code != 404
    except (OSError, ValueError):
        return True
