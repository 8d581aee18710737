"""Example boards for development."""

from django.db import connection, transaction

from notices.models import Author, Board, Message
from twogates.demo.board.documents import now

BOARDS = ("Lost and found", "Lunch", "Offers", "Questions", "Readers", "Rides", "Small talk", "Wanted")
AUTHORS = ("Ada", "Ben", "Cleo", "Dan")
EACH = 25


def seed() -> None:
    """Create the boards, their authors and messages."""
    with transaction.atomic():
        authors = Author.objects.bulk_create(Author(name=name) for name in AUTHORS)
        boards = Board.objects.bulk_create(Board(name=name, messages=EACH, version=1, created=now()) for name in BOARDS)
        Message.objects.bulk_create(
            Message(board=board, author=authors[number % len(authors)], text=f"Notice {number + 1} of {EACH}", version=1, created=now())
            for board in boards
            for number in range(EACH)
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
