"""The database's limits of time, and what a service answers when a query fails. Compare upstream/common.py.

Each limit is longer than the one inside it, so that the one that knows most says what happened:
lock < statement < unit of work < request. A request first waits for a connection: for one of the pool, for a thread that has one, or
in Flask for a worker. All of it together stays below two seconds.
"""

import logging
import os
import select
import socket
import threading
from contextlib import suppress
from time import monotonic, perf_counter, sleep
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import PoolTimeout

from twogates.http.context import CAME
from twogates.http.problems import Problem
from twogates.server.settings import DatabaseSettings

log = logging.getLogger(__name__)

LOCK_SECONDS = 0.5  # set by migrate.py for the services' roles, as the next
STATEMENT_SECONDS = 1.0
UNIT_SECONDS = 1.2  # what is asked on one connection; beyond it, the server does not answer at all
WAIT_SECONDS = 0.4  # for a connection
REQUEST_SECONDS = WAIT_SECONDS + UNIT_SECONDS  # from when a request came; some need a second unit
# A migration waits less for a lock than a request does, who waits behind it. Then it lets the others through and tries again, so often.
MIGRATION_LOCK_SECONDS, MIGRATION_PAUSE_SECONDS, MIGRATION_TRIES = 0.25, 1.0, 60
LEAST_SECONDS = 0.1  # what is worth a try
CONNECT_SECONDS = 2  # the least that libpq takes
# Nobody waits for the worker's answer. Below GRACEFUL_TIMEOUT, so that a job in hand ends in it.
WORKER_LOCK_SECONDS = 10
WORKER_STATEMENT_SECONDS = 20
PROBE_SECONDS = 0.5  # between two looks at a database that is down
RENEWAL_SECONDS = 2.0  # between two times that all connections are made anew to a database that is read-only

# Jobs that a worker does at once, each on a connection of its own.
WORKER_POOL = 2
# What it has beside them: two for the queue, so that it reports while it waits for an answer, and one for notices of new jobs.
QUEUE_POOL = 2
WORKER_MORE = QUEUE_POOL + 1

# What it says to a new connection where there are too many: such an error has no SQLSTATE.
FULL = ("too many", "remaining connection slots", "no more connections allowed")  # the last is PgBouncer's
# SQLSTATEs and their classes (PostgreSQL's Appendix A) of a database that cannot do now what it could do later.
BUSY = {"55P03", "57014", "40001", "40P01"}  # a lock or a statement took too long; a transaction lost to another
# No connection, no room, going down or not up yet, its disk; read-only, waited for too long in a transaction; corrupted.
CANNOT_NOW = ("08", "53", "57P", "58", "25006", "25P03", "XX")


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
        # The kernel gives up a server that is silent for 11 s. Requests do so earlier; the worker has all the time, but not for ever.
        # Default: two hours.
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 11_000,
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


def in_time() -> None:
    """Raise the 503 answer to a request that has waited in line for longer than it would for a connection."""
    now = perf_counter()
    if now - CAME.get(now) > WAIT_SECONDS:
        raise busy()


def seconds_left() -> float:
    """How long a unit of work may take now. Raises the 503 answer where the request has no time left."""
    now = perf_counter()
    left = min(UNIT_SECONDS, CAME.get(now) + REQUEST_SECONDS - now)
    if left < LEAST_SECONDS:
        raise busy()
    return left


class Availability:
    """Whether the database answers. Once it does not, requests are refused at once, and a thread looks whether it is back."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.down = False
        self.looking = False
        self.looked = self.renewed = -RENEWAL_SECONDS  # when it last answered, and when all connections were last made anew
        self.lock = threading.Lock()

    def check(self) -> None:
        """Raise the 503 answer while it is known to be down."""
        if self.down:
            raise down()

    def lost(self, *, sure: bool = True) -> None:
        """A request has had no answer in time; or, where it is not sure that there is none to be had, no connection."""
        with self.lock:
            # Each look is a new process of the database's, and one that is busy has none to spare.
            if not sure and monotonic() - self.looked < PROBE_SECONDS:
                return
            self.down = self.down or sure
            if self.looking:
                return
            self.looking = True
        threading.Thread(target=self.look, daemon=True).start()

    def look(self) -> None:
        """Return when it answers."""
        said = False
        while not self.answers():
            self.down = True
            if not said:
                log.error("the database does not answer")
                said = True
            sleep(PROBE_SECONDS)
        with self.lock:
            self.down = self.looking = False
            self.looked = monotonic()
        if said:
            log.warning("the database answers again")

    def answers(self) -> bool:
        """Whether it answers on a new connection, or would if there were not too many.

        A connection alone would say nothing where a pooler is between, which lets clients in that it can do nothing for.
        """
        try:
            with psycopg.connect(**self.options, autocommit=True) as connection:
                late = threading.Timer(UNIT_SECONDS, shut, [connection.fileno()])
                late.start()
                try:
                    connection.execute("SELECT 1")
                finally:
                    late.cancel()
                    late.join()  # or the number may be another file's when it is shut
        except psycopg.Error as error:
            return any(words in str(error) for words in FULL)
        return True

    def elsewhere(self, error: BaseException) -> bool:
        """Whether to make all connections anew: what is read-only to them may take changes from others, or at another address."""
        if not isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
            return False
        with self.lock:
            due = monotonic() - self.renewed > RENEWAL_SECONDS
            self.renewed = monotonic() if due else self.renewed
        return due

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
        # The connection broke. An InternalError says so where PgBouncer is between: its word comes after the server's own, and the driver
        # finds two answers to one command.
        if not state and isinstance(error, psycopg.OperationalError | psycopg.InternalError):
            self.lost(sure=False)
            return down()
        return down() if state.startswith(CANNOT_NOW) else None


def constraint(error: BaseException) -> str:
    """The constraint that an error of psycopg is about; empty where it is about none."""
    return (isinstance(error, psycopg.IntegrityError) and error.diag.constraint_name) or ""
