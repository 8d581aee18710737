"""Database probes: queries with parameters from the client, on Flask and SQLAlchemy. Not available in production."""

from functools import partial

from board import database
from flask import Blueprint, Response, request
from web import answer

from twogates.demo.database_probes import documents, statements
from twogates.demo.models import DatabaseQuery, ListingQuery

routes = Blueprint("questions", __name__)
get = partial(routes.route, methods=["GET"], provide_automatic_options=False)


@get("/query")
def query() -> Response:
    query = DatabaseQuery.read(request.query_string)
    with database.read() as connection:
        for _ in range(query.calls):
            total = connection.execute(statements.question(query)).scalar_one()
    return answer(documents.asked(query, total))


@get("/listing")
def listing() -> Response:
    query = ListingQuery.read(request.query_string)
    with database.read() as connection:
        if query.how == "joined":
            messages = [(row.name, row.text) for row in connection.execute(statements.joined(query))]
        else:
            # The classic mistake (N+1 queries): each row costs a round trip of its own.
            rows = connection.execute(statements.without_authors(query)).all()
            messages = [(connection.execute(statements.author(row.author_id)).scalar_one(), row.text) for row in rows]
    return answer(documents.listed(query, messages))
