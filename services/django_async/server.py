"""Daphne: one process with one event loop. It scales by replicas."""

import sys
from typing import Any

from daphne import http_protocol
from daphne.cli import CommandLineInterface
from daphne.server import Server
from twisted.web.http import HTTPChannel

from drain import DrainingServer
from twogates.server.settings import ServerSettings

settings = ServerSettings.read()

ARGUMENTS = [
    # A Twisted endpoint in place of address and port, since Daphne has no option for the backlog: the connections that the kernel
    # queues while the loop is busy. Twisted's default of 50 fills up at once under hundreds of requests, and Nginx then answers 504.
    *("--endpoint", f"tcp:port={settings.port}:interface={settings.host}:backlog={settings.backlog}"),
    # Take the client's address from X-Real-IP, which Nginx sets. Daphne's default is the first entry of X-Forwarded-For, which a
    # client can forge.
    "--proxy-headers",
    *("--proxy-headers-host", "X-Real-IP"),
    # Echo messages are small. Default 1 MiB.
    *("--websocket-max-message-size", "65536"),
    *("--websocket-max-frame-size", "65536"),
    # No access log: Nginx writes one. Default: one line per request on standard output.
    *("--verbosity", "0"),
    "app:application",
]


class Request(http_protocol.WebRequest):
    """Daphne's request class, but only the application parses the body.

    By default Twisted parses the body of every form first, for arguments that no code here uses. If that fails, it answers with
    an empty 400.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options, parsePOSTFormSubmission=False)


http_protocol.WebRequest = Request  # Daphne has no setting for the request class
# Nginx limits the size of request headers (large_client_header_buffers) and answers as the contract requires. Twisted's own limits
# are lower, 16 KiB and 500 headers, and its answer is an empty 400.
HTTPChannel.totalHeadersSize = 40_000
HTTPChannel.maxHeaders = 10_000


def serve() -> None:
    """Run Daphne until it is shut down."""
    if settings.profile == "production":
        check()
    CommandLineInterface().run(ARGUMENTS)


def check() -> None:
    """Run Django's production check of its settings, and exit if it reports a warning."""
    from django.core.management import CommandError, call_command

    import app  # noqa: F401  importing it sets Django up

    try:
        call_command("check", deploy=True, fail_level="WARNING")
    except CommandError as error:
        sys.exit(f"twogates: Django's check for production found:\n{error}")


DrainingServer.drain_seconds = settings.graceful_timeout
DrainingServer.keepalive_seconds = settings.keepalive
CommandLineInterface.server_class = DrainingServer


class ServerInThread(Server):
    """Daphne's server without signal handlers, because the reloader owns the main thread and the signals."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, signal_handlers=False)


def serve_and_reload() -> None:
    """Run Daphne and restart it on every edit, with Django's own reloader. For development."""
    from django.utils.autoreload import run_with_reloader

    CommandLineInterface.server_class = ServerInThread
    run_with_reloader(serve)


if __name__ == "__main__":
    serve_and_reload() if settings.reload else serve()
