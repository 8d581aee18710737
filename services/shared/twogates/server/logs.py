"""Logging: one JSON object per line on standard error, with the id of the request.

There is no access log here. Nginx writes one line per request, with the application's own time and
the same request id. A second line from the application would cost CPU time and add nothing.
"""

import logging
from typing import Any

from twogates.http.context import REQUEST_ID


class RequestIdFilter(logging.Filter):
    """Add the id of the current request to the record; ``-`` outside of a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = REQUEST_ID.get()
        return True


def logging_config(level: str) -> dict[str, Any]:
    """Return the configuration for ``logging.config.dictConfig``, Gunicorn's ``logconfig_dict`` and Django's ``LOGGING``."""
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
        # Gunicorn and Django attach their own handlers to these. Here they use the root logger like all others.
        "loggers": {
            "gunicorn.error": {"level": level.upper(), "handlers": [], "propagate": True},
            "django": {"level": level.upper(), "handlers": [], "propagate": True},
            "django.request": {"level": "ERROR"},  # a 4xx is the client's error, and Nginx logs it
            "daphne": {"level": "WARNING"},  # at INFO it logs every connection
            "procrastinate": {"level": "WARNING"},  # at INFO it logs every job
        },
    }
