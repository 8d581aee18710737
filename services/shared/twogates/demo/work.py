"""The CPU-bound work of ``/cpu``. It is deterministic, so that all three services must give the same answer."""

import hashlib

ROUNDS_PER_UNIT = 1000


def cpu_work(units: int) -> str:
    """Hash ``1000 * units`` times, each time the hash before, and return the last one in hexadecimal.

    Each input is at most 32 bytes, below the size from which hashlib releases the GIL. So threads cannot
    run this in parallel, just as they cannot run Python code in parallel.
    """
    digest = b"two gates"
    for _ in range(ROUNDS_PER_UNIT * units):
        digest = hashlib.sha256(digest).digest()
    return digest.hex()
