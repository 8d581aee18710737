"""Django's admin site on its own Daphne: switched off, with one connection, and the queries that it makes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from runtime.local.plan import Process, make_plan
from runtime.servers import Command, Servers, free_port
from tests.data import sql

Start = Callable[..., str]
# How many queries a list makes, with few and with many rows; and the middleware of a request to the contract.
QUERIES = """
import json
import app
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import set_urlconf
from notices.models import Board, Message

counts = {}
for model in (Board, Message):
    for rows in (2, 50):
        site = admin.site.get_model_admin(model)
        site.list_per_page = rows
        request = RequestFactory().get("/admin/")
        request.user = get_user_model()(is_active=True, is_staff=True, is_superuser=True)
        set_urlconf("admin_site.urls")
        with CaptureQueriesContext(connection) as queries:
            site.changelist_view(request).render()
        counts[f"{model.__name__} {rows}"] = len(queries)
print(json.dumps({"queries": counts, "contract": app.django_application._middleware_chain.__name__}))
"""


def django() -> Process:
    return next(process for process in make_plan().processes if process.name == "django-1")


def run(*words: str, **values: str) -> subprocess.CompletedProcess[str]:
    """Run Python in Django's folder, with Django's variables."""
    environment = os.environ | django().environment | values
    return subprocess.run([sys.executable, *words], cwd=django().folder, env=environment, capture_output=True, text=True, timeout=60)


def migrate(**values: str) -> None:
    """Run the migrate job with some changed variables."""
    [job] = [job for job in make_plan().data_jobs if job.name == "migrate"]
    subprocess.run(job.command, cwd=job.folder, env=os.environ | job.environment | values, check=True, timeout=60)


@pytest.fixture
def start(stack: None, tmp_path: Path) -> Iterator[Start]:
    """A function that starts a Django with some changed variables, and returns its address."""
    process = django()

    def started(**values: str) -> str:
        port = free_port()
        command = Command(process.command, process.folder, port, {**process.environment, "PORT": str(port), **values}, "/readyz")
        servers.start("django", command)
        servers.wait_until_ready()
        return f"http://127.0.0.1:{port}"

    with Servers(tmp_path) as servers:
        yield started


def test_switched_off_there_is_nothing(start: Start) -> None:
    off = {"ADMIN": "off", "SECRET_KEY_FILE": ""}
    base = start(**off)
    for path in ("/admin/", "/admin/login/", "/static/admin/css/base.css"):
        answer = httpx.get(base + path, timeout=60)
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    asked = run("-m", "admin_site.make_user", **off)
    assert (asked.returncode, asked.stderr) == (1, "twogates: ADMIN is 'off'; accepted: on, with make up ADMIN=on first\n")


def test_switched_off_the_services_have_no_right_to_its_tables(stack: None) -> None:
    migrate(ADMIN="off")
    try:
        assert "permission denied" in sql("SET ROLE twogates_django; SELECT FROM auth_user").stderr
    finally:
        migrate(ADMIN="on")
    assert sql("SET ROLE twogates_django; SELECT FROM auth_user").returncode == 0


def test_in_production_it_passes_djangos_check(stack: None) -> None:
    """Among others, cookies are sent over HTTPS only."""
    values = {"PROFILE": "production", "DJANGO_SETTINGS_MODULE": "django_settings"}
    done = run("-m", "django", "check", "--deploy", "--fail-level", "WARNING", **values)
    assert done.returncode == 0, done.stderr


def test_each_request_gives_its_connection_back(start: Start) -> None:
    """With a pool of one, a request that kept its connection would be the last. The cookie causes a session lookup."""
    cookie = {"Cookie": "sessionid=0123456789abcdef0123456789abcdef"}
    with httpx.Client(base_url=start(POOL="1"), headers=cookie, timeout=60) as client:
        for path, status in [("/admin/", 302), ("/admin/login/", 200), ("/boards", 200)] * 4:
            answer = client.get(path)
            assert answer.status_code == status, answer.text


def test_a_list_makes_as_many_queries_whatever_its_length(stack: None) -> None:
    done = run("-c", QUERIES)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["queries"] == {"Board 2": 2, "Board 50": 2, "Message 2": 2, "Message 50": 2}  # the rows, and their count
    assert said["contract"] == "_get_response_async"  # no middleware surrounds it
