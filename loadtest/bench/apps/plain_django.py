"""Django in one file, with an asynchronous view and without the middleware that startproject adds."""

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

SMALL = {"message": "Hello, World!", "numbers": [1, 2, 3], "nested": {"ok": True, "nothing": None}}

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[])


async def small_json(request: HttpRequest) -> JsonResponse:  # noqa: ARG001  Django's signature
    return JsonResponse(SMALL)


urlpatterns = [path("json", small_json)]
application = get_asgi_application()
