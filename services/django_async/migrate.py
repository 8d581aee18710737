"""Bring the schema up to date and let the services in: a job that ends before they start.

Any number of these may run at once, and against services that run: one at a time works, and what is done already is left.
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
LOCK = 7420  # any number, the same in each of these


class RoleSettings(Settings):
    """The passwords of the roles."""

    profile: str
    admin: str
    flask_password_file: FilePath
    fastapi_password_file: FilePath
    django_password_file: FilePath
    worker_password_file: FilePath


def main() -> None:
    """Do it all, one after another."""
    settings, pools = RoleSettings.read(), PoolSettings.read()
    if settings.profile == "production" and (wrong := held_by_one_client(pools)):  # in development no client has a limit
        sys.exit(f"twogates: {wrong}")
    django.setup()
    # A connection of its own, made here: a pool would not tell why there is none, and a request's time is too short for a start.
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
        call_command("clearsessions")  # those that are over, which nobody else deletes
    else:
        keep_out(role_of("django"))
    retire_shared_role()
    if is_new and settings.profile == "development":  # one that somebody emptied stays empty, and so does one that is restored
        from notices.seed import seed

        seed()


def bring_up_to_date() -> None:
    """Apply the migrations. Those that are done are left out when it is tried again: each is a transaction."""
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
