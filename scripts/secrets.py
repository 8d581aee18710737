"""The secrets, each a file, as the Compose files name them: python3 scripts/venv.py scripts -m scripts.secrets."""

import hashlib
import os
import secrets
from pathlib import Path

from scripts.compose_file import ROOT, load
from scripts.output import console, fail

BYTES = 48  # 64 characters
# Valkey's list of users has the hash of the password, which clients read.
USERS, PASSWORD = "valkey_users", "valkey_password"
# Whoever knows the password may do all with the data, and nothing to the server. The health check may ask whether it is there.
ACL = "user default on #{hash} ~* &* +@all -@admin -@dangerous +info\nuser health on nopass -@all +ping\n"


def files() -> list[Path]:
    """The file of every secret."""
    return [ROOT / entry["file"] for entry in load()[1]["secrets"].values()]


def missing() -> list[Path]:
    """Those that are not there."""
    return [path for path in files() if not path.is_file()]


def make(path: Path) -> None:
    """Write a new secret. Its folder is this user's alone; the file is for the service's user too, whose number is another."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.name == PASSWORD:
        path.with_name(USERS).unlink(missing_ok=True)  # of the old one
    if path.name == USERS:
        text = ACL.format(hash=hashlib.sha256(path.with_name(PASSWORD).read_text().strip().encode()).hexdigest())
    else:
        text = secrets.token_urlsafe(BYTES) + "\n"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444), "w") as file:
        file.write(text)


def make_missing(wanted: list[Path]) -> list[Path]:
    """Make those that are not there, and return them; a secret that is there is never replaced."""
    made = []
    for path in wanted:
        if path.is_file():
            continue
        try:
            make(path)
        except OSError as error:
            fail(f"{path} cannot be written ({error.strerror}); accepted: SECRETS, a folder of this user")
        made.append(path)
    return made


def main() -> None:
    """Make what is missing."""
    new = make_missing(files())
    for path in files():
        console.print(f"  {path}".ljust(60) + ("made" if path in new else "kept"))
    console.print("Keep a copy where backups are kept: a new one ends every session.")


if __name__ == "__main__":
    main()
