"""A migration while other transactions hold the locks that it needs: readers are still answered, and it gets its turn."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from runtime.local.plan import Process, make_plan
from tests.data import secret, sql

DATABASE = "rolling"
NEXT = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("notices", "{newest}")]
    operations = [migrations.RunSQL("ALTER TABLE boards ADD COLUMN colour text")]
"""
WAITING = "SELECT waitstart FROM pg_locks WHERE relation = 'boards'::regclass AND NOT granted AND mode = 'AccessExclusiveLock'"


@pytest.fixture
def job(stack: None) -> Iterator[Process]:
    """The migrate job, for a database of its own, on which it has already run."""
    [found] = [job for job in make_plan().data_jobs if job.name == "migrate"]
    url = found.environment["DATABASE_URL"].rpartition("/")[0] + f"/{DATABASE}"
    made = replace(found, environment=os.environ | found.environment | {"DATABASE_URL": url})
    assert sql(f"CREATE DATABASE {DATABASE}").returncode == 0
    try:
        subprocess.run(made.command, cwd=made.folder, env=made.environment, check=True, timeout=60)
        yield made
    finally:
        sql(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def connect(job: Process, user: str, password: str) -> psycopg.Connection:
    """Open a connection as a role, with that role's time limits."""
    url = job.environment["DATABASE_URL"].replace("//postgres@", f"//{user}@")
    return psycopg.connect(url, password=secret(password), autocommit=True)


def with_one_more(job: Process, folder: Path) -> Path:
    """Copy the job's program and add a migration; return the path of the copy."""
    copy = shutil.copytree(job.folder, folder / "django")
    migrations = copy / "notices" / "migrations"
    newest = max(path.stem for path in migrations.glob("0*.py"))
    (migrations / "9999_next.py").write_text(NEXT.format(newest=newest))
    return copy / job.command[1]


def test_readers_go_on_while_a_migration_waits_for_its_turn(job: Process, tmp_path: Path) -> None:
    turns = set()
    with connect(job, "postgres", "postgres_password") as holder, connect(job, "twogates_flask", "flask_password") as reader:
        with holder.transaction():
            holder.execute("SELECT FROM boards")  # a change of the table has to wait until this transaction ends
            command = [job.command[0], str(with_one_more(job, tmp_path))]
            rolling = subprocess.Popen(command, env=job.environment, stderr=subprocess.PIPE, text=True)
            while len(turns) < 2:  # until it has given up once and retried
                assert rolling.poll() is None, rolling.communicate()[1]
                turns |= set(holder.execute(WAITING))
                reader.execute("SELECT name FROM boards LIMIT 1")  # the role's own limit aborts it after half a second of waiting
        assert rolling.wait(60) == 0
        reader.execute("SELECT colour FROM boards")


def test_the_role_that_all_services_shared_is_retired_once_nobody_uses_it(job: Process) -> None:
    def run() -> None:
        subprocess.run(job.command, cwd=job.folder, env=job.environment, check=True, timeout=60)

    with connect(job, "postgres", "postgres_password") as owner:
        if not owner.execute("SELECT FROM pg_roles WHERE rolname = 'twogates'").fetchall():
            owner.execute("CREATE ROLE twogates")
        owner.execute(f"ALTER ROLE twogates LOGIN PASSWORD '{secret('flask_password')}'")
        for right in (f"CONNECT ON DATABASE {DATABASE}", "USAGE ON SCHEMA public", "SELECT ON boards"):
            owner.execute(f"GRANT {right} TO twogates")
    with connect(job, "twogates", "flask_password") as former:
        run()
        former.execute("SELECT FROM public.boards")
    run()
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        connect(job, "twogates", "flask_password")
    with connect(job, "postgres", "postgres_password") as owner, pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute("SET ROLE twogates; SELECT FROM public.boards")


def test_one_that_never_gets_its_turn_gives_up_with_a_sentence_and_changes_nothing(job: Process, tmp_path: Path) -> None:
    fewer = "import migrate; migrate.MIGRATION_TRIES, migrate.MIGRATION_PAUSE_SECONDS = 3, 0.01; migrate.main()"
    with connect(job, "postgres", "postgres_password") as holder:
        with holder.transaction():
            holder.execute("SELECT FROM boards")
            command, folder = [job.command[0], "-c", fewer], with_one_more(job, tmp_path).parent
            ended = subprocess.run(command, cwd=folder, env=job.environment, capture_output=True, text=True, timeout=60)
        said = "twogates: the schema cannot be brought up to date: others held what a migration needs, 3 times in a row\n"
        assert (ended.returncode, ended.stderr) == (1, said)
        assert holder.execute("SELECT FROM information_schema.columns WHERE column_name = 'colour'").fetchall() == []
