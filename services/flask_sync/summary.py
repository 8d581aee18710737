"""The summary of a board, an expensive query whose result is cached, and the hit statistics of the cache."""

from functools import partial

from board import cache, database
from flask import Blueprint, Response
from web import answer, reply

from twogates.demo.board import summary as board_summary
from twogates.demo.board.models import read_id

routes = Blueprint("summary", __name__)
get = partial(routes.route, methods=["GET"], provide_automatic_options=False)


@get("/boards/<board>/summary")
def summary(board: str) -> Response:
    number = read_id(board)

    def compute() -> bytes:
        with database.read() as connection:
            row = connection.exec_driver_sql(board_summary.QUERY, {"board": number}).one_or_none()
        return board_summary.body(row)

    return reply(board_summary.answered(cache.through(f"summary:{number}", compute)))


@get("/cache")
def cache_uses() -> Response:
    return answer(cache.uses())
