"""What is in the queue, in a line: what waits and for how long, what is in hand, and what has failed for good."""

from ops.postgres import Failed, sql

# Jobs that come round by the clock are counted where they failed, and else only distract.
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
    """The line."""
    try:
        return sql(QUERY)[0][0]
    except Failed:
        return "queue: the database does not answer"
