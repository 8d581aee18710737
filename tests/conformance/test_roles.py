"""What a compromised service can do in the database: each misuse is tried as the service's role."""

import re

import pytest

from tests.data import sql, value

ROWS = "delete insert select update"
# The rights of each role on tables. The admin site is on here, and only Django has rights on its tables.
STORE = dict.fromkeys(("authors", "boards", "messages", "answers"), ROWS) | {"mentions": "select"}
USERS = {f"auth_{table}": ROWS for table in ("user", "user_groups", "user_user_permissions", "group", "group_permissions")}
SITE = {"django_session": ROWS, "django_admin_log": ROWS, "auth_permission": "select", "django_content_type": "select"}
QUEUE = {f"procrastinate_{table}": ROWS for table in ("jobs", "workers", "periodic_defers")} | {"procrastinate_events": "insert select"}
RIGHTS = {
    "twogates_flask": STORE,
    "twogates_fastapi": STORE,
    "twogates_django": STORE | USERS | SITE,
    "twogates_worker": QUEUE | {"messages": "select", "mentions": "insert select", "answers": "delete select"},
}
SERVICES = [role for role in RIGHTS if role != "twogates_worker"]


@pytest.mark.parametrize("role", RIGHTS)
def test_a_role_has_the_rights_that_it_needs_and_no_others(role: str) -> None:
    rights = "string_agg(lower(privilege_type), ' ' ORDER BY privilege_type)"
    listed = value(
        f"SELECT table_name, {rights} FROM information_schema.role_table_grants WHERE grantee IN ('{role}', 'PUBLIC') "
        "AND table_schema = 'public' GROUP BY table_name"
    )
    assert dict(line.split("|") for line in listed.splitlines()) == RIGHTS[role]
    of_columns = value(
        "SELECT string_agg(table_name || '.' || column_name, ' ') FROM information_schema.column_privileges "
        f"WHERE grantee = '{role}' AND table_name NOT IN ({', '.join(repr(table) for table in RIGHTS[role])})"
    )
    assert of_columns == ""


def test_there_are_no_other_roles() -> None:
    listed = value("SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolcanlogin")
    assert listed.split() == sorted([*RIGHTS, "postgres"])
    assert value("SELECT count(*) FROM pg_auth_members WHERE member::regrole::text LIKE 'twogates%'") == "0"  # no role may assume another


@pytest.mark.parametrize("role", RIGHTS)
@pytest.mark.parametrize(
    "misuse",
    [
        "CREATE TABLE anything (id int)",
        "CREATE TEMPORARY TABLE filled AS SELECT generate_series(1, 10)",
        "SELECT lo_create(0)",
        "SELECT lo_creat(-1)",
        "SELECT lo_from_bytea(0, 'bytes')",
        "SELECT pg_advisory_lock(7420)",  # the migrations' lock
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
    # The transaction is never committed: a misuse that wrongly succeeds leaves nothing behind.
    done = sql(f"SET SESSION AUTHORIZATION {role}; BEGIN; {misuse.format(role=role)}; ROLLBACK")
    assert re.search("permission denied|must be owner|must be superuser", done.stderr), done.stdout + done.stderr


@pytest.mark.parametrize(
    "misuse",
    [
        "SELECT args FROM procrastinate_jobs",
        "DELETE FROM procrastinate_jobs",
        # A job in the name of the upkeep, with its lock. It would prevent the take-over of a dead worker's jobs.
        "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock) VALUES ('upkeep', 'take_over', 'take_over')",
        "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('upkeep', 'a', 9, NULL, 'b', '{}', NULL)]::procrastinate_job_to_defer_v1[])",
        "INSERT INTO procrastinate_events (job_id, type) VALUES (1, 'deferred')",
        "SELECT setval('procrastinate_jobs_id_seq', 1)",
        "INSERT INTO mentions (message_id, name, created) VALUES (1, 'a', now())",
        "SELECT pg_advisory_xact_lock(7421)",  # the worker's lock
        "SELECT forget_messages(1, 1000)",
        "SELECT forget_authors(1000)",
    ],
)
@pytest.mark.parametrize("role", SERVICES)
def test_a_service_may_ask_for_one_kind_of_job_alone(role: str, misuse: str) -> None:
    done = sql(f"SET SESSION AUTHORIZATION {role}; BEGIN; {misuse}; ROLLBACK")
    assert "permission denied" in done.stderr, done.stdout + done.stderr


@pytest.mark.parametrize("misuse", ["SELECT password FROM auth_user", "SELECT session_data FROM django_session"])
@pytest.mark.parametrize("role", ["twogates_flask", "twogates_fastapi", "twogates_worker"])
def test_the_users_of_the_admin_site_are_djangos_alone(role: str, misuse: str) -> None:
    done = sql(f"SET SESSION AUTHORIZATION {role}; {misuse}")
    assert "permission denied" in done.stderr, done.stdout + done.stderr


@pytest.mark.parametrize("role", SERVICES)
def test_what_it_may_ask_for_is_put_into_the_queue(role: str) -> None:
    job = "SELECT queue_name, task_name, args, queueing_lock FROM procrastinate_jobs ORDER BY id DESC LIMIT 1"
    # A temporary table or a function of the caller's cannot shadow what this function uses: the role may create neither.
    done = sql(f"SET SESSION AUTHORIZATION {role}; BEGIN; SELECT queue_mentions(0); RESET SESSION AUTHORIZATION; {job}; ROLLBACK")
    assert done.returncode == 0, done.stderr
    assert 'board|note_mentions|{"message": 0}|' in done.stdout


def test_no_statement_has_a_password_in_it() -> None:
    """The database stores a verifier for each role, which the migration job computes itself. So no statement log contains a password."""
    stored = value("SELECT string_agg(left(rolpassword, 14), ' ') FROM pg_authid WHERE rolname LIKE 'twogates%' AND rolcanlogin")
    assert stored.split() == ["SCRAM-SHA-256$"] * len(RIGHTS)
