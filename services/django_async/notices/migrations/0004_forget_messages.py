"""How the worker deletes what is old, without a right to delete anything else."""

from django.db import migrations, models

# With the owner's rights, and never what is younger than a day: more than that a worker that is taken over cannot delete. The board of the
# oldest message is locked before its messages, as by whoever deletes one (one_less), so that no two transactions wait for each other. One
# board for each call: on no other does a post wait meanwhile.
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
# Names that no message has any more. Who posts locks the author's name before the message is there, and such a name is left alone.
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
        # Whether a name is used: without it, each name that is deleted costs PostgreSQL a look at every message.
        migrations.AddIndex("message", models.Index(fields=["author"], name="message_author")),
        migrations.RunSQL(FORGET_MESSAGES, "DROP FUNCTION forget_messages"),
        migrations.RunSQL(FORGET_AUTHORS, "DROP FUNCTION forget_authors"),
        migrations.RunSQL("REVOKE ALL ON FUNCTION forget_messages, forget_authors FROM PUBLIC", migrations.RunSQL.noop),
    ]
