"""The secrets, each a file, as the Compose files name them: python3 runtime/venv.py runtime -m runtime.secrets."""

import hashlib
import os
import secrets
from pathlib import Path

from runtime import given_file
from runtime.compose_file import ROOT, load
from runtime.console import console, fail

BYTES = 48  # 64 characters
# The services' keys, channels and commands, and no others: Valkey is often shared, and a service that is taken over must not read or fill
# what belongs to other programs. A command that a service begins to use has to be added. The health check may ask whether Valkey answers.
VALKEY_RIGHTS = (
    "~cache:* ~posts:* &boards &board:* -@all +eval +evalsha +get +set +del +incr +pexpire +pttl +hincrby +hmget +scan "
    "+publish +subscribe +unsubscribe +ping +info +select +hello +client|setname +client|setinfo"
)
VALKEY = f"user default on #{{hash}} {VALKEY_RIGHTS}\nuser health on nopass -@all +ping\n"
# PgBouncer asks clients for their password, and logs in to the database with it: a hash would not do.
PGBOUNCER = '"twogates_{service}" "{quoted}"\n'
# Lists of users, each with a line's form and the services that it has the passwords of.
LISTS = {"valkey_users": (VALKEY, ["valkey"]), "pgbouncer_users": (PGBOUNCER, ["flask", "fastapi", "django"])}


def files() -> list[Path]:
    """The file of every secret."""
    return [ROOT / entry["file"] for entry in load()[1]["secrets"].values()]


def missing() -> list[Path]:
    """Those that are not there; one that cannot be read ends the program."""
    for path in filter(Path.is_file, files()):
        given_file.text(path)
    return [path for path in files() if not path.is_file()]


def make(path: Path) -> None:
    """Write a new secret. Its folder is this user's alone; the file is for the service's user too, whose number is another."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = list_of_users(path) if path.name in LISTS else secrets.token_urlsafe(BYTES) + "\n"
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444), "w") as file:
        file.write(text)


def list_of_users(path: Path) -> str:
    """Return what a list holds, given the passwords that there are."""
    form, services = LISTS[path.name]
    passwords = {service: given_file.text(path.with_name(f"{service}_password")).strip() for service in services}
    return "".join(
        form.format(service=service, hash=hashlib.sha256(password.encode()).hexdigest(), quoted=password.replace('"', '""'))
        for service, password in passwords.items()
    )


def is_made(path: Path) -> bool:
    """Whether a secret is there; a list has to fit its password too."""
    if not path.is_file():
        return False
    text = given_file.text(path)  # each is read here, so that no service meets one that cannot be read
    return path.name not in LISTS or text == list_of_users(path)


def make_missing(wanted: list[Path]) -> list[Path]:
    """Make those that are not there, and return them; a secret that is there is never replaced."""
    made = []
    for path in sorted(wanted, key=lambda path: path.name in LISTS):  # passwords first
        try:
            if is_made(path):
                continue
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
