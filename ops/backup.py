"""Copy the running database to a file: python3 runtime/venv.py runtime -m ops.backup. Also: make backup.

If BACKUP_RECIPIENTS names public keys, the backup is encrypted for them. With --checksum, the command makes no backup. It prints
checksums over the rows of all tables except the queue's: two databases with the same content have the same checksums.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import IO, Any

from pyrage import x25519

from ops import postgres, sealed
from ops.postgres import Failed
from runtime.checks.variables import check_variables
from runtime.compose_file import ROOT, variables
from runtime.console import console, fail, say

SECONDS_BETWEEN = 5  # between two progress messages
PIECE = 2**16
QUEUE = "procrastinate_"  # prefix of its tables, which always change: the worker writes a heartbeat every two seconds
MARK = "table"  # separates tables in psql's output; a row begins with a parenthesis, and a sequence with its schema


def main() -> None:
    """Make a backup, print the checksums, or write a new key."""
    parser = argparse.ArgumentParser(prog="backup", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checksum", action="store_true", help="print a checksum of every table but the queue's, and of all of them")
    parser.add_argument("--new-key", metavar="FILE", help="write a new private key to a file, and print its public key")
    chosen = parser.parse_args()
    check_variables(variables())
    if chosen.new_key is not None:
        public = sealed.new_key(chosen.new_key)
        console.print(f"{chosen.new_key} has a new private key. Keep it on another machine, and in more than one place: nothing else reads")
        console.print("what is written for it.\nIn .env, for backups that it can read: ")
        console.print(f"BACKUP_RECIPIENTS={public}", soft_wrap=True)
        return
    if not postgres.answers():
        fail("The database does not answer. Start it with: make up")
    try:
        if chosen.checksum:
            for line in checksums():
                console.print(line)
        else:
            path = backup()
            kind = "encrypted and whole" if path.suffix == sealed.ENDING else "whole"
            console.print(f"{path.relative_to(ROOT)} is {kind}, {size(path)}. Keep a copy on another machine.")
            console.print(f"Next: make restore B={path.relative_to(ROOT)}" + " BACKUP_KEY=FILE" * (path.suffix == sealed.ENDING))
    except Failed as error:
        fail(f"PostgreSQL says: {error}")


def backup() -> Path:
    """Write a backup of one snapshot, read it to its end, and return its path. A failed backup leaves no file."""
    keys = sealed.recipients()
    # A key for this run only, never stored: it lets check() read the encrypted file back from the disk.
    own = x25519.Identity.generate() if keys else None
    listed = ", ".join(f"{table} {rows}" for table, rows in postgres.tables())
    say(f"  Copying {listed} ...")
    postgres.backups().mkdir(mode=0o700, exist_ok=True)
    path = postgres.backups() / f"{postgres.name()}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.dump{sealed.ENDING if keys else ''}"
    begun = path.with_suffix(".part")  # so an interrupted backup is never mistaken for a complete one
    try:
        with os.fdopen(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            write(file, [*keys, own.to_public()] if own else [])
            file.flush()
            os.fsync(file.fileno())
        check(begun, [own] if own else [])
        begun.rename(path)
    except OSError as error:
        fail(f"{begun} cannot be written: {error.strerror}")
    finally:
        begun.unlink(missing_ok=True)
    return path


def write(file: IO[bytes], keys: list[Any]) -> None:
    """Run pg_dump and write its output to a file, encrypted if there are public keys; print the progress."""
    # The custom format is compressed. pg_dump writes to a pipe: into a seekable file it would write its table of contents twice.
    process = postgres.start("pg_dump", "--format=custom", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stderr
    try:
        if keys:
            sealed.seal(Counting(process.stdout), file, keys)
        else:
            shutil.copyfileobj(Counting(process.stdout), file, PIECE)
        if process.wait():
            raise Failed(postgres.end_of(process.stderr.read()))
    finally:
        process.kill()


class Counting:
    """Read a program's output, and print every few seconds how much was read."""

    def __init__(self, source: IO[bytes]) -> None:
        self.source, self.count, self.told = source, 0, monotonic()

    def read(self, size: int = PIECE) -> bytes:
        """Return the next piece, empty at the end."""
        piece = self.source.read(size)
        self.count += len(piece)
        if monotonic() - self.told > SECONDS_BETWEEN:
            self.told = monotonic()
            say(f"  {in_words(self.count)} so far ...")
        return piece


def check(path: Path, keys: list[Any]) -> None:
    """Read a backup to its end, with private keys if it is encrypted; raise ``Failed`` if it is not a backup or is incomplete."""
    with sealed.opened(path, keys) as file:
        postgres.run("pg_restore", "--file=/dev/null", given=file)


def size(path: Path) -> str:
    """Return a file's size in readable form."""
    return in_words(path.stat().st_size)


def in_words(count: int) -> str:
    """Return a number of bytes as MiB or KiB."""
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.1f} KiB"


def checksums() -> list[str]:
    """Return a line for each table, one for the sequences and one for everything, all from one snapshot."""
    found = [table for table, _ in postgres.tables() if not table.startswith(QUEUE)]
    script = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n"
    for table in found:  # sorted, so that the physical order of the rows does not matter
        rows = f'SELECT t::text FROM {table} t ORDER BY t::text COLLATE "C"'  # noqa: S608  the database has quoted the name
        script += f"\\echo {MARK}\nCOPY ({rows}) TO STDOUT;\n"
    script += f"\\echo {MARK}\nSELECT schemaname, sequencename, last_value FROM pg_sequences "
    script += f"WHERE NOT starts_with(sequencename, '{QUEUE}') ORDER BY 1, 2;\nCOMMIT;\n"
    digests = []
    for line in postgres.lines(script):
        if line.rstrip() == MARK.encode():
            digests.append(hashlib.sha256())
        else:
            digests[-1].update(line)
    each = [digest.hexdigest() for digest in digests]
    listed = [f"{digest}  {name}" for digest, name in zip(each, [*found, "sequences"], strict=True)]
    return [*listed, f"{hashlib.sha256(''.join(each).encode()).hexdigest()}  all"]


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
