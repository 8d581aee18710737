"""The lesson: how this service waits. Compare the module of the same name in the other two services.

WSGI: a view is a function. While it waits, its worker waits too.
"""

import time
from collections.abc import Iterator

from web import Response, Routes, answer, query_string, request, streamed

from twogates.demo.models import BlockQuery, StreamQuery, UpstreamQuery, WaitQuery
from twogates.demo.settings import UpstreamSettings
from twogates.demo.streams import STREAM_TYPE, chunk, event, first_event
from twogates.demo.upstream.blocking import Upstream
from twogates.http.payloads import EVENTS_TYPE

settings = UpstreamSettings.read()
upstream_service = Upstream(settings.upstream_url, settings.upstream_connections)
routes = Routes("lesson", __name__)


@routes.get("/wait")
def wait() -> Response:
    query = WaitQuery.read(query_string(request))
    time.sleep(query.seconds)
    return answer({"waited": query.seconds})


@routes.get("/upstream")
def upstream() -> Response:
    query = UpstreamQuery.read(query_string(request))
    for _ in range(query.calls):  # one after the other
        upstream_service.call(query.seconds)
    return answer({"calls": query.calls, "seconds": query.seconds})


@routes.get("/block", development_only=True)
def block() -> Response:
    query = BlockQuery.read(query_string(request))
    time.sleep(query.seconds)  # the same as /wait. Offloading makes no difference: the worker would wait for the other thread
    return answer({"blocked": query.seconds})


@routes.get("/stream")
def stream() -> Response:
    query = StreamQuery.read(query_string(request))

    def parts() -> Iterator[bytes]:
        for number in range(1, query.chunks + 1):
            if number > 1:
                time.sleep(query.interval)
            yield chunk(number, query.chunks)

    return streamed(parts(), STREAM_TYPE)


@routes.get("/events")
def events() -> Response:
    query = StreamQuery.read(query_string(request))
    first = first_event(request.headers.get("Last-Event-ID"))

    def parts() -> Iterator[bytes]:
        for number in range(first, query.chunks + 1):
            if number > first:
                time.sleep(query.interval)
            yield event(number, query.chunks)

    return streamed(parts(), EVENTS_TYPE)
