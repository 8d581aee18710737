"""A server that does nothing, to calibrate the load generator: an Nginx with one fixed answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtest.engine.watchdog import keep
from runtime import proc
from runtime.local import nginx as nginx_local
from runtime.servers import Command, Servers, free_port

CONFIGURATION = Path(__file__).with_suffix(".conf")


@contextmanager
def null_server(folder: Path, address: str, cpus: set[int] | None) -> Iterator[str]:
    """Run it for the duration of the block, and yield its URL. It is a local process, whatever the services run as.

    It listens on the loopback address for this laboratory, and on ``address`` for the load generators.
    """
    port = free_port()
    listen = " ".join(f"listen {one}:{port};" for one in {"127.0.0.1", address})
    (folder / "spool").mkdir(parents=True, exist_ok=True)
    (folder / "nginx.conf").write_text(CONFIGURATION.read_text().replace("LISTEN", listen))
    nginx, _ = nginx_local.find_nginx()
    with Servers(folder, keep) as servers:
        servers.start("null", Command([*nginx, *nginx_local.arguments(folder, "1")], folder, port))
        servers.wait_until_ready()
        if cpus:
            proc.pin(proc.tree(servers.pid("null")), cpus)
        yield f"http://{address}:{port}"
