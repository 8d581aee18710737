"""SQLAlchemy statements of the feeds. Flask executes them in a thread; FastAPI awaits them."""

from typing import Any

from sqlalchemy import Select, select

from twogates.demo.board.statements import MESSAGE
from twogates.demo.board.tables import Author, Message
from twogates.demo.feed.common import PAGE, RECENT


def newest(board: int) -> Select[*tuple[Any, ...]]:
    """Select the newest messages, the last one first."""
    return select(*MESSAGE).join(Author).where(Message.board_id == board).order_by(Message.id.desc()).limit(RECENT)


def after(board: int, seen: int) -> Select[*tuple[Any, ...]]:
    """Select the next page of messages after ``seen``."""
    return select(*MESSAGE).join(Author).where(Message.board_id == board, Message.id > seen).order_by(Message.id).limit(PAGE)
