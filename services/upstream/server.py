"""Gunicorn with Uvicorn workers, as in fastapi_async."""

from twogates.cpus import cpus_given
from twogates.gunicorn_asgi import *  # noqa: F403  a Gunicorn configuration is the names of its module
from twogates.gunicorn_base import settings

workers = settings.workers or cpus_given()
