"""Connections to the database for Django: its ORM waits in threads, of which there are as many as connections."""

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
    """One thread for each connection. Django's own way is one for each request, hundreds of which would wait for a connection."""
    return ThreadPoolExecutor(SIZE, "database")


@cache
def availability() -> Availability:
    return Availability(connection_options(settings, "django"))


@cache
def deadlines() -> Deadlines:
    return Deadlines()


def in_database(work: Callable[Arguments, Result]) -> Callable[Arguments, Awaitable[Result]]:
    """Let a function that uses the ORM be awaited. Raises the 503 answers where there is no connection, or it fails."""

    @wraps(work)
    async def asked(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        availability().check()
        task = partial(in_thread, partial(work, *arguments, **named), monotonic())
        return await asyncio.get_running_loop().run_in_executor(threads(), task)

    return asked


def in_thread(work: Callable[[], Result], since: float, wait: float = WAIT_SECONDS, unit: float = UNIT_SECONDS) -> Result:
    """Do it with a connection of the pool, for at most ``unit`` seconds, unless it has waited for a thread for longer than ``wait``."""
    availability().check()  # again: it may have gone meanwhile
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
        connection.close()  # back to the pool, now and not when a slow client has its answer


def problem_of(error: BaseException) -> Problem | None:
    """The answer to an error of the database; ``None`` to another one."""
    cause = error.__cause__ if isinstance(error, Error) else error
    if cause and availability().elsewhere(cause):
        connection.pool.drain()
    return availability().problem(cause) if cause else None


def socket_number() -> int:
    """The number of the socket behind this thread's connection, which is made, or taken from the pool, if there is none."""
    connection.ensure_connection()
    while is_dead(driver := connection.connection):
        driver.close()  # so the pool throws it away
        connection.close()
        connection.ensure_connection()
    return int(driver.fileno())


@in_database
def ready() -> bool:
    """Whether the database answers now; else it raises what a view would."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True
