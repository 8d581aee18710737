"""The functions with which the worker deletes old rows, without the right to delete any others."""

from django.db import migrations, models

# Runs with the owner's rights, but never deletes messages younger than a day: a compromised worker cannot delete more. It locks the board
# of the oldest message before its messages, like every deletion of a message (one_less), to prevent deadlocks. Each call handles one
# board, so posts to other boards do not wait.
FORGET_MESSAGES = """
CREATE FUNCTION forget_messages(days integer, most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    before timestamptz := now() - make_interval(days => greatest(days, 1));
    oldest public.messages%ROWTYPE;
    gone bigint;
BEGIN
    SELECT * INTO oldest FROM public.messages ORDER BY id LIMIT 1;
    IF NOT FOUND OR oldest.created >= before THEN
        RETURN 0;
    END IF;
    PERFORM FROM public.boards WHERE id = oldest.board_id FOR UPDATE;
    WITH old AS (
        SELECT id FROM public.messages WHERE board_id = oldest.board_id AND created < before ORDER BY id LIMIT most
    ), deleted AS (
        DELETE FROM public.messages USING old WHERE messages.id = old.id RETURNING messages.id
    )
    SELECT count(*) INTO gone FROM deleted;
    UPDATE public.boards SET messages = messages - gone WHERE id = oldest.board_id;
    RETURN gone;
END
$$
"""
# Deletes authors without messages. A transaction that posts a message locks its author's row first, and SKIP LOCKED leaves that row alone.
FORGET_AUTHORS = """
CREATE FUNCTION forget_authors(most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    WITH unused AS (
        SELECT id FROM public.authors
        WHERE NOT EXISTS (SELECT FROM public.messages WHERE author_id = authors.id)
        LIMIT most FOR UPDATE SKIP LOCKED
    ), deleted AS (
        DELETE FROM public.authors USING unused WHERE authors.id = unused.id RETURNING authors.id
    )
    SELECT count(*) FROM deleted
$$
"""


class Migration(migrations.Migration):
    dependencies = [("notices", "0003_queue_mentions")]

    operations = [
        # Finds out whether an author has messages. Without it, PostgreSQL scans all messages for each author that is deleted.
        migrations.AddIndex("message", models.Index(fields=["author"], name="message_author")),
        migrations.RunSQL(FORGET_MESSAGES, "DROP FUNCTION forget_messages"),
        migrations.RunSQL(FORGET_AUTHORS, "DROP FUNCTION forget_authors"),
        migrations.RunSQL("REVOKE ALL ON FUNCTION forget_messages, forget_authors FROM PUBLIC", migrations.RunSQL.noop),
    ]
