"""The secrets that production needs, each a file: python3 scripts/venv.py scripts -m scripts.secrets."""

import os
import secrets
from pathlib import Path

import yaml

from scripts.compose_file import ROOT, substitute, variables
from scripts.output import console, fail

BYTES = 48  # 64 characters


def files() -> list[Path]:
    """The file of every secret, as compose.production.yaml names them."""
    document = substitute(yaml.safe_load((ROOT / "compose.production.yaml").read_text()), variables())
    return [ROOT / entry["file"] for entry in document["secrets"].values()]


def missing() -> list[Path]:
    """Those that are not there."""
    return [path for path in files() if not path.is_file()]


def make(path: Path) -> None:
    """Write a new secret. Its folder is this user's alone; the file is for the service's user too, whose number is another."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444), "w") as file:
        file.write(secrets.token_urlsafe(BYTES) + "\n")


def main() -> None:
    """Make what is missing; a secret that is there is never replaced."""
    new = missing()
    for path in files():
        if path in new:
            try:
                make(path)
            except OSError as error:
                fail(f"{path} cannot be written ({error.strerror}); accepted: SECRETS, a folder of this user")
        console.print(f"  {path}".ljust(60) + ("made" if path in new else "kept"))
    console.print("Keep a copy where backups are kept: a new one ends every session.")


if __name__ == "__main__":
    main()
