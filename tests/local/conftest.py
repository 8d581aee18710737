"""A second Nginx in front of the running services, with its own values and files."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from runtime.local import nginx as nginx_local
from runtime.local.plan import make_plan
from runtime.servers import Command, Servers, free_port

Start = Callable[..., str]


@pytest.fixture
def nginx(stack: None, tmp_path: Path) -> Iterator[Start]:
    """A function that starts an Nginx with some of its own values and changed files, and returns its address."""
    plan = make_plan()

    servers = ExitStack()

    def start(change: Callable[[Path], None] | None = None, **values: str) -> str:
        servers.close()  # stop the previous one: both would share a folder and a name
        running = servers.enter_context(Servers(tmp_path))
        port = free_port()
        listen = {"NGINX_LISTEN": f"127.0.0.1:{port}", "NGINX_LISTEN_TLS": f"127.0.0.1:{free_port()}"}
        nginx_local.render(tmp_path, plan.nginx_values | listen | values)
        if change:
            change(tmp_path)
        arguments = nginx_local.arguments(tmp_path, "1")
        running.start("nginx", Command([*plan.nginx_command, *arguments], tmp_path, port, path="/healthz"))
        running.wait_until_ready()
        return f"http://127.0.0.1:{port}"

    with servers:
        yield start


def own_copy(folder: Path) -> Path:
    """Replace the link to a folder of the checkout with a copy, and return its path."""
    there = folder.resolve()
    folder.unlink()
    return Path(shutil.copytree(there, folder))
