"""Gunicorn with Uvicorn workers, as in fastapi_async."""

from twogates.server.cpus import cpus_given
from twogates.server.gunicorn.asgi import *  # noqa: F403  a Gunicorn configuration is the names of its module
from twogates.server.gunicorn.base import settings

workers = settings.workers or cpus_given()
