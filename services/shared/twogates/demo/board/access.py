"""Access control of the example: the boards, and the endpoints of the lessons. In development, every client has access.

In production the example is off unless EXAMPLE is on. Then every client may read, and a client with the token may write. An application
that replaces the example has its own users, and does not need this module.
"""

import hmac
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Literal

from pydantic import Field, field_validator

from twogates.cache.entries import Quota
from twogates.http.problems import Problem
from twogates.server.settings import Profile, Settings, read_secret

# Paths that a service serves without the example.
CORE = {"/", "/healthz", "/readyz"}
ADMIN = ("/admin/", "/static/admin/")  # has its own users, and its own setting
READING = {"GET", "HEAD"}


class ExampleSettings(Settings):
    """Settings of the example: whether it is on, and its limits."""

    profile: Profile
    example: Literal["on", "off"]
    example_token_file: str | None = Field(None, description="a file with 50 characters or more made at random, as make secrets writes it")
    post_limit: int = Field(ge=1)  # messages per minute and author; in production, per client
    board_limit: int = Field(ge=1)
    message_limit: int = Field(ge=1)  # messages per board

    @field_validator("example_token_file")
    @classmethod
    def strong(cls, path: str | None) -> str | None:
        """Reject a file that is not readable or too short."""
        if path:
            read_secret(path)
        return path

    @property
    def counts_clients(self) -> bool:
        """True if the rate limit is per client. In development all clients are on the same machine."""
        return self.profile == "production"

    def client_quota(self, address: str | None) -> Quota:
        """Return the quota of a client, independent of the author's name that it chooses."""
        return Quota(f"posts:{network(address or '')}", "client", self.post_limit)

    def message_quota(self, author: str, address: str | None) -> Quota:
        """Return the quota that a message counts against."""
        return self.client_quota(address) if self.counts_clients else Quota(f"posts:{author}", "author", self.post_limit)


def network(address: str) -> str:
    """Return the client of an address, as in Nginx's rate limit (rate.conf.template): for IPv6, the first 64 bits."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Address(int(parsed) >> 64 << 64)) if isinstance(parsed, IPv6Address) else address


def refusal(settings: ExampleSettings) -> Callable[[str, str, bytes], Problem | None] | None:
    """Return a function of method, path and Authorization that gives the rejection of a request; ``None`` if every request may pass."""
    on = settings.example == "on"
    token = f"Bearer {read_secret(settings.example_token_file)}".encode() if settings.example_token_file else b""
    if on and not token:
        return None

    def refused(method: str, path: str, authorization: bytes) -> Problem | None:
        if path in CORE or path.startswith(ADMIN):
            return None
        if not on:
            return Problem(404)
        if method in READING or hmac.compare_digest(authorization, token):
            return None
        detail = "Everybody may read the example here. To change it, send Authorization: Bearer, with the text of secrets/example_token."
        return Problem(401, detail, {"WWW-Authenticate": "Bearer"})

    return refused


def full(most: int) -> Problem:
    """Return the 409 answer for a message on a board that is full."""
    return Problem(409, f"The board has {most} messages, and no more are taken.")


def too_many(most: int) -> Problem:
    """Return the 409 answer for one more board than the limit."""
    return Problem(409, f"There are {most} boards, and no more are taken.")
