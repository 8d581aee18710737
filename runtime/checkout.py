"""The path of this checkout, and whether the stack can run from there as local processes."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOCKET = ROOT / ".run" / "supervisor.sock"
LONGEST_SOCKET_PATH = 100  # bytes; the kernel allows 107, and Supervisor first creates the socket under a longer name
# Characters that the path must not contain: the separator of search paths, and those with a meaning in Supervisor's configuration or in
# the shell. PostgreSQL's initdb starts its server by a shell.
BREAKING = set(':%"$`\\\n\r\t')


def unusable(root: Path = ROOT) -> str | None:
    """Return what is wrong with the path of the checkout, ``None`` if nothing is."""
    if wrong := sorted(BREAKING & set(str(root))):
        return f"The path of the checkout has {' '.join(map(ascii, wrong))} in it, which Python, Supervisor or PostgreSQL cannot have there"
    length = len(str(root / SOCKET.relative_to(ROOT)).encode())
    if length > LONGEST_SOCKET_PATH:
        return f"The path of the checkout is too long for a socket below it: {length} bytes of at most {LONGEST_SOCKET_PATH}"
    return None
