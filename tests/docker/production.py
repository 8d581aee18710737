"""A stack with PROFILE=production, for the tests."""

import http.client
import socket
import ssl
import subprocess
from pathlib import Path

from tests.authority import write_certificate
from tests.checkouts import OwnStack

NAME = "twogates.example"


class Production(OwnStack):
    """A production stack with its own certificate, and few requests for each client."""

    def __init__(self, folder: Path) -> None:
        # The example's limits are low, to reach them quickly.
        given = {"EXAMPLE": "on", "BOARD_LIMIT": "2", "MESSAGE_LIMIT": "5", "POST_LIMIT": "20"}
        given |= {"PROFILE": "production", "HTTP3": "on", "PGBOUNCER": "on", "SERVER_NAMES": NAME, "RATE_LIMIT": "5", "RATE_BURST": "30"}
        super().__init__(folder, "production", **given)
        # A minimum above every version of Nginx: all tests run with an accepted vulnerability, whatever the advisories say about the rest.
        floors = self.folder / "runtime/checks/floors.toml"
        floors.write_text(floors.read_text().replace("floors = [", 'floors = ["0.0.0", "99.0.1"] # [', 1))
        for made in ("tls", "acme/.well-known/acme-challenge"):
            (self.folder / made).mkdir(parents=True)
        (self.folder / "acme/.well-known/acme-challenge/token").write_text("proof")
        self.authority = write_certificate(self.folder / "tls", [NAME], owner=101)

    def compose(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a Compose command for this stack."""
        environment = {**self.environment, "COMPOSE_FILE": "compose.yaml:compose.production.yaml:compose.pgbouncer.yaml", **more}
        return subprocess.run(["docker", "compose", *words], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60)

    def ask(
        self, path: str, method: str = "GET", secure: bool = True, host: str = NAME, body: bytes | None = None, **headers: str
    ) -> http.client.HTTPResponse:
        """Return an answer with its whole text, requested under the stack's name."""
        port = int(self.secure_port if secure else self.port)
        raw = socket.create_connection(("127.0.0.1", port), 10)
        connection = http.client.HTTPConnection(host, port)
        connection.sock = ssl.create_default_context(cafile=self.authority).wrap_socket(raw, server_hostname=host) if secure else raw
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.text = answer.read().decode()  # type: ignore[attr-defined]
        connection.close()
        return answer
