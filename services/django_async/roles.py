"""The database roles of the services and their rights. Each role gets only the rights it needs: to rows, never to change tables."""

from typing import LiteralString

from django.db import connection
from psycopg import sql

from twogates.database.common import LOCK_SECONDS, STATEMENT_SECONDS, WORKER_LOCK_SECONDS, WORKER_STATEMENT_SECONDS

# Time limits are set on the role, not on the connection: a pooler in between would not pass a connection's settings on.
EVERY: list[LiteralString] = [
    "ALTER ROLE {role} LOGIN PASSWORD {password}",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO {role}",
    # Only CONNECT. Default: temporary tables too, which can fill the disk.
    "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
    "GRANT CONNECT ON DATABASE {database} TO {role}",
]
# Functions that PostgreSQL lets every role call. Large objects can fill the disk, and writing them needs no right to any table. A session
# that holds an advisory lock of the migration job or the worker blocks them.
OPEN_TO_ALL = "^(lo_creat|lo_create|lo_from_bytea|lo_open|lo_put|lo_unlink|lowrite|pg_(try_)?advisory_.*lock(_shared)?)$"
SERVICES: list[LiteralString] = [
    f"ALTER ROLE {{role}} SET statement_timeout = '{STATEMENT_SECONDS}s'",
    f"ALTER ROLE {{role}} SET lock_timeout = '{LOCK_SECONDS}s'",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON authors, boards, messages, answers TO {role}",
    "GRANT SELECT ON mentions TO {role}",
    # A service can neither read nor change the queue itself. Databases of earlier versions still have rights to its tables.
    "REVOKE ALL ON procrastinate_jobs, procrastinate_events, procrastinate_jobs_id_seq, procrastinate_events_id_seq FROM {role}",
    "GRANT EXECUTE ON FUNCTION queue_mentions TO {role}",
]
# Granted to Django in addition, when the admin site is on. Migrations create the content types and permissions, so SELECT is enough.
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
    "GRANT EXECUTE ON FUNCTION pg_advisory_xact_lock(bigint) TO {role}",  # serialises jobs (notices/tasks.py)
    "GRANT USAGE ON procrastinate_jobs_id_seq, procrastinate_events_id_seq, procrastinate_periodic_defers_id_seq TO {role}",
]


def role_of(service: str) -> str:
    """Return the database role of a service: the user in its DATABASE_URL."""
    return f"twogates_{service}"


def let_in(rights: list[LiteralString], role: str, password: str) -> None:
    """Create a role if it is missing, and set its password, time limits and rights.

    Send PostgreSQL the verifier that it stores (RFC 5803), so that the password appears in no statement log.
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
    """Revoke functions that not every role needs from PUBLIC; a superuser may still call them.

    This includes the project's own SECURITY DEFINER functions. A backup contains no rights, so after a restore every role may call them.
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
    """Revoke login and all rights from ``twogates``, the role that all services shared in earlier versions.

    During a deploy, services of such a version may still be connected. Then leave the role for the next run of this job.
    """
    with connection.cursor() as cursor:
        idle = "SELECT FROM pg_roles WHERE rolname = 'twogates' AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE usename = rolname)"
        cursor.execute(idle)
        if cursor.fetchone() is not None:
            cursor.execute("ALTER ROLE twogates NOLOGIN PASSWORD NULL")
            cursor.execute("DROP OWNED BY twogates")  # it owns nothing, so this only revokes its rights


def keep_out(role: str) -> None:
    """Revoke the rights to the admin site's tables, which exist if the site was ever on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ '^(auth|django)_'")
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(sql.Identifier(table), sql.Identifier(role)))
