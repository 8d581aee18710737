"""The admin site's URL patterns, which its handler uses (handler.py), and its error answers in the contract's form."""

import sys

from database import problem_of
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import path
from errors import handler400, handler404
from web import problem

from twogates.http.problems import Problem

__all__ = ["csrf_failure", "handler400", "handler403", "handler404", "handler500", "urlpatterns"]

admin.site.site_header = admin.site.site_title = "Two Gates"
admin.site.index_title = "Notice board"
admin.site.empty_value_display = ""

urlpatterns = [path("admin/", admin.site.urls)]


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return problem(Problem(403, "The form is not from a page of this site, or its page is too old: load it again."))


def handler403(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(Problem(403, "This user may not do that."))


def handler500(request: HttpRequest) -> HttpResponse:
    """Answer an unhandled exception, which may come from the database. Django calls this while it handles the exception."""
    error = sys.exception()
    return problem((problem_of(error) if error else None) or Problem(500))
