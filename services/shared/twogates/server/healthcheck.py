"""Health check of this container's own service. Exit status 0 if it is alive, else 1.

``python -m twogates.server.healthcheck``; slim images have no curl. All containers start this process at the same time, so it imports
as little as possible. http.client and pathlib would take most of its CPU time (python -X importtime). On a small, busy machine all
requests wait for that time. A process that listens on no port touches the file named in ALIVE_FILE every second.
"""

import os
import socket
import sys
import time

PATH = b"/healthz"
ANSWER_SECONDS = 4.0
LONGEST_SECONDS = 10.0  # the greatest accepted age of ALIVE_FILE
ENOUGH = 64  # bytes for the status line


def main() -> int:
    """Check once, and return the exit status."""
    return touched(os.environ["ALIVE_FILE"]) if os.environ.get("ALIVE_FILE") else answers()


def answers() -> int:
    """Return 0 if the service answers with status 200 in time, else 1."""
    deadline, line = time.monotonic() + ANSWER_SECONDS, b""
    try:
        # Not create_connection, which imports a codec for host names.
        with socket.socket() as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.connect(("127.0.0.1", int(os.environ["PORT"])))
            connection.sendall(b"GET " + PATH + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            while b"\n" not in line and len(line) < ENOUGH:
                connection.settimeout(max(0.001, deadline - time.monotonic()))
                if not (more := connection.recv(ENOUGH)):
                    break
                line += more
    except OSError as error:
        print(f"no answer: {error}", file=sys.stderr)
        return 1
    version, status, *_ = [*line.decode("latin-1").split(), "", ""]
    print(f"status {status or 'none'}")
    return 0 if version.startswith("HTTP/") and status == "200" else 1


def touched(file: str) -> int:
    """Return 0 if the process touched its file recently, else 1."""
    try:
        age = time.time() - os.stat(file).st_mtime  # noqa: PTH116  the module docstring says what pathlib costs
    except OSError as error:
        print(f"no sign of life: {error}", file=sys.stderr)
        return 1
    print(f"alive {age:.0f} s ago")
    return 0 if age < LONGEST_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
