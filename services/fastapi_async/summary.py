"""The summary of a board, an expensive query whose result is cached, and the hit statistics of the cache."""

from functools import partial

from board import cache, database
from fastapi import APIRouter, Response
from web import answer, reply

from twogates.demo.board import summary as board_summary
from twogates.demo.board.models import read_id

routes = APIRouter()
get = partial(routes.api_route, methods=["GET", "HEAD"])


@get("/boards/{board}/summary")
async def summary(board: str) -> Response:
    number = read_id(board)

    async def compute() -> bytes:
        async with database.read() as connection:
            row = (await connection.exec_driver_sql(board_summary.QUERY, {"board": number})).one_or_none()
        return board_summary.body(row)

    return reply(board_summary.answered(await cache.through(f"summary:{number}", compute)))


@get("/cache")
async def cache_uses() -> Response:
    return answer(await cache.uses())
