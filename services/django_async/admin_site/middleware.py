"""Django's middleware for the admin site's handler only (handler.py), the only handler with a synchronous middleware chain.

The contract's handler reads the same setting, but each middleware removes itself there: no session is loaded and no middleware called.
"""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import MiddlewareNotUsed


class AdminOnly:
    """A mixin that removes a middleware from an asynchronous chain."""

    def __init__(self, get_response: Callable[..., Any]) -> None:
        if iscoroutinefunction(get_response):
            raise MiddlewareNotUsed
        super().__init__(get_response)  # type: ignore[call-arg]


# Subclasses, so that Django's checks recognise them.
class Session(AdminOnly, SessionMiddleware):
    pass


class Authentication(AdminOnly, AuthenticationMiddleware):
    pass


class Message(AdminOnly, MessageMiddleware):
    pass
