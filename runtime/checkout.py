"""Where this checkout lies, and whether the stack can run from there as local processes."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOCKET = ROOT / ".run" / "supervisor.sock"
LONGEST_SOCKET_PATH = 100  # the kernel takes 107 bytes, and Supervisor first makes the socket under a longer name
# The separator of search paths, what Supervisor's configuration gives a meaning to, and what a shell does that PostgreSQL's initdb
# starts its server by.
BREAKING = set(':%"$`\\\n\r\t')


def unusable(root: Path = ROOT) -> str | None:
    """What is wrong with its path, ``None`` when nothing is."""
    if wrong := sorted(BREAKING & set(str(root))):
        return f"The path of the checkout has {' '.join(map(ascii, wrong))} in it, which Python, Supervisor or PostgreSQL cannot have there"
    length = len(str(root / SOCKET.relative_to(ROOT)).encode())
    if length > LONGEST_SOCKET_PATH:
        return f"The path of the checkout is too long for a socket below it: {length} bytes of at most {LONGEST_SOCKET_PATH}"
    return None
