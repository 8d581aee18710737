"""Database probes: queries with parameters from the client, on FastAPI and SQLAlchemy. Not available in production."""

from functools import partial
from typing import Annotated

from board import database
from fastapi import APIRouter, Query, Response
from web import answer

from twogates.demo.database_probes import documents, statements
from twogates.demo.models import DatabaseQuery, ListingQuery

routes = APIRouter()
get = partial(routes.api_route, methods=["GET", "HEAD"])


@get("/query")
async def query(query: Annotated[DatabaseQuery, Query()]) -> Response:
    async with database.read() as connection:
        for _ in range(query.calls):
            total = (await connection.execute(statements.question(query))).scalar_one()
    return answer(documents.asked(query, total))


@get("/listing")
async def listing(query: Annotated[ListingQuery, Query()]) -> Response:
    async with database.read() as connection:
        if query.how == "joined":
            messages = [(row.name, row.text) for row in await connection.execute(statements.joined(query))]
        else:
            # The classic mistake (N+1 queries): each row costs a round trip of its own.
            rows = (await connection.execute(statements.without_authors(query))).all()
            messages = [((await connection.execute(statements.author(row.author_id))).scalar_one(), row.text) for row in rows]
    return answer(documents.listed(query, messages))
