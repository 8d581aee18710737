"""Time limits of the database, and the answers of a service to a failed query. Compare upstream/common.py.

Each limit is longer than the one inside it, so that the most specific limit expires first and names the cause:
lock < statement < unit of work < request. A request first waits for a pooled connection, for a thread that has one, or in Flask for
a worker. The total stays below two seconds.
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

from twogates.http.context import REQUEST_STARTED
from twogates.http.problems import Problem
from twogates.server.settings import DatabaseSettings

log = logging.getLogger(__name__)

LOCK_SECONDS = 0.5  # migrate.py sets this and the next limit on the services' roles
STATEMENT_SECONDS = 1.0
UNIT_SECONDS = 1.2  # for the statements of one unit on one connection; after that, the server counts as hanging
WAIT_SECONDS = 0.4  # for a connection
REQUEST_SECONDS = WAIT_SECONDS + UNIT_SECONDS  # from the arrival of a request; some requests need a second unit
# A queued lock request of a migration blocks the requests behind it, so it gives up before they do. It retries after a pause.
MIGRATION_LOCK_SECONDS, MIGRATION_PAUSE_SECONDS, MIGRATION_TRIES = 0.25, 1.0, 60
LEAST_SECONDS = 0.1  # with less time left, a request does not try
CONNECT_SECONDS = 2  # libpq's minimum
# No client waits for the worker, so its limits are longer. They are below GRACEFUL_TIMEOUT, so that a running job ends in time.
WORKER_LOCK_SECONDS = 10
WORKER_STATEMENT_SECONDS = 20
PROBE_SECONDS = 0.5  # between two probes of a database that is down
RENEWAL_SECONDS = 2.0  # at least, between two replacements of all connections while the database is read-only

# Jobs that a worker runs concurrently, each on its own connection.
WORKER_POOL = 2
# Its other connections: two for the queue, so that it reports while it waits for an answer, and one for notices of new jobs.
QUEUE_POOL = 2
WORKER_MORE = QUEUE_POOL + 1

# Error texts of a connection refused at the connection limit, since such an error has no SQLSTATE.
FULL = ("too many", "remaining connection slots", "no more connections allowed")  # the last is PgBouncer's
# SQLSTATEs and their classes (PostgreSQL's Appendix A) of temporary failures: a later request may succeed.
BUSY = {"55P03", "57014", "40001", "40P01"}  # lock or statement time-out; serialization failure, deadlock
# Connection lost, out of resources, shutting down or starting, disk error; read-only, idle too long in a transaction; corrupted.
CANNOT_NOW = ("08", "53", "57P", "58", "25006", "25P03", "XX")


def down() -> Problem:
    """Return the 503 answer: the database does not answer, or cannot work now."""
    return Problem(503, "The database cannot answer now.", headers={"Retry-After": "1"})


def busy() -> Problem:
    """Return the 503 answer: the database answers, but not in time."""
    return Problem(503, "The database is too busy to answer in time.", headers={"Retry-After": "1"})


def connection_options(settings: DatabaseSettings, service: str) -> dict[str, Any]:
    """Return psycopg's options for every connection."""
    return {
        **conninfo_to_dict(settings.database_url),
        "password": settings.database_password,
        "connect_timeout": CONNECT_SECONDS,
        "application_name": f"twogates-{service}",  # shown in pg_stat_activity
        # The kernel drops the connection if the server is silent for 11 s. Requests give up earlier; this limit is for the worker.
        # Default: two hours.
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 11_000,
        # Never prepare statements on the server: with a pooler in transaction mode, each transaction may use another connection.
        # Default: after five executions.
        "prepare_threshold": None,
    }


def pool_options(size: int) -> dict[str, Any]:
    """Return psycopg_pool's options: at most ``size`` connections, each opened when it is needed."""
    return {
        "min_size": 0,
        "max_size": size,
        "timeout": WAIT_SECONDS,
        # Try to connect once; the next request tries again. Default: retry for 300 s with intervals that grow to a minute and more. The
        # pool would not notice a recovered database during an interval.
        "reconnect_timeout": 0,
        # Seconds until a connection is replaced, so the longest use of an old address after the database moves. Default an hour.
        "max_lifetime": 600,
    }


