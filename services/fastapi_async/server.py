"""Gunicorn with Uvicorn workers: each worker process runs one event loop."""

from sockets import SocketProtocol

from twogates.server.cpus import cpus_given
from twogates.server.gunicorn.asgi import *  # noqa: F403  Gunicorn reads its configuration from the names in this module
from twogates.server.gunicorn.asgi import Worker
from twogates.server.gunicorn.base import settings

# An event loop can use one CPU at most; a second loop on the same CPU only adds memory. Default 1.
workers = settings.workers or cpus_given()

# Writes frames that are encoded once for all sockets. Default: encodes the message again for each socket.
Worker.CONFIG_KWARGS = {**Worker.CONFIG_KWARGS, "ws": SocketProtocol}
