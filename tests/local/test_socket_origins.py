"""SOCKET_ORIGINS and FRONT_PROXY, in a second Nginx in front of the same services."""

from urllib.parse import urlsplit

import pytest

from runtime.local.plan import make_plan
from tests.conformance.test_socket_origins import handshake, refused
from tests.local.conftest import Start
from tests.stack import EVENT_LOOPS, SERVICES, Service

ALLOWED = "https://app.example http://[::1]:3000 null"


def ask(base: str, service: Service, *fields: str) -> tuple[int, str | None, bytes]:
    """Return the answer of the second Nginx."""
    return handshake(f"/{service}/ws", "http", "localhost", *fields, port=urlsplit(base).port)


@pytest.mark.parametrize("service", SERVICES, ids=str)
def test_the_origins_that_are_allowed_and_no_others(nginx: Start, service: Service) -> None:
    base = nginx(SOCKET_ORIGINS=ALLOWED)
    accepted = 101 if service in EVENT_LOOPS else 501
    for origin in ("https://app.example", "HTTPS://APP.example", "http://[::1]:3000", "null", "http://localhost"):
        assert ask(base, service, f"Origin: {origin}")[0] == accepted, origin
    for origin in ("http://app.example", "https://app.example:8443", "https://app.example.evil", "https://app", "file://", ALLOWED, "|"):
        refused(ask(base, service, f"Origin: {origin}"))


def test_the_scheme_is_what_the_front_proxy_says(nginx: Start) -> None:
    base = nginx(FRONT_PROXY="127.0.0.1")
    proxied = "X-Forwarded-Proto: https"
    for service in EVENT_LOOPS:
        assert ask(base, service, proxied, "Origin: https://localhost")[0] == 101
        refused(ask(base, service, proxied, "Origin: http://localhost"))


def test_nobody_else_can_say_the_scheme(nginx: Start) -> None:
    base = nginx()
    for service in EVENT_LOOPS:
        refused(ask(base, service, "X-Forwarded-Proto: https", "Origin: https://localhost"))


def test_the_services_have_no_policy_of_their_own(stack: None) -> None:
    """Without Nginx, which only this machine can bypass: both services accept an Origin that SOCKET_ORIGINS may allow."""
    ports = {process.name: process.environment.get("PORT") for process in make_plan().processes}
    for name in ("fastapi", "django-1"):
        for origin in ("null", "http://evil.example"):
            status, _, _ = handshake("/ws", "http", "localhost", f"Origin: {origin}", port=int(ports[name] or 0))
            assert status == 101, (name, origin)
