"""Who may use the example: the boards, and the endpoints of the lessons. In development everybody.

In production it is off, unless EXAMPLE says otherwise, and then everybody may read, and who knows the token may write. An application that
takes the example's place has users of its own, and needs none of this.
"""

import hmac
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Literal

from pydantic import Field, field_validator

from twogates.cache.entries import Quota
from twogates.http.problems import Problem
from twogates.server.settings import Profile, Settings, read_secret

# What a service answers without the example.
CORE = {"/", "/healthz", "/readyz"}
ADMIN = ("/admin/", "/static/admin/")  # has users of its own, and a switch
READING = {"GET", "HEAD"}


class ExampleSettings(Settings):
    """Whether it is on, and how much it may hold."""

    profile: Profile
    example: Literal["on", "off"]
    example_token_file: str | None = Field(None, description="a file with 50 characters or more made at random, as make secrets writes it")
    post_limit: int = Field(ge=1)  # messages in a minute: of an author, in production of a client
    board_limit: int = Field(ge=1)
    message_limit: int = Field(ge=1)  # of a board

    @field_validator("example_token_file")
    @classmethod
    def strong(cls, path: str | None) -> str | None:
        """Reject what would be no secret."""
        if path:
            read_secret(path)
        return path

    @property
    def counts_clients(self) -> bool:
        """Whether what is posted counts against the client. In development all of them are on this machine."""
        return self.profile == "production"

    def client_quota(self, address: str | None) -> Quota:
        """What one client may post, whatever the name that it chooses."""
        return Quota(f"posts:{network(address or '')}", "client", self.post_limit)

    def message_quota(self, author: str, address: str | None) -> Quota:
        """What a message counts against."""
        return self.client_quota(address) if self.counts_clients else Quota(f"posts:{author}", "author", self.post_limit)


def network(address: str) -> str:
    """The client that an address belongs to, as Nginx counts it (rate.conf.template): of IPv6 the first 64 bits."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Address(int(parsed) >> 64 << 64)) if isinstance(parsed, IPv6Address) else address


def refusal(settings: ExampleSettings) -> Callable[[str, str, bytes], Problem | None] | None:
    """What answers a request that may not pass, by its method, its path and its Authorization; ``None`` where every request may."""
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
    """The 409 answer to a message on a board that has as many as it may."""
    return Problem(409, f"The board has {most} messages, and no more are taken.")


def too_many(most: int) -> Problem:
    """The 409 answer to one more board."""
    return Problem(409, f"There are {most} boards, and no more are taken.")
