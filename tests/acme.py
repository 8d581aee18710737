"""A local ACME authority (Pebble, Let's Encrypt's own test server), and certbot as its client."""

import json
import os
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.authority import write_certificate
from tests.checkouts import free_port
from tests.waiting import until

# Disable Pebble's random validation delays and its random rejection of valid nonces. Both exist only to test how well a client retries.
PEBBLE = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}


@dataclass(frozen=True)
class Authority:
    """A running authority. Clients of its certificates trust ``root``; ACME clients that talk to it trust ``https``.

    ``folder`` is what certbot uses in place of /etc/letsencrypt.
    """

    directory: str
    root: Path
    https: Path
    folder: Path

    def certbot(self, *words: str | Path, **variables: str) -> None:
        """Run certbot as an administrator does by hand. Raise AssertionError with its output if it fails."""
        places = [word for name in ("config", "work", "logs") for word in (f"--{name}-dir", self.folder / name)]
        account = ["--non-interactive", "--agree-tos", "--register-unsafely-without-email", "--server", self.directory]
        command, environment = ["certbot", *words, *places, *account], os.environ | variables | {"REQUESTS_CA_BUNDLE": str(self.https)}
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran.stdout + ran.stderr


@contextmanager
def authority(folder: Path, http_port: str) -> Iterator[Authority]:
    """Start an authority. It resolves every name to this machine and sends HTTP challenges to ``http_port``."""
    port, management, names, resolver_management = (free_port() for _ in range(4))
    (folder / "tls").mkdir()
    trusted = write_certificate(folder / "tls", ["localhost"])
    settings = {
        "listenAddress": f"127.0.0.1:{port}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(folder / "tls/fullchain.pem"),
        "privateKey": str(folder / "tls/privkey.pem"),
        "httpPort": int(http_port),
        "tlsPort": 443,
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    off = dict.fromkeys(("http01", "https01", "tlsalpn01", "defaultIPv6"), "")
    here = {"dns01": f"127.0.0.1:{names}", "management": f"127.0.0.1:{resolver_management}", "defaultIPv4": "127.0.0.1"}
    resolver = ["pebble-challtestsrv", *(f"-{name}={value}" for name, value in (here | off).items())]
    server = ["pebble", "-config", str(folder / "pebble.json"), "-dnsserver", f"127.0.0.1:{names}"]
    with ExitStack() as stack, (folder / "pebble.log").open("wb") as log:
        for command in (resolver, server):
            process = stack.enter_context(subprocess.Popen(command, env=os.environ | PEBBLE, stdout=log, stderr=subprocess.STDOUT))
            stack.callback(process.terminate)
        asking = stack.enter_context(httpx.Client(verify=ssl.create_default_context(cafile=trusted)))
        root = f"https://localhost:{management}/roots/0"
        for url in (root, f"https://localhost:{port}/dir", f"http://127.0.0.1:{resolver_management}/"):
            until(f"{url} answers; its log: {folder / 'pebble.log'}", lambda url=url: answers(asking, url))  # type: ignore[misc]
        (folder / "root.pem").write_text(asking.get(root).raise_for_status().text)
        yield Authority(f"https://localhost:{port}/dir", folder / "root.pem", trusted, folder / "certbot")


def answers(client: httpx.Client, url: str) -> bool:
    """Return whether a server answers at ``url``, with any status."""
    with suppress(httpx.TransportError):
        client.get(url)
        return True
    return False
