"""Ask this container's own service whether it is alive: exit status 0 on a 200, 1 on anything else.

``python -m twogates.healthcheck``; slim images have no curl, and http.client is quicker to import than urllib.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException


def main() -> int:
    """Ask once, wait at most 4 seconds."""
    connection = HTTPConnection("127.0.0.1", int(os.environ["PORT"]), timeout=4)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        print(f"no answer: {error}", file=sys.stderr)
        return 1
    print(f"status {status}")
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
