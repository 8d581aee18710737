"""Upper limits of what all clients together can use, computed from production's default settings."""

import re

import yaml

from runtime.compose_file import defaults
from tests.conftest import ROOT

KILO, MEGA, GIGA = 1 << 10, 1 << 20, 1 << 30
UNITS = {"k": KILO, "m": MEGA, "g": GIGA}
# Measured with TLS 1.3: 21 KiB idle, 31 KiB with a partial header. The rest allows for four 8 KiB buffers, of which few are full.
CONNECTION = 55 * KILO
NGINX = 16 * MEGA  # without connections


def production(service: str) -> dict[str, str]:
    """Return the environment of a service in production with default settings."""
    given = dict[str, str]()
    for file in ("compose.yaml", "compose.production.yaml"):
        text = re.sub(r"!reset \[\]", "[]", (ROOT / file).read_text())
        given |= {name: str(value) for name, value in yaml.safe_load(text)["services"][service].get("environment", {}).items()}
    return {name: re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", value) for name, value in given.items()}


def size(text: str) -> int:
    """Return the number of bytes, from a number with a unit as Nginx and Docker write it."""
    return int(text[:-1]) * UNITS[text[-1]]


def configured(directive: str, file: str) -> str:
    """Return the value of an Nginx directive that occurs exactly once."""
    (value,) = re.findall(rf"^ *{directive} +([^;]+);", (ROOT / "nginx" / file).read_text(), re.MULTILINE)
    return str(value)


def connections() -> int:
    return int(production("nginx")["NGINX_CONNECTIONS"]) * int(defaults()["NGINX_WORKERS"])


def test_connections_of_nginx_fit_into_its_memory() -> None:
    zones = [size(zone) for zone in re.findall(r"zone=\w+:(\d+[km])", (ROOT / "nginx/templates/rate.conf.template").read_text())]
    sessions = size(configured("ssl_session_cache", "http/tls.conf").rpartition(":")[2])
    assert len(zones) == 7
    # Zones fill as clients arrive. With as many clients as connections, each zone holds 128 bytes per client.
    assert connections() * (CONNECTION + len(zones) * 128) + sessions + NGINX < size(defaults()["NGINX_MEMORY"])


def test_what_nginx_stores_on_disk_is_bounded() -> None:
    nginx = production("nginx")
    uploads = int(defaults()["UPLOAD_PLACES"]) * int(defaults()["UPLOAD_LIMIT"])
    django = int(defaults()["DJANGO_UPLOAD_PLACES"]) * int(defaults()["DJANGO_UPLOAD_LIMIT"])
    answers = connections() // 2 * size(configured("proxy_max_temp_file_size", "http/proxy.conf"))  # one to the client, one to the service
    assert nginx["UNLIMITED_CLIENTS"] == ""  # otherwise some clients are not counted
    assert "volume holds 9 GB at most" in (ROOT / "docs/production.md").read_text()
    assert uploads + django + answers < 9 * 10**9
    # Every other body fits into memory and is never written to disk.
    assert size(configured("client_body_buffer_size", "http/limits.conf")) >= int(defaults()["BODY_LIMIT"])
