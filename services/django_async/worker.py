"""The worker: does what is in the queue until it is told to stop, one life after another.

A life ends when a query of the queue's fails: the database was restarted, say. What the worker had in hand then, or was being given
without ever hearing of it, belongs to a number that reports no more; the next life has a new number, and somebody takes over what is
the old one's (tasks.py, take_over). Procrastinate alone would end, or go on under the old number and leave such a job in hand for ever.
"""

import asyncio
import logging
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, LiteralString

# Until main has its own: the first process of a container would not hear a signal at all, and be killed for it in the end.
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_settings")

import django

django.setup()  # before anything that has models is imported

from django.db import connection
from notices.tasks import BEAT_SECONDS, GONE_SECONDS
from procrastinate import PsycopgConnector
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException

from twogates.database.common import QUEUE_POOL, WORKER_POOL, connection_options, pool_options
from twogates.server.settings import DatabaseSettings, WorkerSettings

settings = WorkerSettings.read()
database_settings = DatabaseSettings.read()
log = logging.getLogger("worker")

ALIVE_SECONDS = 1.0  # between two signs of life; server/healthcheck.py takes ten without one for the end
PAUSE_SECONDS = 1.0  # between two lives
WAIT_SECONDS = 2.0  # for one of the queue's connections
# How late a job is begun whose notice got lost, and one that is tried again, of which there is no notice.
POLL_SECONDS = 2.0


class Queue(PsycopgConnector):
    """The queue's connections: those for questions, and one on which PostgreSQL gives notice of new jobs."""

    def __init__(self) -> None:
        options = {**pool_options(QUEUE_POOL), "timeout": WAIT_SECONDS}
        super().__init__(kwargs=connection_options(database_settings, "queue"), **options)
        self.failed = asyncio.Event()

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        """What tells the queue that a job is done, among others: it is all that Procrastinate would go on after."""
        try:
            await super().execute_query_async(query, **arguments)
        except ConnectorException:
            self.failed.set()
            raise


async def live(stop: asyncio.Event) -> None:
    """One life. It ends with the jobs in hand done; raises what ended it."""
    queue = Queue()
    with app.replace_connector(queue):
        async with app.open_async():
            work = asyncio.create_task(
                app.run_worker_async(
                    concurrency=database_settings.pool or WORKER_POOL,  # each has a connection of its own
                    fetch_job_polling_interval=POLL_SECONDS,
                    update_heartbeat_interval=BEAT_SECONDS,
                    stalled_worker_timeout=GONE_SECONDS,
                    shutdown_graceful_timeout=settings.graceful_timeout,
                    delete_jobs="successful",  # the table stays as short as what is to be done
                    install_signal_handlers=False,  # a signal ends more than a life
                )
            )
            ends = [asyncio.create_task(event.wait()) for event in (stop, queue.failed)]
            await asyncio.wait({work, *ends}, return_when=asyncio.FIRST_COMPLETED)
            for task in (work, *ends):
                task.cancel()
            with suppress(asyncio.CancelledError):
                await work


async def show_alive(file: Path) -> None:
    """Let the health check see that the loop runs. It does so without a database too: a restart would not bring that back."""
    while True:
        file.touch()
        await asyncio.sleep(ALIVE_SECONDS)


async def main() -> None:
    stop = asyncio.Event()
    if not settings.reload:  # else this is not the main thread, and the reloader has the signals
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    alive = asyncio.create_task(show_alive(settings.alive_file))
    while not stop.is_set():
        try:
            await live(stop)
        except ConnectorException as error:
            log.error("a query of the queue's failed: %s", str(error.__cause__).partition("\n")[0])
        connection.close_pool()  # of the jobs' own connections, which were lost with the queue's
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), PAUSE_SECONDS)
    alive.cancel()


def work() -> None:
    asyncio.run(main())


if __name__ == "__main__":
    if settings.reload:
        from django.utils.autoreload import run_with_reloader

        run_with_reloader(work)
    else:
        work()
