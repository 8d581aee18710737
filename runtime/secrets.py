"""Create the secret files that the Compose files name: python3 runtime/venv.py runtime -m runtime.secrets."""

import hashlib
import os
import secrets
from pathlib import Path

from runtime import given_file
from runtime.compose_file import ROOT, load
from runtime.console import console, fail

BYTES = 48  # 64 characters
# Only the services' own keys, channels and commands: Valkey is often shared, and a compromised service must not read or fill the data of
# other programs. Add each new command that a service uses. The health check may only send PING.
VALKEY_RIGHTS = (
    "~cache:* ~posts:* &boards &board:* -@all +eval +evalsha +get +set +del +incr +pexpire +pttl +hincrby +hmget +scan "
    "+publish +subscribe +unsubscribe +ping +info +select +hello +client|setname +client|setinfo"
)
VALKEY = f"user default on #{{hash}} {VALKEY_RIGHTS}\nuser health on nopass -@all +ping\n"
# PgBouncer checks a client's password, and logs in to the database with it. It needs the password itself; a hash is not enough.
PGBOUNCER = '"twogates_{service}" "{quoted}"\n'
# User lists by file name: the format of one line, and the services whose passwords the list contains.
LISTS = {"valkey_users": (VALKEY, ["valkey"]), "pgbouncer_users": (PGBOUNCER, ["flask", "fastapi", "django"])}


def files() -> list[Path]:
    """Return the path of every secret file."""
    return [ROOT / entry["file"] for entry in load()[1]["secrets"].values()]


def missing() -> list[Path]:
    """Return the secret files that do not exist. A file that exists but cannot be read ends the program."""
    for path in filter(Path.is_file, files()):
        given_file.text(path)
    return [path for path in files() if not path.is_file()]


def make(path: Path) -> None:
    """Write a new secret. Only this user may enter its folder; the file is readable for all, since the service runs as another UID."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = list_of_users(path) if path.name in LISTS else secrets.token_urlsafe(BYTES) + "\n"
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444), "w") as file:
        file.write(text)


def list_of_users(path: Path) -> str:
    """Return the contents of a user list, built from the current passwords."""
    form, services = LISTS[path.name]
    passwords = {service: given_file.text(path.with_name(f"{service}_password")).strip() for service in services}
    return "".join(
        form.format(service=service, hash=hashlib.sha256(password.encode()).hexdigest(), quoted=password.replace('"', '""'))
        for service, password in passwords.items()
    )


def is_made(path: Path) -> bool:
    """Return whether a secret exists; a user list must also match the current passwords."""
    if not path.is_file():
        return False
    text = given_file.text(path)  # every file is read here, so that an unreadable one is found before a service starts
    return path.name not in LISTS or text == list_of_users(path)


def make_missing(wanted: list[Path]) -> list[Path]:
    """Create the missing secrets and return their paths.

    An existing secret is never replaced. A user list that does not match its passwords is written again.
    """
    made = []
    for path in sorted(wanted, key=lambda path: path.name in LISTS):  # passwords first: the lists are built from them
        try:
            if is_made(path):
                continue
            make(path)
        except OSError as error:
            fail(f"{path} cannot be written ({error.strerror}); accepted: SECRETS, a folder of this user")
        made.append(path)
    return made


def main() -> None:
    """Create the missing secrets, and list all of them."""
    new = make_missing(files())
    for path in files():
        console.print(f"  {path}".ljust(60) + ("made" if path in new else "kept"))
    console.print("Keep a copy where backups are kept: a new one ends every session.")


if __name__ == "__main__":
    main()
