"""The tables of the notice board. Compare shared/twogates/demo/board/tables.py."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models


class Author(models.Model):
    name = models.TextField()

    class Meta:
        db_table = "authors"
        # A constraint, not unique=True, for which Django would create a second index, for LIKE.
        constraints = [models.UniqueConstraint(fields=["name"], name="author_name")]

    def __str__(self) -> str:
        return str(self.name)


class Board(models.Model):
    name = models.TextField()
    messages = models.BigIntegerField()
    version = models.BigIntegerField()
    created = models.DateTimeField()

    class Meta:
        db_table = "boards"
        constraints = [models.UniqueConstraint(fields=["name"], name="board_name")]

    def __str__(self) -> str:
        return str(self.name)


class Message(models.Model):
    # The foreign keys are in the migration, in SQL, so that the database deletes a board's messages with the board. Django's own cascade
    # would fetch the messages first.
    board = models.ForeignKey(Board, models.DO_NOTHING, db_index=False, db_constraint=False, related_name="+")
    author = models.ForeignKey(Author, models.DO_NOTHING, db_index=False, db_constraint=False, related_name="+")
    text = models.TextField()
    version = models.BigIntegerField()
    created = models.DateTimeField()
    search = models.GeneratedField(expression=SearchVector("text", config="simple"), output_field=SearchVectorField(), db_persist=True)

    class Meta:
        db_table = "messages"
        indexes = [
            models.Index(fields=["board", "id"], name="message_page"),  # a page of a board: the index finds its start without counting rows
            GinIndex(fields=["search"], name="message_search"),
            models.Index(fields=["author"], name="message_author"),  # finds authors without messages, to delete them
        ]

    def __str__(self) -> str:
        return f"Message {self.pk}"


class Mention(models.Model):
    """A mention of a name in a message. The worker adds it after the message is committed."""

    message = models.ForeignKey(Message, models.DO_NOTHING, db_index=False, db_constraint=False, related_name="+")
    name = models.TextField()
    created = models.DateTimeField()

    class Meta:
        db_table = "mentions"
        constraints = [models.UniqueConstraint(fields=["message", "name"], name="mention_once")]  # makes the job idempotent
        indexes = [models.Index(fields=["name", "id"], name="mention_page")]


class Answer(models.Model):
    """The stored answer to a request with an Idempotency-Key."""

    key = models.TextField()
    fingerprint = models.BinaryField()
    status = models.SmallIntegerField()
    headers = models.TextField()
    body = models.TextField()
    created = models.DateTimeField()

    class Meta:
        db_table = "answers"
        constraints = [models.UniqueConstraint(fields=["key"], name="answer_key")]
        indexes = [models.Index(fields=["created"], name="answer_age")]  # for the deletion of old answers
