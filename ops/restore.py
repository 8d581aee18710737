"""Replace the database with a backup: python3 runtime/venv.py runtime -m ops.restore [FILE]. Also: make restore B=FILE.

Without FILE, it restores the newest backup in backups/. The backup is restored into a new database, which replaces the old one when it
is complete. Until then the services use the old database, and if a step fails they keep it.
"""

import argparse
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from ops import postgres, sealed, stack
from ops.backup import check, size
from ops.postgres import Failed
from runtime import given_file
from runtime.checks.variables import check_variables
from runtime.compose_file import ROOT, variables
from runtime.console import fail, say

TRIES = 3


def main() -> None:
    """Check a backup and restore it."""
    parser = argparse.ArgumentParser(prog="restore", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, help="default: the newest in backups/")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the private key, for a backup that is encrypted")
    given = parser.parse_args()
    file = chosen(given.file)
    check_variables(variables())
    keys = sealed.identities(given.key) if sealed.is_sealed(file) else []
    if not postgres.answers():
        say("The database does not answer, so the stack is started first.")
        stack.up(reload=False)
    try:
        check(file, keys)
    except Failed as error:
        fail(f"{file} is no backup, or not a whole one; accepted: a file that make backup has written. What was found: {error}")
    try:
        restore(file, keys)
    except Failed as error:
        fail(f"The database is as it was. PostgreSQL says: {error}")
    say("Restored. Next: make status")


def chosen(given: Path | None) -> Path:
    """Return the file to restore."""
    if given is None:
        found = sorted(postgres.backups().glob(f"{postgres.name()}-*.dump*"))  # their names sort by time
        if not found:
            fail("There is no backup in backups/. Make one with: make backup, or name a file: make restore B=FILE")
        return found[-1]
    given_file.readable(given, "a file that make backup has written")
    return given.resolve()


def restore(file: Path, keys: list[Any]) -> None:
    """Restore the backup into a new database, migrate its schema, and swap it with the old database."""
    database = postgres.name()
    new, old = f"{database}_restored", f"{database}_replaced"
    shown = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
    say(f"  It replaces all that is in the database now: {contents(database)}")
    if sys.stdin.isatty() and input(f"  Replace it by {shown}? [y/N] ").strip().lower() not in ("y", "yes"):
        fail("Nothing was changed")
    say(f"  Restoring {shown}, {size(file)}, beside it ...")
    drop(new, old)  # left by an interrupted run
    try:
        postgres.sql(f"CREATE DATABASE {new} TEMPLATE template0", postgres.USER)
        # Ignore the backup's owners and privileges: it may come from a host with other roles. The migration job sets them, as on a new
        # database.
        with sealed.opened(file, keys) as given:
            postgres.run("pg_restore", f"--dbname={new}", "--exit-on-error", "--no-owner", "--no-privileges", given=given)
        if wrong := postgres.migrate(new):
            raise Failed(wrong)
        postgres.sql("ANALYZE", new)
        say(f"  Putting it in its place: {contents(new)} ...")
        swap(database, new, old)
    finally:
        with suppress(Failed):
            drop(new, old)


def contents(database: str) -> str:
    """Return the tables of a database, each with the number of its rows."""
    try:
        return ", ".join(f"{table} {rows}" for table, rows in postgres.tables(database)) or "nothing"
    except Failed:
        return "what cannot be read"


def drop(*databases: str) -> None:
    """Drop these databases if they exist."""
    postgres.sql("".join(f"DROP DATABASE IF EXISTS {one} WITH (FORCE);\n" for one in databases), postgres.USER)


def swap(database: str, new: str, old: str) -> None:
    """Rename both databases in one transaction. A rename needs a database without connections, so clients are refused for milliseconds."""
    try:
        for left in reversed(range(TRIES)):
            try:
                # psql gets all statements at once, so interrupting this program does not leave the swap half done.
                postgres.sql(
                    f"ALTER DATABASE {database} ALLOW_CONNECTIONS false;\n"
                    f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database}';\n"
                    f"BEGIN;\nALTER DATABASE {database} RENAME TO {old};\nALTER DATABASE {new} RENAME TO {database};\nCOMMIT;\n",
                    postgres.USER,
                )
                return
            except Failed:  # a client connected at that moment
                if not left:
                    raise
    except BaseException:
        postgres.sql(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true", postgres.USER)
        raise


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
