"""Locust's own web page for the running stack: a container beside a Docker stack, a process beside a local one."""

import os
import sys

from runtime.compose_file import ROOT, load
from runtime.console import fail, say
from runtime.docker import bundled
from runtime.docker import stack as runtime_docker
from runtime.docker.compose import compose
from runtime.local import stack as runtime_local


def page(port: str, target: str) -> list[str]:
    """Return Python's arguments that start Locust's page on ``port``, with load for ``target``."""
    file = ["-f", "loadtest/locustfile.py", "--class-picker", "--host", target]
    return ["-m", "runtime.module", "locust", *file, "--web-host", "127.0.0.1", "--web-port", port]


def main() -> None:
    """Start the page where the stack runs."""
    services, document = load()
    bind, port, _ = services["nginx"].ports[0].rsplit(":", 2)
    target = f"http://{bind}:{port}"
    if runtime_local.is_up():
        locust_port = document["x-local"]["locust_port"]
        say(f"Locust is at http://127.0.0.1:{locust_port}/ until Ctrl-C; choose users, then start.")
        # HOME: otherwise Locust reads the user's ~/.locust.conf, which is meant for other programs.
        os.environ |= {"TARGET": target, "HOME": str(ROOT / ".run")}
        os.execv(sys.executable, [sys.executable, *page(locust_port, target)])
    elif runtime_docker.is_up():
        os.chdir(ROOT)
        build = "--build" if "locust" in bundled.to_build("locust") else "--no-build"
        if compose("--profile", "locust", "up", "--wait", build, "--no-deps", "locust", quiet=True).returncode:
            fail("Locust did not start; its log: docker compose logs locust")
        say(f"Locust is at {target}/locust/ until make down; choose users, then start.")
    else:
        fail("The stack is not running. Start it with: make up")


if __name__ == "__main__":
    main()
