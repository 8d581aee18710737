"""The laboratory's Compose file. It makes variants from the services of compose.yaml, so that they match what `make up` starts."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtest.engine.cache import NOWHERE, part_of
from loadtest.engine.local_database import with_connections
from loadtest.engine.variants import WSGI_COMMAND
from loadtest.model import Variant
from runtime.compose_file import load
from runtime.live import VOLUMES, without_live

Entry = dict[str, Any]
# The same limit for every variant: if one reached it, the experiment would measure the limit. Sixteen sync workers, or thousands of
# connections to one loop, fit well below it.
MEMORY = "2g"
# Async Django has a thread for each request in flight. Like compose.yaml's limit, this one only protects against a fork bomb.
PIDS = 4096
# The laboratory counts the requests in Nginx's log, so the log must not be rotated.
WHOLE_LOG = {"driver": "local", "options": {"max-size": "4g", "max-file": "1", "compress": "false"}}
APP_PORT, NGINX_PORT, NGINX_TLS_PORT = 8000, 8080, 8443
SERVICES = ("flask", "fastapi", "django")
# CPU weight of the database: the lowest on its CPU, as without Docker (NICE in local_database.py). Default 1024.
LAST = 100
WITHOUT_CACHE = {"CACHE_URL": NOWHERE, "CACHE_PASSWORD_FILE": ""}


def app_names(number: int, variant: Variant) -> list[str]:
    """Return the Compose services of a variant: one for each of its servers."""
    return [f"app-{number}-{replica}" for replica in range(variant.servers)]


def entry_name(number: int, variant: Variant) -> str:
    """Return the Compose service that receives the load."""
    return f"nginx-{number}" if variant.proxied else app_names(number, variant)[0]


def counters_folder(folder: Path, number: int, name: str) -> Path:
    """Return the counters folder of a container. Each container has its own, since all of them use the same process ids."""
    return folder / str(number) / "counters" / name


class Maker:
    """Makes the Compose file. ``network`` is the existing network of load generators in containers; with ``None``, Compose creates one."""

    def __init__(self, server_cpus: set[int] | None, other_cpus: set[int] | None, network: str | None) -> None:
        self.services, document = load()
        self.given: dict[str, Entry] = document["services"]
        self.secrets: dict[str, Entry] = document["secrets"]
        self.volumes = set(document["volumes"])
        self.server_cpus, self.other_cpus, self.network = server_cpus, other_cpus, network

    def document(self, variants: Sequence[Variant], folder: Path, ports: dict[str, int]) -> Entry:
        """Return the whole document; ``ports`` are the published ports of this machine, by service."""
        made = {"upstream": self.entry("upstream", self.other_cpus)}
        if any(variant.proxied for variant in variants):  # if no service depends on a job, Compose treats its end as a failure
            made["certificates"] = self.entry("certificates", self.other_cpus)
        networks: Entry = {"backend": {"internal": True}}
        data = self.data(variants)
        if data:
            made |= data
            networks["data"] = {"internal": True}
        for number, variant in enumerate(variants):
            names = app_names(number, variant)
            made |= {name: self.app(variant, counters_folder(folder, number, name), number) for name in names}
            if variant.proxied:
                made[f"nginx-{number}"] = self.nginx(variant, names[: variant.servers - variant.standing_by])
            entry = made[entry_name(number, variant)]
            entry["networks"] = [*entry["networks"], "edge"] if not variant.proxied else ["backend", "edge"]
            inner = NGINX_PORT if variant.proxied else APP_PORT
            entry["ports"] = [f"127.0.0.1:{ports[entry_name(number, variant)]}:{inner}"]
        edge = {"name": self.network, "external": True} if self.network else {}
        of_data = {"secrets": self.secrets} if data else {}
        sources = {one.partition(":")[0] for entry in made.values() for one in entry.get("volumes", ())}
        volumes = dict.fromkeys(sorted(sources & self.volumes))
        return {"services": made, "networks": {"edge": edge, **networks}, "volumes": volumes, **of_data}

    def data(self, variants: Sequence[Variant]) -> dict[str, Entry]:
        """Return the database of the variants with a pool, the job that creates its schema, and the cache of the variants with one."""
        made: dict[str, Entry] = {}
        last = {max(self.other_cpus)} if self.other_cpus else None
        if any(variant.cache for variant in variants):
            made["valkey"] = self.entry("valkey", last) | {"secrets": self.given["valkey"]["secrets"]}
        if pooled := [variant for variant in variants if variant.pool]:
            made |= self.database(pooled, last)
        return made

    def database(self, variants: Sequence[Variant], cpus: set[int] | None) -> dict[str, Entry]:
        """Return PostgreSQL, with enough connections for the pools of these variants, and the job that creates its schema."""
        postgres = self.entry("postgres", cpus)
        postgres |= {
            "cpu_shares": LAST,
            "command": with_connections(postgres["command"], variants),
            "secrets": self.given["postgres"]["secrets"],
        }
        migrate = self.entry("migrate", self.other_cpus)
        migrate |= {"secrets": self.given["migrate"]["secrets"], "depends_on": self.given["migrate"]["depends_on"]}
        return {"postgres": postgres, "migrate": migrate}

    def entry(self, service: str, cpus: set[int] | None) -> Entry:
        """Return a service of compose.yaml, hardened and limited as it is there, and pinned to ``cpus``."""
        entry = copy.deepcopy(self.given[service])
        for name in ("build", "depends_on", "ports", "secrets"):
            entry.pop(name, None)
        entry["environment"] = without_live(entry.get("environment", {}))
        entry["volumes"] = [one for one in entry.get("volumes", []) if not one.startswith(VOLUMES)]
        entry["deploy"].pop("replicas", None)
        entry["restart"] = "no"  # a server that ends is a finding, which a restart would hide
        # Check often until the service is ready, then never again: a check is a process in the container, whose CPU time is measured.
        if "healthcheck" in entry:
            entry["healthcheck"] |= {"interval": "24h", "start_interval": "250ms", "start_period": "60s"}
        entry["deploy"]["resources"]["limits"]["cpus"] = str(len(cpus or {0}))
        if cpus:
            entry["cpuset"] = ",".join(map(str, sorted(cpus)))
        return entry

    def app(self, variant: Variant, counters: Path, number: int) -> Entry:
        """Return one container of a variant. It uses the part of the cache that has the variant's number."""
        entry = self.entry(variant.service, self.server_cpus)
        entry["environment"] |= {
            "COUNTERS": "/counters",
            **({"POOL": str(variant.pool)} if variant.pool else {"DATABASE_PASSWORD_FILE": ""}),
            **({"CACHE_URL": part_of(entry["environment"]["CACHE_URL"], number)} if variant.cache else WITHOUT_CACHE),
            "ADMIN": "off",  # the admin pages are not measured
            "SECRET_KEY_FILE": "",
            "WORKERS": str(variant.workers),
            "THREADS": str(variant.threads),
            **variant.environment,
        }
        entry["networks"] = ["backend", *(["data"] if variant.pool or variant.cache else [])]
        entry["secrets"] = [f"{variant.service}_password"] * bool(variant.pool) + ["valkey_password"] * variant.cache
        entry["depends_on"] = {"migrate": {"condition": "service_completed_successfully"}} if variant.pool else {}
        if variant.cache:
            entry["depends_on"] |= {"valkey": {"condition": "service_healthy"}}
        entry["volumes"] = [f"{counters}:/counters:z"]
        entry["memswap_limit"] = MEMORY
        entry["deploy"]["resources"]["limits"] |= {"memory": MEMORY, "pids": PIDS}
        if variant.arguments or variant.wsgi:
            entry["command"] = [*(WSGI_COMMAND if variant.wsgi else self.services[variant.service].command), *variant.arguments]
        return entry

    def nginx(self, variant: Variant, names: Sequence[str]) -> Entry:
        """Return the Nginx of one variant. The upstreams of the other services point to a closed port."""
        entry = self.entry("nginx", self.other_cpus)
        for service in SERVICES:
            to = [f"{name}:{APP_PORT} resolve" for name in names] if service == variant.service else ["127.0.0.1:9"]  # discard
            entry["environment"][f"{service.upper()}_SERVERS"] = " ".join(f"server {one} max_fails=1 fail_timeout=2s;" for one in to)
        entry["environment"] |= variant.proxy
        # The spool is an anonymous volume: each Nginx has its own, and Docker removes it with the container.
        entry["volumes"] = ["/tmp" if one.startswith("nginx-spool:") else one for one in entry["volumes"]]  # noqa: S108
        entry["logging"] = WHOLE_LOG
        entry["environment"]["SERVER_NAMES"] = "~."  # accept any host: load generators use the container's own address
        entry["depends_on"] = {name: {"condition": "service_healthy"} for name in names}
        entry["depends_on"]["certificates"] = {"condition": "service_completed_successfully"}
        return entry
