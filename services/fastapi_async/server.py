"""Gunicorn with Uvicorn workers: processes that each run one event loop."""

from sockets import SocketProtocol

from twogates.server.cpus import cpus_given
from twogates.server.gunicorn.asgi import *  # noqa: F403  a Gunicorn configuration is the names of its module
from twogates.server.gunicorn.asgi import Worker
from twogates.server.gunicorn.base import settings

# An event loop fills one CPU and no more; a second loop on the same CPU only adds memory. Default 1.
workers = settings.workers or cpus_given()

# Writes frames that are made once for all sockets. Default: makes one for each.
Worker.CONFIG_KWARGS = {**Worker.CONFIG_KWARGS, "ws": SocketProtocol}
