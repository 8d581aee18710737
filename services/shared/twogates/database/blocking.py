"""Database connections for code that blocks its thread. Compare database/asynchronous.py."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool
from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError

from twogates.database.common import Availability, connection_options, is_dead, pool_options, seconds_left
from twogates.database.deadlines import Deadlines
from twogates.server.settings import DatabaseSettings


class Pooled(PGDialect_psycopg):
    """SQLAlchemy's dialect for pooled connections. It treats each as new, and returns it to the pool instead of closing it."""

    supports_statement_cache = True
    pool: ConnectionPool

    def on_connect(self) -> None:
        """Do nothing. The base class would add one more notice handler to the connection on every request."""

    def do_close(self, dbapi_connection: Any) -> None:
        """Return the connection to the pool. psycopg's close_returns loses a broken one, and the pool waits for it for ever."""
        self.pool.putconn(dbapi_connection)


registry.register("postgresql.pooled", __name__, Pooled.__name__)


class Database:
    """A connection pool, opened at the first use: in a worker, after the fork."""

    def __init__(self, settings: DatabaseSettings, service: str, size: int) -> None:
        self.settings, self.service, self.size = settings, service, size

    @cached_property
    def options(self) -> dict[str, Any]:
        return connection_options(self.settings, self.service)

    @cached_property
    def availability(self) -> Availability:
        return Availability(self.options)

    @cached_property
    def deadlines(self) -> Deadlines:
        return Deadlines()

    @cached_property
    def pool(self) -> ConnectionPool:
        pool = ConnectionPool(kwargs=self.options, check=self.look, open=False, **pool_options(self.size))
        pool.open()
        return pool

    def look(self, connection: psycopg.Connection[Any]) -> None:
        """Check a connection for the pool. If the server has closed it, replace it and all others of the pool."""
        if is_dead(connection):
            self.pool.drain()  # the pool closes this one when it is returned
            raise psycopg.OperationalError("closed by the server")

    @cached_property
    def engine(self) -> Engine:
        # Not SQLAlchemy's own pool: it connects inside the request that needs a connection, without a time limit.
        engine = create_engine("postgresql+pooled://", creator=self.pool.getconn, poolclass=NullPool)
        engine.dialect.pool = self.pool  # type: ignore[attr-defined]
        return engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection in autocommit mode: one round trip per statement."""
        with self.connection("AUTOCOMMIT") as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection in a transaction, which is committed at the end of the block: two more round trips."""
        with self.connection("READ COMMITTED") as connection, connection.begin():
            yield connection

    @contextmanager
    def connection(self, isolation: Any) -> Iterator[Connection]:
        """Yield a pooled connection for at most ``seconds_left()``. Raises a 503 Problem if none is free or the database fails."""
        self.availability.check()
        seconds_left()
        try:
            with self.engine.connect() as connection:
                connection.execution_options(isolation_level=isolation)
                with self.deadlines.within(seconds_left(), file_number(connection), self.availability):
                    yield connection
        except (DBAPIError, psycopg.Error) as error:
            cause = (error.orig if isinstance(error, DBAPIError) else error) or error
            if self.availability.elsewhere(cause):
                self.pool.drain()
            if problem := self.availability.problem(cause):
                raise problem from error
            raise

    def ready(self) -> bool:
        """Return True if the database answers now."""
        try:
            with self.read() as connection:
                connection.execute(text("SELECT 1"))
        except Exception:
            return False
        return True


def file_number(connection: Connection) -> int:
    """Return the file descriptor of a connection's socket."""
    driver: Any = connection.connection.driver_connection
    return int(driver.fileno())
