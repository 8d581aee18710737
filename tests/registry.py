"""A local image registry: Docker's own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from tests.checkouts import free_port
from tests.waiting import until

PROGRAM = "docker-registry"
CONFIGURATION = """version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "{address}"}}
"""


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """Start an empty registry that stores images in a folder. Yield the prefix of its image names."""
    address = f"127.0.0.1:{free_port()}"
    configuration = folder / "registry.yml"
    configuration.write_text(CONFIGURATION.format(folder=folder, address=address))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([PROGRAM, "serve", str(configuration)], stdout=log, stderr=subprocess.STDOUT)
    try:
        until(f"the registry answers; its log: {log.name}", lambda: answers(f"http://{address}/v2/"))
        yield f"{address}/"
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    """Return whether the registry's API answers at ``url``."""
    with suppress(httpx.TransportError):
        return httpx.get(url, trust_env=False).status_code == httpx.codes.OK
    return False
