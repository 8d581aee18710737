"""The worker's jobs: one that follows each message with a mention, and four periodic ones.

Every job is idempotent: a worker may crash after it has done a job and before it has reported it, and then the job runs again.
"""

import logging
from datetime import timedelta
from typing import Any, Literal

from django.db import connection, transaction
from procrastinate import JobContext, RetryStrategy
from procrastinate.builtin_tasks import remove_old_jobs
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status
from pydantic import Field

from notices.models import Answer, Mention, Message
from twogates.demo.board.documents import now
from twogates.demo.board.mentions import QUEUE, TASK, names
from twogates.server.settings import Settings

log = logging.getLogger(__name__)

# Retry a failed job after 2, 4, 8 and up to 256 s: nine minutes, which outlast a temporary fault. A job that still fails after that stays
# in the queue with the status failed, for the operator to inspect.
ATTEMPTS = 8
RETRY = RetryStrategy(max_attempts=ATTEMPTS, exponential_wait=2)

# A worker sends a heartbeat every BEAT_SECONDS. After three missing heartbeats it counts as dead. At the times of LOOK, a worker looks for
# orphans of dead workers, so they run again within ten seconds. Procrastinate's defaults of 10 and 30 s would make it a minute. If the
# worker is alive after all, only slow, the job runs twice, which changes nothing.
BEAT_SECONDS = 2.0
GONE_SECONDS = 6.0
LOOK = "* * * * * */3"  # every three seconds: the sixth field is seconds

ANSWERS_KEPT = timedelta(hours=24)  # for as long as a client may retry with its Idempotency-Key
FAILED_KEPT_HOURS = 7 * 24
EACH_TEN_MINUTES = "*/10 * * * *"
AT_ONCE = 1000  # rows deleted per transaction; posts to their board wait meanwhile


ORDER = 7421  # an advisory lock: an arbitrary number, but different from that of migrate.py


@app.task(name=TASK, queue=QUEUE, retry=RETRY)
def note_mentions(*, message: int) -> None:
    """Store the names that a message mentions."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Serialise these jobs, so that ids follow the order of commits. A reader that continues after its last known id misses none.
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ORDER])
        # No row if the message was deleted meanwhile; its mentions are deleted with it.
        for text in Message.objects.filter(id=message).values_list("text", flat=True):
            Mention.objects.bulk_create(
                [Mention(message_id=message, name=name, created=now()) for name in names(text)], ignore_conflicts=True
            )


# queueing_lock: keep at most one such job in the queue, for any number of workers, and also after an hour without one.
@app.periodic(cron=LOOK)
@app.task(name="take_over", queue="upkeep", queueing_lock="take_over", pass_context=True)
async def take_over(context: JobContext, timestamp: int) -> None:
    """Put the orphans of dead workers back into the queue."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=GONE_SECONDS):
        log.warning("the job %s was in the hand of a worker that is gone", job.call_string)
        try:
            if job.attempts < ATTEMPTS:
                await manager.retry_job(job)
            else:  # perhaps this job is what kills the workers
                await manager.finish_job(job, Status.FAILED, delete_job=False)
        except ConnectorException:
            log.info("the job %s is in other hands", job.call_string)


@app.periodic(cron=EACH_TEN_MINUTES)
@app.task(name="forget_jobs", queue="upkeep", queueing_lock="forget_jobs", pass_context=True)
async def forget_jobs(context: JobContext, timestamp: int) -> None:
    """Delete jobs that failed long ago. Successful jobs are deleted at once."""
    await remove_old_jobs(context, max_hours=FAILED_KEPT_HOURS, remove_failed=True, remove_cancelled=True, remove_aborted=True)


@app.periodic(cron=EACH_TEN_MINUTES)
@app.task(name="forget_answers", queue="upkeep", queueing_lock="forget_answers")
def forget_answers(timestamp: int) -> Any:
    """Delete stored answers that are too old for a retry of the request."""
    Answer.objects.filter(created__lt=now() - ANSWERS_KEPT).delete()


@app.periodic(cron=EACH_TEN_MINUTES)
@app.task(name="forget_messages", queue="upkeep", queueing_lock="forget_messages")
def forget_messages(timestamp: int) -> None:
    """Delete messages older than MESSAGE_DAYS, and authors without messages. If the example is off, delete nothing."""
    settings = KeptSettings.read()
    if settings.example == "off":
        return
    with connection.cursor() as cursor:
        for statement, arguments in (
            ("SELECT forget_messages(%s, %s)", [settings.message_days, AT_ONCE]),
            ("SELECT forget_authors(%s)", [AT_ONCE]),
        ):
            deleted = 1
            while deleted:
                cursor.execute(statement, arguments)
                [deleted] = cursor.fetchone()


class KeptSettings(Settings):
    """Whether old messages are deleted, and after how many days."""

    example: Literal["on", "off"]
    message_days: int = Field(ge=1, le=36500)
