"""Locust's visitors of the notice board do what they claim, on all three services, and leave it unchanged."""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.data import sql
from tests.stack import SERVICES, TARGET


@pytest.fixture(autouse=True)
def _running(stack: None) -> None:
    """Start the stack if it is not running."""


def messages() -> str:
    return sql("SELECT count(*), sum(hashtext(text)) FROM messages").stdout


def test_a_visitor_reads_writes_edits_and_takes_down() -> None:
    before = messages()
    done = subprocess.run([sys.executable, "-m", "tests.local.visit", TARGET], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["errors"] == []
    for service in SERVICES:
        path = f"/{service}/boards/[id]/messages"
        times = {name: number for name, number in found["asked"].items() if f"/{service}/" in name}
        assert (times[f"POST {path}"], times[f"PUT {path}/[id]"], times[f"DELETE {path}/[id]"]) == (7, 2, 7)
        assert times[f"GET {path}"] == times[f"GET {path}?search="] == times[f"GET /{service}/boards"] == 1
    assert messages() == before
