"""The CPU-bound work of ``/cpu``: deterministic, so that three services can be held to one answer."""

import hashlib

ROUNDS_PER_UNIT = 1000


def cpu_work(units: int) -> str:
    """Hash a hash ``1000 * units`` times and return the last one in hexadecimal.

    Each input is 32 bytes, below the size from which hashlib releases the GIL: threads cannot run
    this side by side, as they cannot run Python code.
    """
    digest = b"two gates"
    for _ in range(ROUNDS_PER_UNIT * units):
        digest = hashlib.sha256(digest).digest()
    return digest.hex()
