"""What a service that is taken over can do in the database: each misuse is tried as its role."""

import re

import pytest

from tests.data import sql, value


def test_a_role_has_the_rights_that_it_needs_and_no_others() -> None:
    rights = "string_agg(lower(privilege_type), ' ' ORDER BY privilege_type)"
    listed = value(
        f"SELECT grantee, table_name, {rights} FROM information_schema.role_table_grants "
        "WHERE grantee LIKE 'twogates%' "
        "AND (grantee <> 'twogates' OR table_name ~ '^(procrastinate|mentions|auth_|django_)') GROUP BY 1, 2 "
        f"UNION ALL SELECT grantee, table_name || '.' || column_name, {rights} FROM information_schema.column_privileges "
        "WHERE grantee = 'twogates' AND table_name ~ '^procrastinate' AND privilege_type = 'SELECT' GROUP BY 1, 2"
    )
    services, queue = "twogates|", "twogates_worker|procrastinate_"
    users = ("user", "user_groups", "user_user_permissions", "group", "group_permissions")
    assert set(listed.splitlines()) == {
        f"{services}mentions|select",
        # Of the admin site, which is on here.
        *(f"{services}auth_{table}|delete insert select update" for table in users),
        *(f"{services}django_{table}|delete insert select update" for table in ("session", "admin_log")),
        f"{services}auth_permission|select",
        f"{services}django_content_type|select",
        "twogates_worker|messages|select",
        "twogates_worker|mentions|insert select",
        "twogates_worker|answers|delete select",
        f"{queue}jobs|delete insert select update",
        f"{queue}workers|delete insert select update",
        f"{queue}periodic_defers|delete insert select update",
        f"{queue}events|insert select",
    }


@pytest.mark.parametrize("role", ["twogates", "twogates_worker"])
@pytest.mark.parametrize(
    "misuse",
    [
        "CREATE TABLE anything (id int)",
        "CREATE TEMPORARY TABLE filled AS SELECT generate_series(1, 10)",
        "SELECT lo_create(0)",
        "SELECT lo_creat(-1)",
        "SELECT lo_from_bytea(0, 'bytes')",
        "SELECT pg_advisory_lock(7420)",  # the migrations'
        "SELECT pg_advisory_lock(1, 2)",
        "SELECT pg_try_advisory_xact_lock_shared(7421)",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY authors TO PROGRAM 'true'",
        "SELECT rolpassword FROM pg_authid",
        "ALTER ROLE {role} SUPERUSER",
        "SET ROLE postgres",
        "DROP TABLE messages",
        "TRUNCATE messages",
        "CREATE FUNCTION public.harmless() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)
def test_no_role_has_more_than_rows(role: str, misuse: str) -> None:
    # In a transaction of its own, which is not committed: what should not have been possible leaves nothing.
    done = sql(f"SET SESSION AUTHORIZATION {role}; BEGIN; {misuse.format(role=role)}; ROLLBACK")
    assert re.search("permission denied|must be owner|must be superuser", done.stderr), done.stdout + done.stderr


@pytest.mark.parametrize(
    "misuse",
    [
        "SELECT args FROM procrastinate_jobs",
        "DELETE FROM procrastinate_jobs",
        # A job in the name of the upkeep, with its lock: no job that a dead worker had in hand would be taken over any more.
        "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock) VALUES ('upkeep', 'take_over', 'take_over')",
        "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('upkeep', 'a', 9, NULL, 'b', '{}', NULL)]::procrastinate_job_to_defer_v1[])",
        "INSERT INTO procrastinate_events (job_id, type) VALUES (1, 'deferred')",
        "SELECT setval('procrastinate_jobs_id_seq', 1)",
        "INSERT INTO mentions (message_id, name, created) VALUES (1, 'a', now())",
        "SELECT pg_advisory_xact_lock(7421)",  # the worker's
        "SELECT forget_messages(1, 1000)",
        "SELECT forget_authors(1000)",
    ],
)
def test_a_service_may_ask_for_one_kind_of_job_alone(misuse: str) -> None:
    done = sql(f"SET SESSION AUTHORIZATION twogates; BEGIN; {misuse}; ROLLBACK")
    assert "permission denied" in done.stderr, done.stdout + done.stderr


def test_what_it_may_ask_for_is_put_into_the_queue() -> None:
    job = "SELECT queue_name, task_name, args, queueing_lock FROM procrastinate_jobs ORDER BY id DESC LIMIT 1"
    # A temporary table or a function of the caller's cannot take the place of what the function means: it may make neither.
    done = sql(f"SET SESSION AUTHORIZATION twogates; BEGIN; SELECT queue_mentions(0); RESET SESSION AUTHORIZATION; {job}; ROLLBACK")
    assert done.returncode == 0, done.stderr
    assert 'board|note_mentions|{"message": 0}|' in done.stdout


def test_no_statement_has_a_password_in_it() -> None:
    """What the database stores of each is a verifier, which the migration job made itself; so no log of statements has the password."""
    stored = value("SELECT string_agg(left(rolpassword, 14), ' ') FROM pg_authid WHERE rolname LIKE 'twogates%'")
    assert stored == "SCRAM-SHA-256$ SCRAM-SHA-256$"
