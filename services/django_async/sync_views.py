"""The questions to the database once more, by views that wait in their own thread, for `make lab X=django-both`. Compare questions.py.

Whichever interface a server speaks, Django runs either kind of view: one that does not fit is run in a thread, or on a loop, of its own.
"""

from collections.abc import Callable
from functools import partial, wraps
from time import monotonic
from typing import Any

import questions
from database import in_thread
from django.http import HttpRequest, HttpResponse
from django.urls import path
from web import answer, problem, query_string

import app
from app import handler400, handler404, handler500
from twogates.demo.database_probes import documents
from twogates.demo.models import DatabaseQuery, ListingQuery
from twogates.http.problems import Problem, method_not_allowed

__all__ = ["handler400", "handler404", "handler500", "urlpatterns"]  # what Django asks of a module with URLs

GET = ("GET", "HEAD")


def get(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """As in web.py."""

    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        if request.method not in GET:
            return problem(method_not_allowed(GET))
        try:
            return view(request)
        except Problem as error:
            return problem(error)

    return checked


def here(asked: Any, *arguments: Any) -> Any:
    """What ``in_database`` would do in one of its threads, in this one, which is the request's."""
    return in_thread(partial(asked.__wrapped__, *arguments), monotonic())


@get
def query(request: HttpRequest) -> HttpResponse:
    query = DatabaseQuery.read(query_string(request))
    return answer(documents.asked(query, here(questions.ask, query)))


@get
def listing(request: HttpRequest) -> HttpResponse:
    query = ListingQuery.read(query_string(request))
    return answer(documents.listed(query, here(questions.fetch, query)))


# The first that fits is taken.
urlpatterns = [path("query", query), path("listing", listing), *app.urlpatterns]
