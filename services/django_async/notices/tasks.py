"""The worker's jobs: one that follows a message, and four that come round by the clock.

Each may be done twice, and the second time changes nothing: a worker may be gone after its work and before it has said so.
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

# A job that fails is tried again after 2, 4, 8 and up to 256 s: nine minutes, in which what is wrong for a while is right again. What
# then still fails stays in the queue as failed, to be looked at.
ATTEMPTS = 8
RETRY = RetryStrategy(max_attempts=ATTEMPTS, exponential_wait=2)

# A worker reports every BEAT_SECONDS. One whose last report is three of them old counts as gone, and by what LOOK says somebody looks
# for the jobs that it had in hand: they are done again within ten seconds. Procrastinate's own 10 and 30 s would make it a minute. Were
# the worker alive after all, only slow, the job would be done twice, which changes nothing.
BEAT_SECONDS = 2.0
GONE_SECONDS = 6.0
LOOK = "* * * * * */3"  # the sixth field: seconds

ANSWERS_KEPT = timedelta(hours=24)  # so long a client may come again with its Idempotency-Key
FAILED_KEPT_HOURS = 7 * 24
EACH_TEN_MINUTES = "*/10 * * * *"
AT_ONCE = 1000  # rows of a transaction, for which posts on their board wait


ORDER = 7421  # an advisory lock; any number, unlike that of migrate.py


@app.task(name=TASK, queue=QUEUE, retry=RETRY)
def note_mentions(*, message: int) -> None:
    """Note whom a message names."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            # One after another, so that ids follow the order of commits and a reader who goes on after one misses none.
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ORDER])
        # None where it was deleted meanwhile, and its mentions with it.
        for text in Message.objects.filter(id=message).values_list("text", flat=True):
            Mention.objects.bulk_create(
                [Mention(message_id=message, name=name, created=now()) for name in names(text)], ignore_conflicts=True
            )


# queueing_lock: one in the queue is enough, however many workers there are, or were not for an hour.
@app.periodic(cron=LOOK)
@app.task(name="take_over", queue="upkeep", queueing_lock="take_over", pass_context=True)
async def take_over(context: JobContext, timestamp: int) -> None:
    """Put back into the queue what a worker that is gone had in hand."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=GONE_SECONDS):
        log.warning("the job %s was in the hand of a worker that is gone", job.call_string)
        try:
            if job.attempts < ATTEMPTS:
                await manager.retry_job(job)
            else:  # perhaps it is what kills them
                await manager.finish_job(job, Status.FAILED, delete_job=False)
        except ConnectorException:
            log.info("the job %s is in other hands", job.call_string)


@app.periodic(cron=EACH_TEN_MINUTES)
@app.task(name="forget_jobs", queue="upkeep", queueing_lock="forget_jobs", pass_context=True)
async def forget_jobs(context: JobContext, timestamp: int) -> None:
    """Delete jobs that failed long ago. Those that are done go at once."""
    await remove_old_jobs(context, max_hours=FAILED_KEPT_HOURS, remove_failed=True, remove_cancelled=True, remove_aborted=True)


@app.periodic(cron=EACH_TEN_MINUTES)
@app.task(name="forget_answers", queue="upkeep", queueing_lock="forget_answers")
def forget_answers(timestamp: int) -> Any:
    """Delete answers to requests that nobody sends again."""
    Answer.objects.filter(created__lt=now() - ANSWERS_KEPT).delete()


@app.periodic(cron=EACH_TEN_MINUTES)
@app.task(name="forget_messages", queue="upkeep", queueing_lock="forget_messages")
def forget_messages(timestamp: int) -> None:
    """Delete messages that are older than MESSAGE_DAYS, and the names that no message has any more. Where the example is off, all stays."""
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
    """Whether messages are looked after, and how long they are kept."""

    example: Literal["on", "off"]
    message_days: int = Field(ge=1, le=36500)
