"""Two Gates on Django: the contract as an ASGI application.

A view is a coroutine, and one event loop runs all views: while one view awaits, the others continue.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_settings")

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

# Must run before any module with models is imported.
django_application = get_asgi_application()

import board
import chat
import database
import endpoints
import lesson
import questions
import summary
from django.http import HttpRequest, HttpResponse
from errors import handler400, handler404, handler500
from web import Routes, answer

from twogates.demo.board.access import ExampleSettings, refusal
from twogates.http.asgi import Guarded, RequestIdMiddleware
from twogates.http.payloads import Identity
from twogates.http.readiness import readiness
from twogates.server import shutdown
from twogates.server.settings import DjangoSettings

__all__ = ["application", "handler400", "handler404", "handler500", "urlpatterns"]  # what Django reads, and Daphne

settings = DjangoSettings.read()
routes = Routes()
identity = Identity("django", "django", "ASGI", "daphne", "daphne", None)
shutdown.LAST.append(lesson.upstream_service.close)


@routes.get("/")
async def index(request: HttpRequest) -> HttpResponse:
    return answer(identity.answer(settings.profile, request.META.get("REMOTE_ADDR")))


@routes.get("/healthz")
async def healthz(request: HttpRequest) -> HttpResponse:
    return answer({"status": "alive"})


@routes.get("/readyz")
async def readyz(request: HttpRequest) -> HttpResponse:
    return answer(
        readiness(upstream=await lesson.upstream_service.ready(), database=await database_ready(), cache=await board.cache.ready())
    )


async def database_ready() -> bool:
    try:
        return await database.ready()
    except Exception:
        return False


groups = [endpoints, lesson, board, chat, summary, *([questions] if settings.profile == "development" else [])]
urlpatterns = [*routes, *(pattern for group in groups for pattern in group.routes)]
sockets = URLRouter([*endpoints.sockets, *chat.sockets])

http = django_application
if settings.admin == "on":
    from admin_site import handler, static_files

    urlpatterns += static_files.routes
    http = handler.beside(http)

both = ProtocolTypeRouter({"http": http, "websocket": sockets})
refused = refusal(ExampleSettings.read())
application = RequestIdMiddleware(Guarded(both, refused) if refused else both)
