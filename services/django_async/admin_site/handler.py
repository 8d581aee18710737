"""A separate handler for the admin site, beside the contract's handler."""

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
# The number of concurrent requests, each with a thread and a connection of the shared pool. A request that waits for longer than
# WAIT_SECONDS gets a 503 and has to retry.
THREADS, WAIT_SECONDS = 2, 5.0
# Longer than UNIT_SECONDS of database/common.py: a password check takes a second of CPU time and holds the connection meanwhile.
UNIT_SECONDS = 10.0


@cache
def threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, "admin")


class AdminHandler(ASGIHandler):
    """Runs a whole request in one thread and with one connection: session, user, view and template.

    Django itself starts a new thread for each request and keeps its connection until the client has the answer. Many concurrent
    requests would exhaust the container's limits.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponse:
        request.urlconf = "admin_site.urls"
        # Unlike the loop's run_in_executor, this passes the request's context to the thread: its path prefix and its id.
        in_one = sync_to_async(in_thread, thread_sensitive=False, executor=threads())
        try:
            availability().check()
            response: HttpResponse = await in_one(partial(self.get_response, request), monotonic(), WAIT_SECONDS, UNIT_SECONDS)
        except Problem as error:
            return problem(error)
        response.headers["Referrer-Policy"] = "same-origin"  # otherwise Nginx sends no-referrer, and browsers hide the origin of a form
        return response


def beside(contract: Application) -> Application:
    """Return an application that passes requests for the admin site to its handler, and all others unchanged to ``contract``."""
    admin = AdminHandler()

    def chosen(scope: Message, receive: Receive, send: Send) -> Awaitable[None]:
        if not scope["path"].startswith(PATH):
            return contract(scope, receive, send)
        # The admin pages link to each other by public paths, with Nginx's prefix. Set the prefix for these requests only:
        # FORCE_SCRIPT_NAME would change the contract's answers too.
        mounted = {**scope, "root_path": MOUNTED_AT, "path": MOUNTED_AT + scope["path"]}
        return admin(mounted, receive, send)  # type: ignore[no-any-return]

    return chosen
