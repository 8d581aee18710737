"""Connections to the database for code that yields to the event loop. Compare database/blocking.py."""

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
    """SQLAlchemy's own for connections that are a pool's: it takes each for a new one, and gives it back where it would close it."""

    supports_statement_cache = True
    pool: AsyncConnectionPool

    @classmethod
    def get_async_dialect_cls(cls, url: URL) -> type[Dialect]:  # noqa: ARG003  their name for it
        """The class itself. SQLAlchemy names its own here, and nothing of the below would be done."""
        return cls

    def on_connect(self) -> None:
        """Leave it as it is. Else it would get one more handler of notices at every request."""

    def do_close(self, dbapi_connection: Any) -> None:
        """Give it back. Not by psycopg's close_returns: that forgets one that is broken, and the pool waits for it for ever."""
        await_only(self.pool.putconn(dbapi_connection.driver_connection))


registry.register("postgresql.pooled_async", __name__, Pooled.__name__)


class Database:
    """A pool that is opened at the first use, which is on the event loop."""

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
        """Have the pool throw away a connection that the server has closed, and those beside it."""
        if is_dead(connection):
            await self.pool.drain()  # this one too, when the pool has it back
            raise psycopg.OperationalError("closed by the server")

    @cached_property
    def engine(self) -> AsyncEngine:
        # SQLAlchemy's own pool makes a connection in the request that needs it, for as long as that takes.
        engine = create_async_engine("postgresql+pooled_async://", async_creator=self.pool.getconn, poolclass=NullPool)
        engine.dialect.pool = self.pool  # type: ignore[attr-defined]
        return engine

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which each statement stands for itself: one round trip."""
        async with self.connection("AUTOCOMMIT") as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction, which is committed at the end of the block: two round trips more."""
        async with self.connection("READ COMMITTED") as connection, connection.begin():
            yield connection

    @asynccontextmanager
    async def connection(self, isolation: Any) -> AsyncIterator[AsyncConnection]:
        """One of the pool, for as long as ``seconds_left`` says. Raises the 503 answers where there is none, or it fails."""
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
        """Let the block, which waits for the connection behind a file number, last no longer than that.

        Not ``asyncio.timeout``: psycopg would then ask the server to cancel, and wait for its answer.
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
        """Whether the database answers now."""
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
    """The number of the socket behind a connection."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    return int(driver.fileno())
