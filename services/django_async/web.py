"""Read Django's requests, and build its responses from the shared answers and problems."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse, UnreadablePostError
from django.http import HttpRequest as Request
from django.http.response import HttpResponseBase as Response
from django.urls import URLPattern, path

from twogates.http.payloads import STREAM_HEADERS, Reply, encode
from twogates.http.problems import MEDIA_TYPE, Problem, method_not_allowed, too_large
from twogates.server.settings import AppSettings

__all__ = ["Request", "Response"]
settings = AppSettings.read()

View = Callable[..., Awaitable[Response]]


def answers(*methods: str) -> Callable[[View], View]:
    """Limit a view to these methods, and turn a problem that it raises into the answer."""

    def decorate(view: View) -> View:
        @wraps(view)
        async def checked(request: HttpRequest, **arguments: Any) -> HttpResponse | StreamingHttpResponse:
            if request.method not in methods:
                return problem(method_not_allowed(methods))
            try:
                return await view(request, **arguments)
            except Problem as error:
                return problem(error)
            except RequestDataTooBig:
                return problem(too_large(settings.body_limit))
            except UnreadablePostError:  # only under WSGI: the client disconnected in the middle of the body
                return problem(Problem(400))

        return checked

    return decorate


get = answers("GET", "HEAD")
post = answers("POST")


class Routes(list[URLPattern]):
    """A group of views, as URL patterns."""

    def get(self, route: str, development_only: bool = False) -> Callable[[View], View]:
        """Register a view for GET and HEAD. With ``development_only``, production has no such path."""

        def register(view: View) -> View:
            checked = get(view)
            if settings.profile == "development" or not development_only:
                self.append(path(route.removeprefix("/"), checked))
            return checked

        return register

    def post(self, route: str) -> Callable[[View], View]:
        """Register a view for POST."""

        def register(view: View) -> View:
            checked = post(view)
            self.append(path(route.removeprefix("/"), checked))
            return checked

        return register


def by_method(**views: View) -> View:
    """Combine several views, one for each method, into one: Django selects a view by its path only."""
    each = {name.upper(): view for name, view in views.items()} | ({"HEAD": views["get"]} if "get" in views else {})

    @answers(*each)
    async def chosen(request: HttpRequest, **arguments: Any) -> HttpResponse | StreamingHttpResponse:
        return await each[request.method or ""](request, **arguments)

    return chosen


def query_string(request: HttpRequest) -> str:
    """Return the raw query string. A WSGI server may omit an empty one (PEP 3333)."""
    return str(request.META.get("QUERY_STRING", ""))


def answer(data: object) -> HttpResponse:
    body = encode(data)
    return HttpResponse(body, content_type="application/json", headers={"Content-Length": len(body)})


def streamed(parts: AsyncIterator[bytes], content_type: str) -> Response:
    return StreamingHttpResponse(parts, content_type=content_type, headers=STREAM_HEADERS)


def reply(reply: Reply) -> HttpResponse:
    if not reply.body:
        response = HttpResponse(status=reply.status, headers=reply.headers)
        del response["Content-Type"]
        return response
    headers = {**reply.headers, "Content-Length": len(reply.body)}
    return HttpResponse(reply.body, status=reply.status, headers=headers, content_type="application/json")


def problem(error: Problem) -> HttpResponse:
    body = error.body
    return HttpResponse(body, status=error.status, content_type=MEDIA_TYPE, headers={**error.headers, "Content-Length": len(body)})
