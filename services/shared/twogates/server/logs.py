"""Logging: one JSON object a line on standard error, each with the request id it belongs to.

There is no access log here: Nginx writes one line a request, with the application's own time and
the same request id. A second line from the application would cost CPU and add nothing.
"""

import logging
from typing import Any

from twogates.http.context import REQUEST_ID


class RequestIdFilter(logging.Filter):
    """Adds the id of the request at hand, ``-`` outside of one."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = REQUEST_ID.get()
        return True


def logging_config(level: str) -> dict[str, Any]:
    """The configuration for ``logging.config.dictConfig``, Gunicorn's ``logconfig_dict`` and Django's ``LOGGING``."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request_id": {"()": "twogates.server.logs.RequestIdFilter"}},
        "formatters": {
            "json": {
                "()": "pythonjsonlogger.json.JsonFormatter",
                "format": "%(asctime)s %(levelname)s %(name)s %(process)d %(request_id)s %(message)s",
                "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger", "process": "pid"},
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["request_id"]}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        # Gunicorn and Django give these handlers of their own; here they go to the root like every other logger.
        "loggers": {
            "gunicorn.error": {"level": level.upper(), "handlers": [], "propagate": True},
            "django": {"level": level.upper(), "handlers": [], "propagate": True},
            "django.request": {"level": "ERROR"},  # a 4xx is the client's matter and in Nginx's log
            "daphne": {"level": "WARNING"},  # at INFO it tells of every connection
            "procrastinate": {"level": "WARNING"},  # at INFO it tells of every job
        },
    }
