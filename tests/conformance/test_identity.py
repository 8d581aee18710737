"""GET / describes the service that answers."""

import httpx

from tests.stack import Service

EXPECTED = {
    "flask": ("flask", "WSGI", "gunicorn", {"python", "flask", "gunicorn"}),
    "fastapi": ("fastapi", "ASGI", "gunicorn+uvicorn", {"python", "fastapi", "gunicorn", "uvicorn"}),
    "django": ("django", "ASGI", "daphne", {"python", "django", "daphne"}),
}


def test_service_names_what_it_runs_on(client: httpx.Client, service: Service) -> None:
    identity = client.get(f"{service.url}/").json()
    versions = set(identity["versions"])
    assert (identity["framework"], identity["interface"], identity["server"], versions) == EXPECTED[service.name]
    assert identity["service"] == service.name
    assert identity["pid"] > 0
    assert identity["host"]


def test_only_a_sync_worker_has_slots(client: httpx.Client, service: Service) -> None:
    identity = client.get(f"{service.url}/").json()
    if service.interface == "WSGI":
        assert identity["worker_class"] in ("sync", "gthread")
        assert identity["slots"] >= 1
    else:
        assert identity["worker_class"] in ("uvicorn_worker", "daphne")
        assert identity["slots"] is None
