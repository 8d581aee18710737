"""Database probes: queries with parameters from the client, on Django and its ORM. Not available in production."""

from database import in_database
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from notices.models import Message
from web import answer, get, query_string

from twogates.demo.database_probes import documents
from twogates.demo.models import DatabaseQuery, ListingQuery

QUESTION = documents.QUESTION.format(rows="%s", seconds="%s")


@get
async def query(request: HttpRequest) -> HttpResponse:
    query = DatabaseQuery.read(query_string(request))
    return answer(documents.asked(query, await ask(query)))


@in_database
def ask(query: DatabaseQuery) -> int:
    with connection.cursor() as cursor:
        for _ in range(query.calls):
            cursor.execute(QUESTION, [query.work * documents.ROWS, query.seconds])
            total, _ = cursor.fetchone()
    return int(total)


@get
async def listing(request: HttpRequest) -> HttpResponse:
    query = ListingQuery.read(query_string(request))
    return answer(documents.listed(query, await fetch(query)))


@in_database
def fetch(query: ListingQuery) -> list[tuple[str, str]]:
    rows = Message.objects.filter(board=query.board).order_by("id").only("text", "author")
    if query.how == "joined":
        rows = rows.select_related("author").only("text", "author__name")
    # Without the join, this is the classic mistake, and the code does not show it: the ORM runs a query each time an author's name is read.
    return [(row.author.name, row.text) for row in rows[: query.limit]]


routes = [path("query", query), path("listing", listing)]
