"""Locust's page, started as `make locust` starts it: which requests another website can make a browser send to it."""

import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from loadtest.locust_page import page
from runtime.servers import free_port
from tests.conftest import ROOT
from tests.waiting import until

FORM = {"user_count": "1", "spawn_rate": "1", "user_classes": "FlaskWait"}


@pytest.fixture(scope="module")
def ours() -> Iterator[socket.socket]:
    """Stand in for the stack, and see which clients connect."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture(scope="module")
def locust(ours: socket.socket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port, target = free_port(), address(ours)
    environment = {"PATH": "/usr/bin:/bin", "TARGET": target, "HOME": str(tmp_path_factory.mktemp("home"))}
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(url, trust_env=False, timeout=60).status_code == 200
        except httpx.TransportError:
            return False

    with subprocess.Popen([sys.executable, *page(str(port), target)], cwd=ROOT, env=environment, stderr=subprocess.PIPE) as process:
        try:
            until("its page answers", lambda: process.poll() is not None or answers())
            assert process.poll() is None, process.stderr and process.stderr.read()
            yield url
        finally:
            process.kill()


def address(listening: socket.socket) -> str:
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("path", ["/swarm", "/stop", "/stats/reset", "/user"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:3000"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Host": "elsewhere.example", "Origin": "http://elsewhere.example"},
    ],
    ids=lambda headers: " ".join(headers.values()),
)
def test_a_page_elsewhere_gives_no_order(locust: str, path: str, headers: dict[str, str]) -> None:
    answer = httpx.post(locust + path, data=FORM, headers=headers, trust_env=False)
    assert answer.status_code == 403
    assert not answer.json()["success"]
    assert httpx.get(f"{locust}/stats/requests", trust_env=False).json()["state"] == "ready"


def test_no_other_host_gets_load(locust: str, ours: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        answer = httpx.post(f"{locust}/swarm", data={**FORM, "host": address(theirs)}, trust_env=False)
        assert (answer.status_code, answer.json()["message"]) == (
            400,
            f"Refused: host is {address(theirs)!r}; accepted: {address(ours)}.",
        )
        # An order from its own page is obeyed: the load goes to the right target.
        page = {"Sec-Fetch-Site": "same-origin", "Origin": locust}
        begun = httpx.post(f"{locust}/swarm", data={**FORM, "host": address(ours)}, headers=page, trust_env=False)
        assert (begun.status_code, begun.json()["success"]) == (200, True)
        ours.settimeout(60)
        ours.accept()[0].close()
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            theirs.accept()
        assert httpx.post(f"{locust}/stop", headers=page, trust_env=False).status_code == 200
