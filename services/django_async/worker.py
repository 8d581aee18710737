"""The worker: runs the jobs in the queue until it is told to shut down, in one session with the queue after another.

A session ends when a query of the queue fails, for example because the database restarted. The jobs that it was running, or that the
database had just assigned to it, then belong to a worker id without heartbeats. The next session has a new id, and a worker takes over
these orphans (tasks.py, take_over). Procrastinate alone would exit, or continue under the old id, and would never release such a job.
"""

import asyncio
import logging
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, LiteralString

# Handle SIGTERM until main installs its own handler: the kernel ignores it for a container's first process without a handler, so
# the container would be killed after its stop time-out.
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_settings")

import django

django.setup()  # before any module with models is imported

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

ALIVE_SECONDS = 1.0  # between two heartbeats; server/healthcheck.py reports the worker as dead after ten seconds without one
PAUSE_SECONDS = 1.0  # between two sessions with the queue
WAIT_SECONDS = 2.0  # time limit to get a connection of the queue
# The longest start delay of a job without a notification: one whose notification was lost, or a retry.
POLL_SECONDS = 2.0


class Queue(PsycopgConnector):
    """The queue's connections: a pool for queries, and one connection on which PostgreSQL notifies the worker of new jobs."""

    def __init__(self) -> None:
        options = {**pool_options(QUEUE_POOL), "timeout": WAIT_SECONDS}
        super().__init__(kwargs=connection_options(database_settings, "queue"), **options)
        self.failed = asyncio.Event()

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        """Run a query, for example the one that marks a job as done. A failure ends the session; Procrastinate alone would continue."""
        try:
            await super().execute_query_async(query, **arguments)
        except ConnectorException:
            self.failed.set()
            raise


async def live(stop: asyncio.Event) -> None:
    """Run one session with the queue. At its end it finishes the running jobs; raises the error that ended it, if any."""
    queue = Queue()
    with app.replace_connector(queue):
        async with app.open_async():
            work = asyncio.create_task(
                app.run_worker_async(
                    concurrency=database_settings.pool or WORKER_POOL,  # each job has a connection of its own
                    fetch_job_polling_interval=POLL_SECONDS,
                    update_heartbeat_interval=BEAT_SECONDS,
                    stalled_worker_timeout=GONE_SECONDS,
                    shutdown_graceful_timeout=settings.graceful_timeout,
                    delete_jobs="successful",  # keeps only outstanding and failed jobs in the table
                    install_signal_handlers=False,  # a signal must end the process, not only this session
                )
            )
            ends = [asyncio.create_task(event.wait()) for event in (stop, queue.failed)]
            await asyncio.wait({work, *ends}, return_when=asyncio.FIRST_COMPLETED)
            for task in (work, *ends):
                task.cancel()
            with suppress(asyncio.CancelledError):
                await work


async def show_alive(file: Path) -> None:
    """Show the health check that the event loop runs. Do so without a database too: restarting the worker would not repair the database."""
    while True:
        file.touch()
        await asyncio.sleep(ALIVE_SECONDS)


async def main() -> None:
    stop = asyncio.Event()
    if not settings.reload:  # with the reloader, this is not the main thread, and the reloader handles the signals
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    alive = asyncio.create_task(show_alive(settings.alive_file))
    while not stop.is_set():
        try:
            await live(stop)
        except ConnectorException as error:
            log.error("a query of the queue's failed: %s", str(error.__cause__).partition("\n")[0])
        connection.close_pool()  # the jobs' own connections, which were lost together with the queue's
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
