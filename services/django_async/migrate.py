"""Bring the schema up to date and let the services in: a job that ends before they start.

Any number of these may run at once, and against services that run: one at a time works, and what is done already is left.
"""

import os
import sys
from typing import LiteralString

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_settings")

import django
from connections import PoolSettings, too_many
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection
from psycopg import sql
from pydantic import Field, FilePath

from twogates.database_common import LOCK_SECONDS, STATEMENT_SECONDS
from twogates.settings import Settings

LOCK = 7420  # any number, the same in each of these


class RoleSettings(Settings):
    """The role of the services."""

    profile: str
    role: str = Field(pattern="^[a-z_]+$")
    role_password_file: FilePath


def main() -> None:
    """Do it all, one after another."""
    settings, pools = RoleSettings.read(), PoolSettings.read()
    django.setup()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        cursor.execute("SELECT current_setting('max_connections')::int, current_setting('superuser_reserved_connections')::int")
        if wrong := too_many(pools, *cursor.fetchone()):
            sys.exit(f"twogates: {wrong}")
    is_new = "boards" not in connection.introspection.table_names()
    call_command("migrate", verbosity=0)
    let_in(settings.role, settings.role_password_file.read_text().strip())
    if is_new and settings.profile == "development":  # one that somebody emptied stays empty, and so does one that is restored
        from notices.seed import seed

        seed()


def let_in(role: str, password: str) -> None:
    """Give the services' role its password, its limits of time, and its rights: to the rows, and not to the tables."""
    name = sql.Identifier(role)
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE ROLE {}").format(name))
        # Of the role and not of the connections: a pooler between would not pass them on.
        for statement in ROLE:
            values = {"password": password, "statement": f"{STATEMENT_SECONDS}s", "lock": f"{LOCK_SECONDS}s"}
            cursor.execute(sql.SQL(statement).format(role=name, **{key: sql.Literal(value) for key, value in values.items()}))


ROLE: list[LiteralString] = [
    "ALTER ROLE {role} LOGIN PASSWORD {password}",
    "ALTER ROLE {role} SET statement_timeout = {statement}",
    "ALTER ROLE {role} SET lock_timeout = {lock}",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON authors, boards, messages, answers TO {role}",
]

if __name__ == "__main__":
    try:
        main()
    except OperationalError as error:
        sys.exit(f"twogates: the database does not answer: {error}")
    except DatabaseError as error:
        sys.exit(f"twogates: the schema cannot be brought up to date: {error}")
