"""A second Nginx in front of the services that run, with values and files of its own."""

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
    """Start an Nginx with some values of its own, and with files changed where a test says how; its address."""
    plan = make_plan()

    servers = ExitStack()

    def start(change: Callable[[Path], None] | None = None, **values: str) -> str:
        servers.close()  # the one before: they would share a folder, and a name
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
    """A copy in place of the link to a folder of the checkout."""
    there = folder.resolve()
    folder.unlink()
    return Path(shutil.copytree(there, folder))
