"""The tables: SQLAlchemy's definitions and Django's models agree with the result of the migrations."""

import json
import os
import subprocess
import sys
from typing import Any

from sqlalchemy import ForeignKeyConstraint, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.dialects import postgresql

from runtime.choice import running
from runtime.local import stack as runtime_local
from runtime.local.plan import make_plan
from tests.conftest import ROOT
from tests.data import sql
from twogates.demo.board.tables import Table

# Tables of Django itself, of its admin site, and of the queue.
OTHERS = ("django_", "auth_", "procrastinate_")
COLUMNS = """
SELECT json_object_agg(attrelid::regclass || '.' || attname,
                       json_build_array(format_type(atttypid, atttypmod), NOT attnotnull, attgenerated <> ''))
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
"""
CONSTRAINTS = """
SELECT json_agg(json_build_array(
    conrelid::regclass, contype,
    (SELECT json_agg(attname ORDER BY attname) FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey)),
    CASE WHEN contype = 'f' THEN confrelid::regclass::text END,
    CASE confdeltype WHEN 'c' THEN 'CASCADE' END))
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f')
"""


SETTINGS = ["--env", "DJANGO_SETTINGS_MODULE=django_settings"]


def ask(query: str) -> Any:
    """Return the database's answer, which is JSON."""
    done = sql(query)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_sqlalchemy_knows_the_columns() -> None:
    known = {
        f"{table.name}.{column.name}": [
            column.type.compile(postgresql.dialect()).lower(),  # type: ignore[no-untyped-call]
            column.nullable,
            column.computed is not None,
        ]
        for table in Table.metadata.tables.values()
        for column in table.columns
    }
    there = {name: facts for name, facts in ask(COLUMNS).items() if not name.startswith(OTHERS)}
    assert known == there


def test_sqlalchemy_knows_the_constraints() -> None:
    known = []
    for table in Table.metadata.tables.values():
        for constraint in table.constraints:
            columns = sorted(column.name for column in constraint.columns)
            if isinstance(constraint, ForeignKeyConstraint):
                known.append([table.name, "f", columns, constraint.referred_table.name, constraint.ondelete])
            elif isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint):
                known.append([table.name, "p" if isinstance(constraint, PrimaryKeyConstraint) else "u", columns, None, None])
    there = [facts for facts in ask(CONSTRAINTS) if not facts[0].startswith(OTHERS)]
    assert sorted(known, key=str) == sorted(there, key=str)


def test_the_models_have_no_change_without_a_migration() -> None:
    words = ["python", "-m", "django", "makemigrations", "--check", "--dry-run"]
    if running()[0] is runtime_local:
        [job] = [job for job in make_plan().data_jobs if job.name == "migrate"]
        command, folder, environment = [sys.executable, *words[1:]], job.folder, job.environment
    else:
        command, folder, environment = ["docker", "compose", "run", "--rm", "--no-deps", "-T", *SETTINGS, "migrate", *words], ROOT, {}
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "django_settings", **environment}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No changes detected" in done.stdout
