"""The summary of a board, an expensive query whose result is cached, and the hit statistics of the cache."""

from board import cache
from database import in_database
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from web import answer, get, reply

from twogates.demo.board import summary as board_summary
from twogates.demo.board.models import read_id


@get
async def summary(request: HttpRequest, board: str) -> HttpResponse:
    number = read_id(board)

    @in_database
    def compute() -> bytes:
        with connection.cursor() as cursor:
            cursor.execute(board_summary.QUERY, {"board": number})
            return board_summary.body(cursor.fetchone())

    return reply(board_summary.answered(await cache.through(f"summary:{number}", compute)))


@get
async def cache_uses(request: HttpRequest) -> HttpResponse:
    return answer(await cache.uses())


routes = [path("boards/<str:board>/summary", summary), path("cache", cache_uses)]
