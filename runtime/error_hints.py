"""Explain why a program that downloads or writes much has failed: turn its output into a next step."""

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FULL = (
    "The disk is full: {free} MB are free where the checkout is. Make room (docker system df shows Docker's part), and do the same again."
)
CAUSES = {
    r"No space left on device|Disk quota exceeded|os error (28|122)\b": FULL,
    r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|invalid peer certificate": "The certificate of the package index is not "
    "trusted here. Where a proxy opens TLS, name its authority: PIP_CERT=file SSL_CERT_FILE=file",
    r"name resolution|Name or service not known|nodename nor servname|dns error|no such host|Network is unreachable|No route to host"
    r"|Failed to establish a new connection|NewConnectionError|ConnectTimeout|Could not connect|tcp connect error"
    r"|error sending request|timed out|Cannot connect to proxy|i/o timeout": "What the first run fetches cannot be reached. "
    "Check the network, name a proxy (HTTPS_PROXY), or a mirror (PIP_INDEX_URL and UV_DEFAULT_INDEX). What is fetched already is kept.",
    r"Read-only file system|Permission denied|os error (13|30)\b": "The checkout cannot be written to by this user. Move it, or own it.",
}
LITTLE_MB = 20  # with less than this, assume a full disk: not every program reports it
LINES, KNOWN_LINES, LONGEST = 15, 2, 300


def known(printed: str) -> str | None:
    """Return advice if the output, or a nearly full disk, explains the failure."""
    free = shutil.disk_usage(ROOT).free // 10**6
    found = next(
        (words for pattern, words in CAUSES.items() if re.search(pattern, printed, re.IGNORECASE)), FULL if free < LITTLE_MB else None
    )
    return found and found.format(free=free)


def cause(printed: str) -> str:
    """Return the last lines of the output, and advice. If the cause is known, the lines are few."""
    sentence = known(printed)
    end = printed.strip().splitlines()[-(KNOWN_LINES if sentence else LINES) :]
    return "\n".join([*("  " + line[:LONGEST] for line in end), sentence or "The lines above say why."])
