"""Daphne: one process that runs one event loop. It scales by replicas."""

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
    # Twisted's words for address and port, since Daphne has none for the backlog: connections that the kernel holds while
    # the loop is busy. Twisted's 50 is full at once when hundreds ask, and Nginx then answers 504.
    *("--endpoint", f"tcp:port={settings.port}:interface={settings.host}:backlog={settings.backlog}"),
    # The client's address is the one that Nginx writes into X-Real-IP. Daphne's own choice, X-Forwarded-For, takes the
    # first entry of a list that a client can begin.
    "--proxy-headers",
    *("--proxy-headers-host", "X-Real-IP"),
    # A message of an echo is small. Default 1 MiB.
    *("--websocket-max-message-size", "65536"),
    *("--websocket-max-frame-size", "65536"),
    # No access log: Nginx writes one. Default: a line a request on standard output.
    *("--verbosity", "0"),
    "app:application",
]


class Request(http_protocol.WebRequest):
    """Daphne's request, whose body is read by the application alone.

    Twisted first parses the body of every form, for arguments that nobody reads here, and answers 400 without a word
    where it cannot.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options, parsePOSTFormSubmission=False)


http_protocol.WebRequest = Request  # Daphne has no setting for the class
# Nginx bounds a request's headers (large_client_header_buffers) and answers in the contract's words. Twisted's own bounds
# are lower, 16 KiB and 500 headers, and its answer is an empty 400.
HTTPChannel.totalHeadersSize = 40_000
HTTPChannel.maxHeaders = 10_000


def serve() -> None:
    """Run Daphne until it is told to stop."""
    if settings.profile == "production":
        check()
    CommandLineInterface().run(ARGUMENTS)


def check() -> None:
    """Django's own check of its settings for production: end where it has a warning."""
    from django.core.management import CommandError, call_command

    import app  # noqa: F401  it sets Django up

    try:
        call_command("check", deploy=True, fail_level="WARNING")
    except CommandError as error:
        sys.exit(f"twogates: Django's check for production found:\n{error}")


DrainingServer.drain_seconds = settings.graceful_timeout
DrainingServer.keepalive_seconds = settings.keepalive
CommandLineInterface.server_class = DrainingServer


class ServerInThread(Server):
    """Daphne's server where the reloader has the main thread, and the signals with it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, signal_handlers=False)


def serve_and_reload() -> None:
    """Run Daphne and start it again on every edit, by Django's own reloader. For development."""
    from django.utils.autoreload import run_with_reloader

    CommandLineInterface.server_class = ServerInThread
    run_with_reloader(serve)


if __name__ == "__main__":
    serve_and_reload() if settings.reload else serve()
