"""What all clients together may take, computed from the settings that production is delivered with."""

import re

import yaml

from runtime.compose_file import defaults
from tests.conftest import ROOT

KILO, MEGA, GIGA = 1 << 10, 1 << 20, 1 << 30
UNITS = {"k": KILO, "m": MEGA, "g": GIGA}
# Measured with TLS 1.3: 21 KiB idle, 31 with a header that has begun, and the rest for four buffers of 8 KiB, of which few are full.
CONNECTION = 55 * KILO
NGINX = 16 * MEGA  # with no connection


def production(service: str) -> dict[str, str]:
    """The environment of a service in production, where nothing is set."""
    given = dict[str, str]()
    for file in ("compose.yaml", "compose.production.yaml"):
        text = re.sub(r"!reset \[\]", "[]", (ROOT / file).read_text())
        given |= {name: str(value) for name, value in yaml.safe_load(text)["services"][service].get("environment", {}).items()}
    return {name: re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", value) for name, value in given.items()}


def size(text: str) -> int:
    """Bytes, of a number with a unit as Nginx and Docker write it."""
    return int(text[:-1]) * UNITS[text[-1]]


def configured(directive: str, file: str) -> str:
    """The value of a directive of Nginx's that is written once."""
    (value,) = re.findall(rf"^ *{directive} +([^;]+);", (ROOT / "nginx" / file).read_text(), re.MULTILINE)
    return str(value)


def connections() -> int:
    return int(production("nginx")["NGINX_CONNECTIONS"]) * int(defaults()["NGINX_WORKERS"])


def test_connections_of_nginx_fit_into_its_memory() -> None:
    zones = [size(zone) for zone in re.findall(r"zone=\w+:(\d+[km])", (ROOT / "nginx/templates/rate.conf.template").read_text())]
    sessions = size(configured("ssl_session_cache", "http/tls.conf").rpartition(":")[2])
    assert len(zones) == 7
    # Zones are filled as clients come; with as many clients as connections, they hold 128 bytes for each.
    assert connections() * (CONNECTION + len(zones) * 128) + sessions + NGINX < size(defaults()["NGINX_MEMORY"])


def test_what_nginx_stores_on_disk_is_bounded() -> None:
    nginx = production("nginx")
    uploads = int(defaults()["UPLOAD_PLACES"]) * int(defaults()["UPLOAD_LIMIT"])
    django = int(defaults()["DJANGO_UPLOAD_PLACES"]) * int(defaults()["DJANGO_UPLOAD_LIMIT"])
    answers = connections() // 2 * size(configured("proxy_max_temp_file_size", "http/proxy.conf"))  # one to the client, one to the service
    assert nginx["UNLIMITED_CLIENTS"] == ""  # else some are not counted
    assert "volume holds 9 GB at most" in (ROOT / "docs/production.md").read_text()
    assert uploads + django + answers < 9 * 10**9
    # Any other body fits into memory, and is never stored.
    assert size(configured("client_body_buffer_size", "http/limits.conf")) >= int(defaults()["BODY_LIMIT"])