def is_dead(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> bool:
    """Return True if the server has closed an idle connection. The server sends nothing when idle, so a readable socket has ended.

    It costs one system call; the usual check (``SELECT 1``) costs a round trip.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def shut(number: int) -> None:
    """Shut down the connection with this file descriptor. A driver that waits for its answer then finds it closed."""
    with suppress(OSError), socket.socket(fileno=os.dup(number)) as copy:
        copy.shutdown(socket.SHUT_RDWR)


def in_time() -> None:
    """Raise the 503 answer if the request was queued for longer than the time limit for a connection."""
    now = perf_counter()
    if now - REQUEST_STARTED.get(now) > WAIT_SECONDS:
        raise busy()


def seconds_left() -> float:
    """Return the seconds that a unit of work may take now. Raises the 503 answer if the request has too little time left."""
    now = perf_counter()
    left = min(UNIT_SECONDS, REQUEST_STARTED.get(now) + REQUEST_SECONDS - now)
    if left < LEAST_SECONDS:
        raise busy()
    return left


class Availability:
    """The state of the database. While it is down, requests fail immediately, and a thread probes until it recovers."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.down = False
        self.looking = False
        self.looked = self.renewed = -RENEWAL_SECONDS  # time of the last successful probe, and of the last replacement of all connections
        self.lock = threading.Lock()

    def check(self) -> None:
        """Raise the 503 answer while the database is known to be down."""
        if self.down:
            raise down()

    def lost(self, *, sure: bool = True) -> None:
        """Report that a request got no answer in time. Not ``sure``: it got no connection, or lost it, so only a probe decides."""
        with self.lock:
            # Each probe starts a new server process, which a busy database cannot spare.
            if not sure and monotonic() - self.looked < PROBE_SECONDS:
                return
            self.down = self.down or sure
            if self.looking:
                return
            self.looking = True
        threading.Thread(target=self.look, daemon=True).start()

    def look(self) -> None:
        """Probe until the database answers."""
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
        """Return True if the database answers on a new connection, or refuses it only because of the connection limit.

        A connection alone proves nothing if a pooler is in between: a pooler accepts clients even while the database is down.
        """
        try:
            with psycopg.connect(**self.options, autocommit=True) as connection:
                late = threading.Timer(UNIT_SECONDS, shut, [connection.fileno()])
                late.start()
                try:
                    connection.execute("SELECT 1")
                finally:
                    late.cancel()
                    late.join()  # else shut() may hit another file that has reused the descriptor
        except psycopg.Error as error:
            return any(words in str(error) for words in FULL)
        return True

    def elsewhere(self, error: BaseException) -> bool:
        """Return True if all connections must be replaced: new ones may reach a server that is writable, perhaps at another address."""
        if not isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
            return False
        with self.lock:
            due = monotonic() - self.renewed > RENEWAL_SECONDS
            self.renewed = monotonic() if due else self.renewed
        return due

    def problem(self, error: BaseException) -> Problem | None:
        """Return the answer to an error of psycopg; ``None`` if the error is a bug of ours."""
        if isinstance(error, PoolTimeout):
            self.lost(sure=False)
            return busy()
        if not isinstance(error, psycopg.Error):
            return None
        state = error.sqlstate or ""
        if state in BUSY:
            return busy()
        # The connection broke. With PgBouncer in between it may be an InternalError: PgBouncer's error follows the server's own, so the
        # driver finds two answers to one command.
        if not state and isinstance(error, psycopg.OperationalError | psycopg.InternalError):
            self.lost(sure=False)
            return down()
        return down() if state.startswith(CANNOT_NOW) else None


def constraint(error: BaseException) -> str:
    """Return the name of the constraint that an error of psycopg violates; empty if it violates none."""
    return (isinstance(error, psycopg.IntegrityError) and error.diag.constraint_name) or ""
