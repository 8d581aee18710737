"""Django's middleware for the admin site's handler alone (handler.py), which is the one with a synchronous chain.

The contract's handler reads the same setting, and has none of it: nothing of a session is asked there, and nothing called.
"""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import MiddlewareNotUsed


class AdminOnly:
    """Stays out of an asynchronous chain."""

    def __init__(self, get_response: Callable[..., Any]) -> None:
        if iscoroutinefunction(get_response):
            raise MiddlewareNotUsed
        super().__init__(get_response)  # type: ignore[call-arg]


# Subclasses, by which Django's checks know them.
class Session(AdminOnly, SessionMiddleware):
    pass


class Authentication(AdminOnly, AuthenticationMiddleware):
    pass


class Message(AdminOnly, MessageMiddleware):
    pass
