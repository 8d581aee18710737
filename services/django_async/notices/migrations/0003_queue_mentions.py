"""The function with which the services add a job to the queue."""

from django.db import migrations

from twogates.demo.board.mentions import QUEUE, TASK

# SECURITY DEFINER runs it with the owner's rights: a compromised service can add this job only, and none that would block the queue's
# own maintenance. The search path is fixed; otherwise the caller could substitute a table of its own.
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
