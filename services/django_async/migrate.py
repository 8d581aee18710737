"""Bring the schema up to date and grant the services access: a job that ends before the services start.

Several of these jobs may run concurrently, and while services run: a lock lets one job work at a time, and each step is idempotent.
"""

import os
import sys
from time import sleep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_settings")

import django
from connections import PoolSettings, held_by_one_client, too_many
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection
from psycopg.errors import LockNotAvailable
from pydantic import FilePath
from roles import ADMIN, SERVICES, WORKER, close_to_all, keep_out, let_in, retire_shared_role, role_of

from twogates.database.common import MIGRATION_LOCK_SECONDS, MIGRATION_PAUSE_SECONDS, MIGRATION_TRIES
from twogates.server.settings import Settings

CONNECTION_SECONDS = 30
LOCK = 7420  # the advisory lock: an arbitrary number, the same in all of these jobs


class RoleSettings(Settings):
    """The roles' passwords, and what decides which rights they get."""

    profile: str
    admin: str
    flask_password_file: FilePath
    fastapi_password_file: FilePath
    django_password_file: FilePath
    worker_password_file: FilePath


def main() -> None:
    """Check the connection limits, migrate the schema, and set the roles and their rights."""
    settings, pools = RoleSettings.read(), PoolSettings.read()
    if settings.profile == "production" and (wrong := held_by_one_client(pools)):  # development has no limit per client
        sys.exit(f"twogates: {wrong}")
    django.setup()
    # Use a connection without a pool: a pool hides why a connection fails. A request's time-out is too short while the database starts.
    del connection.settings_dict["OPTIONS"]["pool"]
    connection.settings_dict["OPTIONS"]["connect_timeout"] = CONNECTION_SECONDS
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        cursor.execute("SELECT current_setting('max_connections')::int, current_setting('superuser_reserved_connections')::int")
        if wrong := too_many(pools, *cursor.fetchone()):
            sys.exit(f"twogates: {wrong}")
    is_new = "boards" not in connection.introspection.table_names()
    bring_up_to_date()
    close_to_all()
    on = settings.admin == "on"
    for service, rights in {"flask": SERVICES, "fastapi": SERVICES, "django": SERVICES + ADMIN * on, "worker": WORKER}.items():
        let_in(rights, role_of(service), getattr(settings, f"{service}_password_file").read_text().strip())
    if on:
        call_command("clearsessions")  # delete expired sessions; no other job does
    else:
        keep_out(role_of("django"))
    retire_shared_role()
    if is_new and settings.profile == "development":  # an existing database is never seeded, not even if it was emptied or restored
        from notices.seed import seed

        seed()


def bring_up_to_date() -> None:
    """Apply the migrations, with retries if a lock is not free. Each migration is a transaction, so a retry skips those already applied."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{MIGRATION_LOCK_SECONDS}s'")
        for _ in range(MIGRATION_TRIES):
            try:
                call_command("migrate", verbosity=0)
            except OperationalError as error:
                if not isinstance(error.__cause__, LockNotAvailable):
                    raise
                sleep(MIGRATION_PAUSE_SECONDS)
            else:
                cursor.execute("RESET lock_timeout")
                return
    sys.exit(f"twogates: the schema cannot be brought up to date: others held what a migration needs, {MIGRATION_TRIES} times in a row")


if __name__ == "__main__":
    try:
        main()
    except OperationalError as error:
        sys.exit(f"twogates: the database does not answer: {error}")
    except DatabaseError as error:
        sys.exit(f"twogates: the schema cannot be brought up to date: {error}")
