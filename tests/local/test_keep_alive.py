"""Nginx is the first to close an idle connection between it and each server that the project can start.

A server that closes first may do so just when Nginx sends it a POST, whose client then gets a 502.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from runtime.local import nginx as nginx_local
from runtime.local.plan import make_plan
from runtime.servers import Command, Servers, free_port
from tests import kept_posts
from tests.conftest import ROOT
from tests.local.conftest import Start
from tests.servers import servers
from tests.stack import SERVICES

# Far longer than Nginx's keepalive_timeout, and than that of any server.
WAIT_SECONDS = 240
# The paths that Nginx forwards to servers other than the three services. Nginx does not know the upstream, so it replaces one of them.
PATHS = {"monitor": "/live/requests/aaaaaaaa", "locust": "/locust/", "upstream": "/flask/healthz"}


@dataclass
class Hop:
    """A relay on the connection between Nginx and a server."""

    port: int  # the server's port
    answer: bytes = b""
    first_to_close: str = ""

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relay data in both directions until one side closes."""
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self.port)
        async with asyncio.TaskGroup() as both:
            both.create_task(self.copy("nginx", reader, to_server))
            both.create_task(self.copy("server", from_server, writer))

    async def copy(self, who: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relay one direction."""
        while part := await reader.read(65536):
            if who == "server":
                self.answer += part
            writer.write(part)
        self.first_to_close = self.first_to_close or who
        writer.close()

    @property
    def announced(self) -> bool:
        """Return whether the server announced in its answer that it closes, so that Nginx kept no connection."""
        return b"\r\nconnection: close\r\n" in self.answer.lower()


async def who_closes_first(hops: dict[str, Hop], relays: dict[str, int], asked: dict[str, str]) -> None:
    """Send one request through each Nginx, and wait until every connection behind it is closed."""
    async with asyncio.timeout(WAIT_SECONDS):
        for name, hop in hops.items():
            await asyncio.start_server(hop.relay, "127.0.0.1", relays[name])
        async with httpx.AsyncClient(timeout=60) as client:
            answers = await asyncio.gather(*(client.get(url) for url in asked.values()))
        assert {answer.status_code for answer in answers} <= {200, 404}
        while open_still := [name for name, hop in hops.items() if not hop.first_to_close]:
            assert all(hops[name].answer for name in open_still)
            await asyncio.sleep(0.1)


@pytest.mark.usefixtures("stack")
def test_nginx_closes_first(tmp_path: Path) -> None:
    plan, commands = make_plan(), servers()
    hops = {name: Hop(command.port) for name, command in commands.items()}
    relays, asked = {name: free_port() for name in commands}, {}
    with Servers(tmp_path) as running:
        for name, command in commands.items():
            running.start(name, command)
            folder, port, relay = tmp_path / f"nginx of {name}", free_port(), f"127.0.0.1:{relays[name]}"
            values = {f"{service.name.upper()}_SERVERS": f"server {relay};" for service in SERVICES}
            values |= {"MONITOR": relay, "LOCUST": relay}
            values |= {"NGINX_LISTEN": f"127.0.0.1:{port}", "NGINX_LISTEN_TLS": f"127.0.0.1:{free_port()}"}
            nginx_local.render(folder, plan.nginx_values | values)
            arguments = nginx_local.arguments(folder, "1")
            running.start(folder.name, Command([*plan.nginx_command, *arguments], folder, port, path="/healthz"))
            asked[name] = f"http://127.0.0.1:{port}" + (PATHS.get(name) or f"/{name.split('-')[0]}/healthz")
        running.wait_until_ready()
        kinds = worker_classes(commands)
        asyncio.run(who_closes_first(hops, relays, asked))
    assert {name: hop.first_to_close for name, hop in hops.items() if not hop.announced} == {
        name: "nginx" for name, hop in hops.items() if not hop.announced
    }
    # All worker classes of the contract are among them, and only sync closes after its answer.
    assert kinds.keys() == contract_worker_classes()
    assert {name for name, hop in hops.items() if hop.announced} <= kinds["sync"] | {"monitor", "locust"}


@pytest.mark.long
def test_no_post_is_lost_to_threads(nginx: Start, tmp_path: Path) -> None:
    threads = servers()["flask-threads"]
    with Servers(tmp_path) as running:
        running.start("flask", threads)
        running.wait_until_ready()
        url = nginx(FLASK_SERVERS=f"server 127.0.0.1:{threads.port};")
        assert asyncio.run(kept_posts.run(f"{url}/flask/echo", rounds=20)) == {"200": 20 * kept_posts.CLIENTS}


def worker_classes(commands: dict[str, Command]) -> dict[str, set[str]]:
    """Return the servers of the three services, by the worker class that they report."""
    found: dict[str, set[str]] = {}
    for name, command in commands.items():
        if name.split("-")[0] in [service.name for service in SERVICES]:
            found.setdefault(httpx.get(f"http://127.0.0.1:{command.port}/").json()["worker_class"], set()).add(name)
    return found


def contract_worker_classes() -> set[str]:
    """Return the worker classes that the contract names."""
    contract = yaml.safe_load((ROOT / "services" / "openapi.yaml").read_text())
    return set(contract["components"]["schemas"]["Identity"]["properties"]["worker_class"]["enum"])
