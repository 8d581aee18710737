"""The contract's answers to Django's own errors. Django reads these names from a URL module."""

from django.http import HttpRequest, HttpResponse
from web import problem

from twogates.http.problems import Problem

__all__ = ["handler400", "handler404", "handler500"]


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(Problem(400))


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(Problem(404))


def handler500(request: HttpRequest) -> HttpResponse:
    return problem(Problem(500))
