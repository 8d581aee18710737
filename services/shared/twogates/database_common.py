"""The database's limits of time, and what a service answers when a query fails. Compare upstream_common.py.

Each limit is longer than the one inside it, so that the one that knows most says what happened:
lock < statement < unit of work; and a request first waits for a connection. Together they stay below two seconds.
"""

import logging
import os
import select
import socket
import threading
from contextlib import suppress
from time import sleep
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import PoolTimeout

from twogates.problems import Problem
from twogates.settings import DatabaseSettings

log = logging.getLogger(__name__)

LOCK_SECONDS = 0.5  # set by migrate.py for the services' role, as the next
STATEMENT_SECONDS = 1.0
UNIT_SECONDS = 1.2  # all that a request asks of the database; beyond it, the server does not answer at all
WAIT_SECONDS = 0.4  # for a connection of the pool
CONNECT_SECONDS = 2  # the least that libpq takes
PROBE_SECONDS = 0.5  # between two looks at a database that is down

# Connections of one event loop, where POOL says auto. `make lab X=pool-sizing` measures what more of them would bring.
LOOP_POOL = 10

TOO_MANY_CONNECTIONS = "53300"
# SQLSTATEs and their classes (PostgreSQL's Appendix A) of a database that cannot do now what it could do later.
BUSY = {"55P03", "57014", "40001", "40P01"}  # a lock or a statement took too long; a transaction lost to another
CANNOT_NOW = ("53", "57P", "58", "25006", "XX")  # no room or connection, going down or not up yet, its disk, read-only, corrupted


def down() -> Problem:
    """The 503 answer: it does not answer, or cannot do its work now."""
    return Problem(503, "The database cannot answer now.", headers={"Retry-After": "1"})


def busy() -> Problem:
    """The 503 answer: it answers, but not in time."""
    return Problem(503, "The database is too busy to answer in time.", headers={"Retry-After": "1"})


def connection_options(settings: DatabaseSettings, service: str) -> dict[str, Any]:
    """What psycopg is told of every connection."""
    return {
        **conninfo_to_dict(settings.database_url),
        "password": settings.database_password,
        "connect_timeout": CONNECT_SECONDS,
        "application_name": f"twogates-{service}",  # who it is in pg_stat_activity
        # No statements are prepared on the server: a pooler in transaction mode hands each transaction another connection. Default:
        # after five times.
        "prepare_threshold": None,
    }


def pool_options(size: int) -> dict[str, Any]:
    """What psycopg_pool is told: as many connections as asked for and no more, each made when it is needed."""
    return {
        "min_size": 0,
        "max_size": size,
        "timeout": WAIT_SECONDS,
        # Try once, and again when the next request asks. Default: for 300 s at ever longer intervals, of up to a minute and more, in
        # which a database that is back is not noticed.
        "reconnect_timeout": 0,
        # So long an address that has moved may be used after the move. Default an hour.
        "max_lifetime": 600,
    }


def is_dead(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> bool:
    """Whether an idle connection was closed by the server: it has nothing to say, so one that can be read has ended.

    It costs a system call, where the usual question (``SELECT 1``) costs a round trip.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def shut(number: int) -> None:
    """End the connection behind a file number under whoever waits for its answer: the driver then finds it closed."""
    with suppress(OSError), socket.socket(fileno=os.dup(number)) as copy:
        copy.shutdown(socket.SHUT_RDWR)


class Availability:
    """Whether the database answers. Once it does not, requests are refused at once, and a thread looks whether it is back."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.down = False
        self.looking = threading.Lock()

    def check(self) -> None:
        """Raise the 503 answer while it is known to be down."""
        if self.down:
            raise down()

    def lost(self, *, sure: bool = True) -> None:
        """A request has had no answer in time; or, where it is not sure that there is none to be had, no connection."""
        self.down = self.down or sure
        if self.looking.acquire(blocking=False):
            threading.Thread(target=self.look, daemon=True).start()

    def look(self) -> None:
        """Return when it answers."""
        try:
            while not self.answers():
                if not self.down:
                    log.error("the database does not answer")
                self.down = True
                sleep(PROBE_SECONDS)
        finally:
            self.down = False
            self.looking.release()

    def answers(self) -> bool:
        """Whether a new connection can be made, or could be if there were not too many."""
        try:
            psycopg.connect(**self.options).close()
        except psycopg.Error as error:
            return error.sqlstate == TOO_MANY_CONNECTIONS or "too many" in str(error)
        return True

    def problem(self, error: BaseException) -> Problem | None:
        """The answer to an error of psycopg; ``None`` to one that is a mistake in our own program."""
        if isinstance(error, PoolTimeout):
            self.lost(sure=False)
            return busy()
        if not isinstance(error, psycopg.Error):
            return None
        state = error.sqlstate or ""
        if state in BUSY:
            return busy()
        if not state and isinstance(error, psycopg.OperationalError):  # the connection broke
            self.lost(sure=False)
            return down()
        return down() if state.startswith(CANNOT_NOW) else None


def constraint(error: BaseException) -> str:
    """The constraint that an error of psycopg is about; empty where it is about none."""
    return (isinstance(error, psycopg.IntegrityError) and error.diag.constraint_name) or ""
