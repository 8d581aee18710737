"""Liveness and readiness."""

import httpx
import pytest

from tests.stack import Service

pytestmark = pytest.mark.smoke


def test_alive(client: httpx.Client, service: Service) -> None:
    answer = client.get(f"{service.url}/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


def test_ready_with_every_dependency(client: httpx.Client, service: Service) -> None:
    answer = client.get(f"{service.url}/readyz")
    up = {"upstream": "up", "database": "up", "cache": "up"}
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "dependencies": up})


def test_head_is_get_without_a_body(client: httpx.Client, service: Service) -> None:
    answer = client.head(f"{service.url}/healthz")
    assert (answer.status_code, answer.headers["Content-Type"], answer.content) == (200, "application/json", b"")
