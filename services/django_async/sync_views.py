"""The database probes as synchronous views that wait in their own thread, for `make lab X=django-both`. Compare questions.py.

Django runs both kinds of view under ASGI and WSGI. If the kind does not fit the interface, Django runs the view in a separate thread
or on a separate event loop.
"""

from collections.abc import Callable
from functools import partial, wraps
from time import monotonic
from typing import Any

import questions
from database import in_thread
from django.http import HttpRequest, HttpResponse
from django.urls import path
from errors import handler400, handler404, handler500
from web import answer, problem, query_string

import app
from twogates.demo.database_probes import documents
from twogates.demo.models import DatabaseQuery, ListingQuery
from twogates.http.problems import Problem, method_not_allowed

__all__ = ["handler400", "handler404", "handler500", "urlpatterns"]  # the names that Django reads from a URL module

GET = ("GET", "HEAD")


def get(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Limit a view to GET and HEAD, and turn a problem that it raises into the answer, as in web.py."""

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
    """Run a function of ``in_database`` in the current thread, which is the request's, not in a thread of its pool."""
    return in_thread(partial(asked.__wrapped__, *arguments), monotonic())


@get
def query(request: HttpRequest) -> HttpResponse:
    query = DatabaseQuery.read(query_string(request))
    return answer(documents.asked(query, here(questions.ask, query)))


@get
def listing(request: HttpRequest) -> HttpResponse:
    query = ListingQuery.read(query_string(request))
    return answer(documents.listed(query, here(questions.fetch, query)))


# Django uses the first pattern that matches.
urlpatterns = [path("query", query), path("listing", listing), *app.urlpatterns]
