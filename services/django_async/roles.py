"""Who may do what in the database: rights to the rows, and not to the tables. Each role has those that it needs."""

from typing import LiteralString

from django.db import connection
from psycopg import sql

from twogates.database.common import LOCK_SECONDS, STATEMENT_SECONDS, WORKER_LOCK_SECONDS, WORKER_STATEMENT_SECONDS

# A role's limits of time are its own and not its connections': a pooler between would not pass them on.
EVERY: list[LiteralString] = [
    "ALTER ROLE {role} LOGIN PASSWORD {password}",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO {role}",
    # Connections alone. Default: temporary tables too, which fill the disk.
    "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
    "GRANT CONNECT ON DATABASE {database} TO {role}",
]
# Functions that PostgreSQL lets every role call. Large objects fill the disk, and belong to no table that a right is needed for. A session
# that holds an advisory lock of the migrations' or the worker's stops them.
OPEN_TO_ALL = "^(lo_creat|lo_create|lo_from_bytea|lo_open|lo_put|lo_unlink|lowrite|pg_(try_)?advisory_.*lock(_shared)?)$"
SERVICES: list[LiteralString] = [
    f"ALTER ROLE {{role}} SET statement_timeout = '{STATEMENT_SECONDS}s'",
    f"ALTER ROLE {{role}} SET lock_timeout = '{LOCK_SECONDS}s'",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON authors, boards, messages, answers TO {role}",
    "GRANT SELECT ON mentions TO {role}",
    # The queue itself it can neither see nor change. Earlier versions had rights to its tables.
    "REVOKE ALL ON procrastinate_jobs, procrastinate_events, procrastinate_jobs_id_seq, procrastinate_events_id_seq FROM {role}",
    "GRANT EXECUTE ON FUNCTION queue_mentions TO {role}",
]
# Django's beside those, where the admin site is on. What there may be rights to is made with the schema.
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
    "GRANT EXECUTE ON FUNCTION forget_messages, forget_authors TO {role}",
    "GRANT EXECUTE ON FUNCTION pg_advisory_xact_lock(bigint) TO {role}",  # one job after another (notices/tasks.py)
    "GRANT USAGE ON procrastinate_jobs_id_seq, procrastinate_events_id_seq, procrastinate_periodic_defers_id_seq TO {role}",
]


def role_of(service: str) -> str:
    """Return the role of a service: the user in its DATABASE_URL."""
    return f"twogates_{service}"


def let_in(rights: list[LiteralString], role: str, password: str) -> None:
    """Give a role its password, its limits of time, and its rights.

    PostgreSQL is sent the verifier that it stores (RFC 5803), so that no log of statements has the password.
    """
    name = sql.Identifier(role)
    with connection.cursor() as cursor:
        verifier = cursor.connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        database = sql.Identifier(cursor.connection.info.dbname)
        cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE ROLE {}").format(name))
        for statement in [*EVERY, *rights]:
            cursor.execute(sql.SQL(statement).format(role=name, password=sql.Literal(verifier), database=database))


def close_to_all() -> None:
    """Take functions that no role here needs from all roles; a superuser may still call them.

    Those of ours that have the owner's rights are among them. A backup has no rights in it, so that a restored one gives them to all.
    """
    with connection.cursor() as cursor:
        found = (
            "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ %s "
            "OR pronamespace = 'public'::regnamespace AND prosecdef"
        )
        cursor.execute(found, [OPEN_TO_ALL])
        for (function,) in cursor.fetchall():
            cursor.execute(sql.SQL("REVOKE ALL ON FUNCTION {} FROM PUBLIC").format(sql.SQL(function)))


def retire_shared_role() -> None:
    """Take login and rights from ``twogates``, the role that all services had in earlier versions.

    Services of such a version may still run while a deploy replaces them. Then the role is left to the next run of this job.
    """
    with connection.cursor() as cursor:
        idle = "SELECT FROM pg_roles WHERE rolname = 'twogates' AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE usename = rolname)"
        cursor.execute(idle)
        if cursor.fetchone() is not None:
            cursor.execute("ALTER ROLE twogates NOLOGIN PASSWORD NULL")
            cursor.execute("DROP OWNED BY twogates")  # it owns nothing, and this takes its rights


def keep_out(role: str) -> None:
    """Take back the rights to the admin site's tables, which are there if it was ever on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ '^(auth|django)_'")
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(sql.Identifier(table), sql.Identifier(role)))
