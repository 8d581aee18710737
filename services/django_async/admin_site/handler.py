"""The admin site's own handler, beside that of the contract."""

from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from time import monotonic

from asgiref.sync import sync_to_async
from database import availability, in_thread
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse
from web import problem

from admin_site.settings import MOUNTED_AT
from twogates.http.asgi import Application, Message, Receive, Send
from twogates.http.problems import Problem

PATH = "/admin/"
# So many requests at once, each with a thread and a connection of the common pool; what waits for longer is told to come again.
THREADS, WAIT_SECONDS = 2, 5.0
# Longer than UNIT_SECONDS of database/common.py: to check a password takes a second of CPU time, and the connection waits meanwhile.
UNIT_SECONDS = 10.0


@cache
def threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, "admin")


class AdminHandler(ASGIHandler):
    """All of a request in one thread and with one connection: session, user, view and template.

    Django's own way is a new thread for each request, and its connection goes back when the client has the answer: a crowd at this
    door would take all that the container may have.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponse:
        request.urlconf = "admin_site.urls"
        # By this, and not by the loop's run_in_executor, the thread knows the request's prefix and id.
        in_one = sync_to_async(in_thread, thread_sensitive=False, executor=threads())
        try:
            availability().check()
            response: HttpResponse = await in_one(partial(self.get_response, request), monotonic(), WAIT_SECONDS, UNIT_SECONDS)
        except Problem as error:
            return problem(error)
        response.headers["Referrer-Policy"] = "same-origin"  # else Nginx's, with which no browser says where a form is from
        return response


def beside(contract: Application) -> Application:
    """The application that hands the admin site's requests to its handler, and all others on as they came."""
    admin = AdminHandler()

    def chosen(scope: Message, receive: Receive, send: Send) -> Awaitable[None]:
        if not scope["path"].startswith(PATH):
            return contract(scope, receive, send)
        # Its pages link to each other by the paths that a browser knows. Of the contract, FORCE_SCRIPT_NAME would change the answers.
        mounted = {**scope, "root_path": MOUNTED_AT, "path": MOUNTED_AT + scope["path"]}
        return admin(mounted, receive, send)  # type: ignore[no-any-return]

    return chosen
