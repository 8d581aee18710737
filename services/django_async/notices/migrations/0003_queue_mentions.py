"""How the services put a job into the queue."""

from django.db import migrations

from twogates.demo.board.mentions import QUEUE, TASK

# With the owner's rights: a service that is taken over can put this job into the queue and no other, and none that the queue's own
# upkeep would wait for. The search path is fixed, or a table of the caller's could take the place of one that is meant.
FUNCTION = f"""
CREATE FUNCTION queue_mentions(message bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT public.procrastinate_defer_jobs_v1(ARRAY[
        ROW('{QUEUE}', '{TASK}', 0, NULL, NULL, jsonb_build_object('message', message), NULL)
    ]::public.procrastinate_job_to_defer_v1[])
$$
"""


class Migration(migrations.Migration):
    dependencies = [("notices", "0002_mentions"), ("procrastinate", "0041_post_retry_failed_job")]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION queue_mentions"),
        migrations.RunSQL("REVOKE ALL ON FUNCTION queue_mentions FROM PUBLIC", migrations.RunSQL.noop),
    ]
