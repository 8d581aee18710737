"""Connections to the database for code that waits in its thread. Compare database/asynchronous.py."""

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
    """SQLAlchemy's own for connections that are a pool's: it takes each for a new one, and gives it back where it would close it."""

    supports_statement_cache = True
    pool: ConnectionPool

    def on_connect(self) -> None:
        """Leave it as it is. Else it would get one more handler of notices at every request."""

    def do_close(self, dbapi_connection: Any) -> None:
        """Give it back. Not by psycopg's close_returns: that forgets one that is broken, and the pool waits for it for ever."""
        self.pool.putconn(dbapi_connection)


registry.register("postgresql.pooled", __name__, Pooled.__name__)


class Database:
    """A pool that is opened at the first use, which is a worker's and not that of the process it was forked from."""

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
        """Have the pool throw away a connection that the server has closed, and those beside it."""
        if is_dead(connection):
            self.pool.drain()  # this one too, when the pool has it back
            raise psycopg.OperationalError("closed by the server")

    @cached_property
    def engine(self) -> Engine:
        # SQLAlchemy's own pool makes a connection in the request that needs it, for as long as that takes.
        engine = create_engine("postgresql+pooled://", creator=self.pool.getconn, poolclass=NullPool)
        engine.dialect.pool = self.pool  # type: ignore[attr-defined]
        return engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection on which each statement stands for itself: one round trip."""
        with self.connection("AUTOCOMMIT") as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection in a transaction, which is committed at the end of the block: two round trips more."""
        with self.connection("READ COMMITTED") as connection, connection.begin():
            yield connection

    @contextmanager
    def connection(self, isolation: Any) -> Iterator[Connection]:
        """One of the pool, for as long as ``seconds_left`` says. Raises the 503 answers where there is none, or it fails."""
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
        """Whether the database answers now."""
        try:
            with self.read() as connection:
                connection.execute(text("SELECT 1"))
        except Exception:
            return False
        return True


def file_number(connection: Connection) -> int:
    """The number of the socket behind a connection."""
    driver: Any = connection.connection.driver_connection
    return int(driver.fileno())
