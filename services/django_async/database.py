"""Database access for Django: its ORM blocks, so it runs in threads, one for each connection of the pool."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial, wraps
from time import monotonic
from typing import ParamSpec, TypeVar

import psycopg
from django.db import Error, connection

from twogates.database.common import UNIT_SECONDS, WAIT_SECONDS, Availability, busy, connection_options, is_dead
from twogates.database.deadlines import Deadlines
from twogates.database.pool_size import LOOP_POOL
from twogates.http.problems import Problem
from twogates.server.settings import DatabaseSettings

settings = DatabaseSettings.read()
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
SIZE = settings.pool or LOOP_POOL


@cache
def threads() -> ThreadPoolExecutor:
    """Return the pool of threads, one for each connection.

    Django itself uses one thread per request, and hundreds of them would wait for a connection.
    """
    return ThreadPoolExecutor(SIZE, "database")


@cache
def availability() -> Availability:
    return Availability(connection_options(settings, "django"))


@cache
def deadlines() -> Deadlines:
    return Deadlines()


def in_database(work: Callable[Arguments, Result]) -> Callable[Arguments, Awaitable[Result]]:
    """Make a function that uses the ORM awaitable. Raises a 503 answer if no connection is available or the connection fails."""

    @wraps(work)
    async def asked(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        availability().check()
        task = partial(in_thread, partial(work, *arguments, **named), monotonic())
        return await asyncio.get_running_loop().run_in_executor(threads(), task)

    return asked


def in_thread(work: Callable[[], Result], since: float, wait: float = WAIT_SECONDS, unit: float = UNIT_SECONDS) -> Result:
    """Run ``work`` with a connection of the pool, for at most ``unit`` seconds.

    Raises the 503 answer if the call has waited for a thread for longer than ``wait`` seconds.
    """
    availability().check()  # again: the database may have gone down while this call waited for a thread
    if monotonic() - since > wait:
        raise busy()
    try:
        with deadlines().within(unit, socket_number(), availability()):
            return work()
    except (Error, psycopg.Error) as error:
        if problem := problem_of(error):
            raise problem from error
        raise
    finally:
        connection.close()  # returns it to the pool now, not only when a slow client has received its answer


def problem_of(error: BaseException) -> Problem | None:
    """Return the answer to an error of the database, or ``None`` for any other error."""
    cause = error.__cause__ if isinstance(error, Error) else error
    if cause and availability().elsewhere(cause):
        connection.pool.drain()
    return availability().problem(cause) if cause else None


def socket_number() -> int:
    """Return the file number of the socket of this thread's connection. Take a live connection from the pool, or open one, if necessary."""
    connection.ensure_connection()
    while is_dead(driver := connection.connection):
        driver.close()  # so that the pool discards it
        connection.close()
        connection.ensure_connection()
    return int(driver.fileno())


@in_database
def ready() -> bool:
    """Return True if the database answers now. Otherwise raise the same errors as in a view."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True
