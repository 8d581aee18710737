"""Who may do what in the database: rights to the rows, and not to the tables. Each role has those that it needs."""

from typing import LiteralString

from django.db import connection
from psycopg import sql

from twogates.database_common import LOCK_SECONDS, STATEMENT_SECONDS, WORKER_LOCK_SECONDS, WORKER_STATEMENT_SECONDS

# A role's limits of time are its own and not its connections': a pooler between would not pass them on.
EVERY: list[LiteralString] = [
    "ALTER ROLE {role} LOGIN PASSWORD {password}",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO {role}",
]
SERVICES: list[LiteralString] = [
    f"ALTER ROLE {{role}} SET statement_timeout = '{STATEMENT_SECONDS}s'",
    f"ALTER ROLE {{role}} SET lock_timeout = '{LOCK_SECONDS}s'",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON authors, boards, messages, answers TO {role}",
    "GRANT SELECT ON mentions TO {role}",
    # To put a job into the queue, and to be told its number. What is there already it can neither see nor change.
    "GRANT INSERT, SELECT (id) ON procrastinate_jobs TO {role}",
    "GRANT INSERT ON procrastinate_events TO {role}",
    "GRANT USAGE ON procrastinate_jobs_id_seq, procrastinate_events_id_seq TO {role}",
]
# Beside those, where the admin site is on. What there may be rights to is made with the schema.
ADMIN: list[LiteralString] = [
    "GRANT SELECT ON django_content_type, auth_permission TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON auth_user, auth_user_groups, auth_user_user_permissions TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON auth_group, auth_group_permissions, django_session, django_admin_log TO {role}",
]
WORKER: list[LiteralString] = [
    f"ALTER ROLE {{role}} SET statement_timeout = '{WORKER_STATEMENT_SECONDS}s'",
    f"ALTER ROLE {{role}} SET lock_timeout = '{WORKER_LOCK_SECONDS}s'",
    "GRANT SELECT ON messages TO {role}",
    "GRANT SELECT, INSERT ON mentions TO {role}",
    "GRANT SELECT, DELETE ON answers TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_jobs, procrastinate_workers, procrastinate_periodic_defers TO {role}",
    "GRANT SELECT, INSERT ON procrastinate_events TO {role}",
    "GRANT USAGE ON procrastinate_jobs_id_seq, procrastinate_events_id_seq, procrastinate_periodic_defers_id_seq TO {role}",
]


def let_in(rights: list[LiteralString], role: str, password: str) -> None:
    """Give a role its password, its limits of time, and its rights."""
    name = sql.Identifier(role)
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE ROLE {}").format(name))
        for statement in [*EVERY, *rights]:
            cursor.execute(sql.SQL(statement).format(role=name, password=sql.Literal(password)))


def keep_out(role: str) -> None:
    """Take back the rights to the admin site's tables, which are there if it was ever on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ '^(auth|django)_'")
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(sql.Identifier(table), sql.Identifier(role)))
