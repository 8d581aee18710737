"""The tables of the notice board. Compare shared/twogates/tables.py."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models


class Author(models.Model):
    name = models.TextField()

    class Meta:
        db_table = "authors"
        # A constraint and not unique=True, with which Django makes a second index, for LIKE.
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
    # The constraints are in the migration, in SQL: the database deletes a board's messages with it. Django's own cascade would first
    # fetch them.
    board = models.ForeignKey(Board, models.DO_NOTHING, db_index=False, db_constraint=False, related_name="+")
    author = models.ForeignKey(Author, models.DO_NOTHING, db_index=False, db_constraint=False, related_name="+")
    text = models.TextField()
    version = models.BigIntegerField()
    created = models.DateTimeField()
    search = models.GeneratedField(expression=SearchVector("text", config="simple"), output_field=SearchVectorField(), db_persist=True)

    class Meta:
        db_table = "messages"
        indexes = [
            models.Index(fields=["board", "id"], name="message_page"),  # a page of a board: where it begins is found, not counted
            GinIndex(fields=["search"], name="message_search"),
            models.Index(fields=["author"], name="message_author"),  # whether a name is used: else it is forgotten
        ]

    def __str__(self) -> str:
        return f"Message {self.pk}"


class Mention(models.Model):
    """That a message names somebody. The worker finds it, after the message is there."""

    message = models.ForeignKey(Message, models.DO_NOTHING, db_index=False, db_constraint=False, related_name="+")
    name = models.TextField()
    created = models.DateTimeField()

    class Meta:
        db_table = "mentions"
        constraints = [models.UniqueConstraint(fields=["message", "name"], name="mention_once")]  # however often the job is done
        indexes = [models.Index(fields=["name", "id"], name="mention_page")]


class Answer(models.Model):
    """What a request with an Idempotency-Key was answered."""

    key = models.TextField()
    fingerprint = models.BinaryField()
    status = models.SmallIntegerField()
    headers = models.TextField()
    body = models.TextField()
    created = models.DateTimeField()

    class Meta:
        db_table = "answers"
        constraints = [models.UniqueConstraint(fields=["key"], name="answer_key")]
        indexes = [models.Index(fields=["created"], name="answer_age")]  # old ones are deleted
