"""The queue's state in one line: waiting jobs and the age of the oldest, running jobs, and jobs that failed for good."""

from ops.postgres import Failed, sql

# Periodic jobs (queue "upkeep") are counted only if they failed; otherwise they would only distract.
QUERY = """
SELECT format(
    'queue: %s waiting%s, %s in hand, %s failed',
    count(*) FILTER (WHERE waits), ', the oldest for ' || extract(epoch FROM now() - min(at) FILTER (WHERE waits))::int || ' s',
    count(*) FILTER (WHERE status = 'doing' AND queue_name <> 'upkeep'), count(*) FILTER (WHERE status = 'failed')
) FROM (
    SELECT job.*, at, status = 'todo' AND queue_name <> 'upkeep' AS waits
    FROM procrastinate_jobs job LEFT JOIN procrastinate_events event ON event.job_id = job.id AND type = 'deferred'
) jobs
"""


def queue_state() -> str:
    """Return the line."""
    try:
        return sql(QUERY)[0][0]
    except Failed:
        return "queue: the database does not answer"
