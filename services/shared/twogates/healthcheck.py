"""Ask this container's own service whether it is alive: exit status 0 if so, else 1.

``python -m twogates.healthcheck``; slim images have no curl, and http.client is quicker to import than urllib. What listens nowhere
names a file in ALIVE_FILE, which it touches every second.
"""

import os
import sys
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

LONGEST_SECONDS = 10.0  # without a touch


def main() -> int:
    """Ask once, wait at most 4 seconds."""
    return touched(os.environ["ALIVE_FILE"]) if os.environ.get("ALIVE_FILE") else answers()


def answers() -> int:
    """Whether it answers with a 200."""
    connection = HTTPConnection("127.0.0.1", int(os.environ["PORT"]), timeout=4)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        print(f"no answer: {error}", file=sys.stderr)
        return 1
    print(f"status {status}")
    return 0 if status == 200 else 1


def touched(file: str) -> int:
    """Whether it has touched its file a moment ago."""
    try:
        age = time.time() - Path(file).stat().st_mtime
    except OSError as error:
        print(f"no sign of life: {error}", file=sys.stderr)
        return 1
    print(f"alive {age:.0f} s ago")
    return 0 if age < LONGEST_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
