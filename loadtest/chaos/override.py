"""The chaos suite's additions to compose.yaml, and its plain setting.

The plain setting is the same stack without this project's protection against faults. Each replacement below names the text
to remove, and fails if a file does not contain that text.
"""

import shutil
from pathlib import Path
from typing import Any

from loadtest.engine.variants import EngineError
from runtime.compose_file import ROOT, load

# Label of the suite's containers that Compose does not manage.
LABEL = "twogates.chaos"
# A small spool in memory, so that a fault can fill it: a volume on disk has no size limit.
SPOOL = {"driver": "local", "driver_opts": {"type": "tmpfs", "device": "tmpfs", "o": "size=32m,uid=101,gid=101,mode=0700"}}

NGINX = (
    # No retry.
    ("http/proxy.conf", "proxy_next_upstream error timeout;", "proxy_next_upstream off;"),
    ("snippets/service.conf", "error_page 502 504 = @again;", "error_page 502 504 @problem;"),
    # No keep-alive ordering: Nginx's default of one minute, while the services close idle connections sooner (KEEPALIVE
    # below).
    ("templates/upstreams.conf.template", "keepalive_timeout 30s;", "keepalive_timeout 60s;"),
    ("http/limits.conf", "keepalive_min_timeout 5s;", "keepalive_min_timeout 0;"),
)
# No ejection of failed replicas.
EJECTION = ("max_fails=1 fail_timeout=2s", "max_fails=0")
# Gunicorn's default keep-alive, in seconds.
KEEPALIVE = "2"
# Daphne's default: no graceful shutdown.
DAPHNE = ("services/django_async/server.py", "CommandLineInterface.server_class = DrainingServer\n", "")


def document(setting: str, folder: Path) -> dict[str, Any]:
    """Return the Compose document that overrides compose.yaml. Write the files that it needs to ``folder``."""
    # Accept any name: the suite reaches Nginx by its address.
    services: dict[str, Any] = {"nginx": {"environment": {"SERVER_NAMES": "~."}}}
    if setting == "plain":
        shutil.copytree(ROOT / "nginx", folder / "nginx")
        for file, text, instead in NGINX:
            (folder / "nginx" / file).write_text(replaced(f"nginx/{file}", text, instead))
        given = load()[1]["services"]["nginx"]["environment"]
        ejecting = {name: value for name, value in given.items() if name.endswith("_SERVERS")}
        for name, value in ejecting.items():
            if EJECTION[0] not in value:
                raise EngineError(f"The plain setting cannot be made: {name} of compose.yaml has no {EJECTION[0]!r} any more.")
        (folder / "daphne.py").write_text(replaced(*DAPHNE))
        services = {
            "nginx": {
                "volumes": [f"{folder}/nginx:/etc/nginx:ro,z"],
                "environment": services["nginx"]["environment"] | {name: value.replace(*EJECTION) for name, value in ejecting.items()},
            },
            "flask": {"environment": {"KEEPALIVE": KEEPALIVE}},
            "fastapi": {"environment": {"KEEPALIVE": KEEPALIVE}},
            "django": {"volumes": [f"{folder}/daphne.py:/app/server.py:ro,z"]},
        }
    return {"services": services, "volumes": {"nginx-spool": SPOOL}}


def replaced(file: str, text: str, instead: str) -> str:
    """Return a file of the checkout with every ``text`` replaced. Raise EngineError if the file does not contain it."""
    whole = (ROOT / file).read_text()
    if text not in whole:
        raise EngineError(f"The plain setting cannot be made: {file} has no {text.strip()!r} any more. Change loadtest/chaos/override.py.")
    return whole.replace(text, instead)
