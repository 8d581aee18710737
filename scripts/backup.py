"""Copy the database to a file while it serves: python3 scripts/venv.py scripts -m scripts.backup. Also: make backup.

With --checksum it prints one over all rows of all tables but the queue's in its place: equal where the content is equal.
"""

import argparse
import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import IO

from scripts import postgres
from scripts.check_variables import check_variables
from scripts.compose_file import ROOT, variables
from scripts.output import console, fail, say
from scripts.postgres import Failed

SECONDS_BETWEEN = 5  # of progress
PIECE = 2**16
QUEUE = "procrastinate_"  # its tables are never still: the worker reports every other second
MARK = "table"  # a row as text begins with a parenthesis, and that of a sequence with its schema


def main() -> None:
    """Do the one or the other."""
    parser = argparse.ArgumentParser(prog="backup", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checksum", action="store_true", help="print a checksum of every table but the queue's, and of all of them")
    chosen = parser.parse_args()
    check_variables(variables())
    if not postgres.answers():
        fail("The database does not answer. Start it with: make up")
    try:
        if chosen.checksum:
            for line in checksums():
                console.print(line)
        else:
            path = backup()
            console.print(f"{path.relative_to(ROOT)} is whole, {size(path)}. Keep a copy on another machine.")
            console.print(f"Next: make restore B={path.relative_to(ROOT)}")
    except Failed as error:
        fail(f"PostgreSQL says: {error}")


def backup() -> Path:
    """A new file, of one moment, that has been read to its end; nothing is left of one that failed."""
    listed = ", ".join(f"{table} {rows}" for table, rows in postgres.tables())
    say(f"  Copying {listed} ...")
    postgres.backups().mkdir(mode=0o700, exist_ok=True)
    path = postgres.backups() / f"{postgres.name()}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.dump"
    begun = path.with_suffix(".part")  # what is interrupted is never taken for a backup
    try:
        with os.fdopen(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        check(begun)
        begun.rename(path)
    except OSError as error:
        fail(f"{begun} cannot be written: {error.strerror}")
    finally:
        begun.unlink(missing_ok=True)
    return path


def write(file: IO[bytes]) -> None:
    """Have pg_dump write to a file, and say how far it is."""
    # Custom format: compressed. Through a pipe, since pg_dump writes its list of contents twice where its output is a file.
    process = postgres.start("pg_dump", "--format=custom", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stderr
    try:
        pour(process.stdout, file)
        if process.wait():
            raise Failed(postgres.end_of(process.stderr.read()))
    finally:
        process.kill()


def pour(source: IO[bytes], file: IO[bytes]) -> None:
    """Write to a file what a program prints, and say how far it is."""
    told = monotonic()
    while piece := source.read(PIECE):
        file.write(piece)
        if monotonic() - told > SECONDS_BETWEEN:
            told = monotonic()
            say(f"  {in_words(file.tell())} so far ...")


def check(path: Path) -> None:
    """Read a backup to its end; raises ``Failed`` where it is none, or where some of it is missing."""
    with path.open("rb") as file:
        postgres.run("pg_restore", "--file=/dev/null", given=file)


def size(path: Path) -> str:
    """A file's size, for people."""
    return in_words(path.stat().st_size)


def in_words(count: int) -> str:
    """A number of bytes."""
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.1f} KiB"


def checksums() -> list[str]:
    """A line for each table, and one over all of them, of one moment."""
    found = [table for table, _ in postgres.tables() if not table.startswith(QUEUE)]
    script = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n"
    for table in found:  # in an order that does not depend on where the rows lie
        rows = f'SELECT t::text FROM {table} t ORDER BY t::text COLLATE "C"'  # noqa: S608  as the database quotes it
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
