"""Ask this container's own service whether it is alive: exit status 0 if so, else 1.

``python -m twogates.server.healthcheck``; slim images have no curl. It is a process in each container, all of them at
once, so it imports no more than it must: http.client and pathlib would be most of its CPU time (python -X importtime), for which all
requests wait on a small machine that is busy. What listens nowhere names a file in ALIVE_FILE, which it touches every second.
"""

import os
import socket
import sys
import time

PATH = b"/healthz"
ANSWER_SECONDS = 4.0
LONGEST_SECONDS = 10.0  # without a touch
ENOUGH = 64  # bytes, which hold the status line


def main() -> int:
    """Ask once."""
    return touched(os.environ["ALIVE_FILE"]) if os.environ.get("ALIVE_FILE") else answers()


def answers() -> int:
    """Whether it answers with a 200 in time."""
    deadline, line = time.monotonic() + ANSWER_SECONDS, b""
    try:
        # Not create_connection, which would have a codec for names imported.
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
    """Whether it has touched its file a moment ago."""
    try:
        age = time.time() - os.stat(file).st_mtime  # noqa: PTH116  what pathlib costs is said above
    except OSError as error:
        print(f"no sign of life: {error}", file=sys.stderr)
        return 1
    print(f"alive {age:.0f} s ago")
    return 0 if age < LONGEST_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
