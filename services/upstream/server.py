"""Gunicorn with Uvicorn workers, as in fastapi_async/server.py."""

from twogates.server.cpus import cpus_given
from twogates.server.gunicorn.asgi import *  # noqa: F403  Gunicorn reads its configuration from the names in this module
from twogates.server.gunicorn.base import settings

workers = settings.workers or cpus_given()
