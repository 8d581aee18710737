"""Database connections for code on an event loop. Compare database/blocking.py."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import URL, NullPool, text
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialectAsync_psycopg
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from twogates.database.common import Availability, connection_options, is_dead, pool_options, seconds_left, shut
from twogates.server.settings import DatabaseSettings


class Pooled(PGDialectAsync_psycopg):
    """SQLAlchemy's dialect for pooled connections. It treats each as new, and returns it to the pool instead of closing it."""

    supports_statement_cache = True
    pool: AsyncConnectionPool

    @classmethod
    def get_async_dialect_cls(cls, url: URL) -> type[Dialect]:  # noqa: ARG003  SQLAlchemy's name for it
        """Return this class. The base class returns its own, and the methods below would have no effect."""
        return cls

    def on_connect(self) -> None:
        """Do nothing. The base class would add one more notice handler to the connection on every request."""

    def do_close(self, dbapi_connection: Any) -> None:
        """Return the connection to the pool. psycopg's close_returns loses a broken one, and the pool waits for it for ever."""
        await_only(self.pool.putconn(dbapi_connection.driver_connection))


registry.register("postgresql.pooled_async", __name__, Pooled.__name__)


class Database:
    """A connection pool, opened at the first use, since that is on the event loop."""

    def __init__(self, settings: DatabaseSettings, service: str, size: int) -> None:
        self.settings, self.service, self.size = settings, service, size

    @cached_property
    def options(self) -> dict[str, Any]:
        return connection_options(self.settings, self.service)

    @cached_property
    def availability(self) -> Availability:
        return Availability(self.options)

    @cached_property
    def pool(self) -> AsyncConnectionPool:
        return AsyncConnectionPool(kwargs=self.options, check=self.look, open=False, **pool_options(self.size))

    async def look(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Check a connection for the pool. If the server has closed it, replace it and all others of the pool."""
        if is_dead(connection):
            await self.pool.drain()  # the pool closes this one when it is returned
            raise psycopg.OperationalError("closed by the server")

    @cached_property
    def engine(self) -> AsyncEngine:
        # Not SQLAlchemy's own pool: it connects inside the request that needs a connection, without a time limit.
        engine = create_async_engine("postgresql+pooled_async://", async_creator=self.pool.getconn, poolclass=NullPool)
        engine.dialect.pool = self.pool  # type: ignore[attr-defined]
        return engine

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection in autocommit mode: one round trip per statement."""
        async with self.connection("AUTOCOMMIT") as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection in a transaction, which is committed at the end of the block: two more round trips."""
        async with self.connection("READ COMMITTED") as connection, connection.begin():
            yield connection

    @asynccontextmanager
    async def connection(self, isolation: Any) -> AsyncIterator[AsyncConnection]:
        """Yield a pooled connection for at most ``seconds_left()``. Raises a 503 Problem if none is free or the database fails."""
        self.availability.check()
        seconds_left()
        try:
            if self.pool.closed:
                await self.pool.open()
            async with self.engine.connect() as connection:
                await connection.execution_options(isolation_level=isolation)
                with self.within(seconds_left(), await file_number(connection)):
                    yield connection
        except (DBAPIError, psycopg.Error) as error:
            cause = (error.orig if isinstance(error, DBAPIError) else error) or error
            if self.availability.elsewhere(cause):
                await self.pool.drain()
            if problem := self.availability.problem(cause):
                raise problem from error
            raise

    @contextmanager
    def within(self, seconds: float, number: int) -> Iterator[None]:
        """Limit the block to that many seconds by shutting down the connection with this file descriptor.

        Not ``asyncio.timeout``: psycopg would then send a cancel request to the server, and wait for its answer.
        """
        timer = asyncio.get_running_loop().call_later(seconds, self.give_up, number)
        try:
            yield
        finally:
            timer.cancel()

    def give_up(self, number: int) -> None:
        shut(number)
        self.availability.lost()

    async def ready(self) -> bool:
        """Return True if the database answers now."""
        try:
            async with self.read() as connection:
                await connection.execute(text("SELECT 1"))
        except Exception:
            return False
        return True

    async def close(self) -> None:
        """Close the pool."""
        await self.pool.close()


async def file_number(connection: AsyncConnection) -> int:
    """Return the file descriptor of a connection's socket."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    return int(driver.fileno())
