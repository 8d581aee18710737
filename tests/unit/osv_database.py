"""A local vulnerability database in OSV's format, because real databases know nothing of the planted vulnerabilities."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

CANARY = {"jinja2": "PYSEC-2019-217"}  # in version 2.10 only


@contextmanager
def osv(known: dict[str, str]) -> Iterator[str]:
    """Yield the address of a database that knows one vulnerability for each of these packages, in any version (jinja2: in 2.10 only)."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = asked["package"]["name"]
            fixed = {"package": asked["package"], "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}]}
            flaw = {"id": known.get(name), "aliases": [f"CVE-{name}"], "summary": "A flaw.", "affected": [fixed]}
            flawed = name in known and (name not in CANARY or asked["version"] == "2.10")
            body = json.dumps({"vulns": [flaw]} if flawed else {}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
    finally:
        server.shutdown()
        server.server_close()
