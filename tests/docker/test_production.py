"""PROFILE=production on Docker, set up as in docs/production.md: with a certificate from an authority, and secrets."""

import contextlib
import itertools
import json
import os
import re
import secrets
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self
from uuid import uuid4

import httpx
import pytest

from tests import acme, http3, registry
from tests.conftest import ROOT
from tests.docker.conftest import docker
from tests.docker.production import NAME, Production
from tests.docker.test_hardening import RULES, RULES_FOR_SERVERS
from tests.waiting import until

SECRET = "django_secret_key"
# The services that have each secret. No other service has it.
APPS = {"flask", "fastapi", "django"}
OWNERS = {
    SECRET: {"django", "migrate", "worker"},
    "postgres_password": {"postgres", "migrate"},
    **{f"{service}_password": {service, "migrate"} for service in APPS},
    "pgbouncer_users": {"pgbouncer"},
    "worker_password": {"worker", "migrate"},
    "valkey_password": APPS,
    "example_token": APPS,
    "valkey_users": {"valkey"},
}


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    made = Production(tmp_path_factory.mktemp("production"))
    try:
        # One list of everything that is missing, before any container, network or image is created.
        refused = made.run("ops.stack", "up", SERVER_NAMES=f"{NAME} other.example")
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "\n  - All secrets are missing in secrets. Make them with: make secrets" in refused.stderr
        assert "fullchain.pem is not for other.example; accepted: one for every name in SERVER_NAMES" in refused.stderr
        assert not docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={made.project}")
        assert made.run("runtime.secrets").returncode == 0
        refused = made.run("ops.stack", "up")
        assert refused.returncode == 1, refused.stdout
        assert re.search(r"\n  - Nginx [\d.]+, for CVE-\d+-\d+, .+; 99\.0\.1 is needed: https://\S+ \(nginx:\S+\)\n", refused.stderr)
        assert "Bring it up to date: make update." in refused.stderr
        assert not docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={made.project}")
        accepted = re.search(r'ACCEPT_VULNERABLE="([^"]+)"', refused.stderr)
        assert accepted
        made.environment["ACCEPT_VULNERABLE"] = accepted[1]
        started = made.run("ops.stack", "up")
        assert started.returncode == 0, started.stdout + started.stderr
        assert f"https://{NAME}:{made.secure_port}/" in started.stdout
        assert "Known to be vulnerable, and accepted by ACCEPT_VULNERABLE: Nginx" in started.stdout
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def every_container(production: Production) -> list[dict[str, Any]]:
    ids = docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={production.project}").split()
    found: list[dict[str, Any]] = json.loads(docker("inspect", *ids))
    # Two of each service, the upstream, the worker, Nginx, PostgreSQL, PgBouncer, Valkey, and the jobs for the certificate and the schema.
    assert len(found) == 14
    return found


def test_http_leads_to_https(production: Production) -> None:
    answer = production.ask("/flask/json", secure=False)
    assert (answer.status, answer.headers["Location"]) == (308, f"https://{NAME}:{production.secure_port}/flask/json")
    assert production.ask("/.well-known/acme-challenge/token", secure=False).text == "proof"  # type: ignore[attr-defined]


@pytest.mark.parametrize("service", ["flask", "fastapi", "django"])
def test_it_serves_and_shows_nothing_for_show(service: str, production: Production) -> None:
    served = production.ask(f"/{service}/json")
    assert (served.status, served.headers["Strict-Transport-Security"]) == (200, "max-age=63072000")
    assert served.headers["Alt-Svc"] == f'h3=":{production.secure_port}"; ma=86400'
    shown = json.loads(production.ask(f"/{service}/").text)  # type: ignore[attr-defined]
    assert not {"versions", "host", "pid"} & shown.keys()
    for path in ("block?seconds=0", "cpu?work=1", "query", "listing?board=1", "admin/"):
        gone = production.ask(f"/{service}/{path}")
        assert (gone.status, gone.headers["Content-Type"]) == (404, "application/problem+json")
    for path in ("wait?seconds=2", "upstream?seconds=2", "stream?chunks=20&interval=0.1"):
        assert production.ask(f"/{service}/{path}").status == 422


def test_there_is_no_live_view(production: Production, every_container: list[dict[str, Any]]) -> None:
    for path in ("/live/events", "/live/requests/an-id-of-one", "/results/", "/results/latest/report.html", "/locust/"):
        gone = production.ask(path)
        assert (gone.status, gone.headers["Content-Type"]) == (404, "application/problem+json")
    assert json.loads(production.ask("/page.json").text) == {"profile": "production"}  # type: ignore[attr-defined]
    for container in every_container:
        service = container["Config"]["Labels"]["com.docker.compose.service"]
        assert service != "monitor"
        assert not [word for word in container["Config"]["Env"] if re.match("COUNTERS=.", word)]
        assert ("/live" in {mount["Destination"] for mount in container["Mounts"]}) is (service == "nginx")
        if service == "nginx":
            assert docker("exec", container["Id"], "ls", "-A", "/live") == ""  # no second log


@pytest.mark.parametrize("service", ["flask", "fastapi", "django"])
def test_a_real_http3_client_gets_an_answer(service: str, production: Production) -> None:
    headers, body = http3.get(int(production.secure_port), NAME, f"/{service}/json", production.authority)
    assert headers[":status"] == "200"
    assert json.loads(body)["message"] == "Hello, World!"


def test_http3_closes_unknown_hosts_too(production: Production) -> None:
    with pytest.raises((ConnectionError, TimeoutError)):
        http3.get(int(production.secure_port), "other.example", "/flask/json", production.authority)


def test_no_handshake_for_who_does_not_know_the_name(production: Production) -> None:
    context = ssl._create_unverified_context()
    with (
        socket.create_connection(("127.0.0.1", int(production.secure_port)), 5) as raw,
        pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"),
    ):
        context.wrap_socket(raw, server_hostname="localhost")


def test_who_asks_too_often_is_refused(production: Production) -> None:
    with ThreadPoolExecutor(20) as together:  # requests one after another may be no faster than the limit
        statuses = set(together.map(lambda _: production.ask("/fastapi/json").status, range(100)))
    assert statuses == {200, 429}


def test_everybody_may_read_and_nobody_change_the_example(production: Production) -> None:
    for service in APPS:
        assert asked(production, f"/{service}/boards")[0] == 200
        for method, path in (("POST", "/boards"), ("DELETE", "/boards/1"), ("POST", "/upload"), ("PUT", "/boards/1/messages/1")):
            assert asked(production, f"/{service}{path}", method, {"name": "a"})[0] == 401, path


def test_who_may_change_it_fills_neither_the_database_nor_the_minutes_of_others(production: Production) -> None:
    """With the token, from one address, through all services, under new names each time."""
    token = (production.folder / "secrets/example_token").read_text().strip()
    services = itertools.cycle(sorted(APPS))

    def send(path: str, **fields: str) -> tuple[int, dict[str, Any]]:
        # The address that a client claims: Nginx trusts no client.
        claimed = f"203.0.113.{secrets.randbelow(250)}"
        return asked(
            production, f"/{next(services)}{path}", "POST", fields, **{"Authorization": f"Bearer {token}", "X-Forwarded-For": claimed}
        )

    boards = [send("/boards", name=f"Board {number}") for number in range(5)]
    assert [status for status, _ in boards] == [201, 201, 409, 409, 409]
    assert {answer["detail"] for _, answer in boards[2:]} == {"There are 2 boards, and no more are taken."}
    messages = f"/boards/{boards[0][1]['id']}/messages"
    sent = [send(messages, author=f"Author {number}", text="t") for number in range(8)]
    assert [status for status, _ in sent] == [201] * 5 + [409] * 3
    assert {answer["detail"] for _, answer in sent[5:]} == {"The board has 5 messages, and no more are taken."}
    refused = dict[str, Any]()

    def too_many() -> bool:
        status, answer = send(messages, author=f"Author {uuid4()}", text="t")
        refused.update(answer)
        return status == 429

    until("this client has had its share of a minute, under whatever name", too_many)
    assert refused["detail"] == "This client has posted 20 messages in the last minute, and no more are taken."
    assert asked(production, f"/flask{messages}")[0] == 200  # readers are still served


def asked(production: Production, path: str, method: str = "GET", fields: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
    """Return the status and the document of an answer. Retry while Nginx limits this client's rate."""
    body, found = fields and json.dumps(fields).encode(), list[tuple[int, dict[str, Any]]]()

    def answered() -> bool:
        answer = production.ask(path, method, body=body, **{"Content-Type": "application/json", **headers})
        found[:] = [(answer.status, json.loads(answer.text))]  # type: ignore[attr-defined]
        return answer.status != 429 or "RateLimit" in answer.headers

    until(f"Nginx lets {method} {path} through", answered)
    return found[0]


@pytest.mark.parametrize("rule", RULES)
def test_every_container(rule: str, every_container: list[dict[str, Any]]) -> None:
    assert not [container["Name"] for container in every_container if not RULES[rule](container)]


@pytest.mark.parametrize("rule", RULES_FOR_SERVERS)
def test_every_server(rule: str, every_container: list[dict[str, Any]]) -> None:
    servers = [one for one in every_container if one["HostConfig"]["RestartPolicy"]["Name"] != "no"]
    assert len(servers) == 12
    assert not [container["Name"] for container in servers if not RULES_FOR_SERVERS[rule](container)]


def test_a_secret_is_where_it_is_needed_and_nowhere_else(production: Production, every_container: list[dict[str, Any]]) -> None:
    texts = {path.name: path.read_text().strip() for path in (production.folder / "secrets").iterdir()}
    assert set(texts) == set(OWNERS)
    for container in every_container:
        service = container["Config"]["Labels"]["com.docker.compose.service"]
        mounted = {mount["Destination"] for mount in container["Mounts"]}
        for name in texts:
            assert (f"/run/secrets/{name}" in mounted) is (service in OWNERS[name])
        assert ("/tls" in mounted) is (service in ("nginx", "certificates"))
        told = json.dumps(container) + docker("logs", container["Id"])
        assert not [name for name, secret in texts.items() if secret in told]
    assert {(production.folder / "secrets" / name).stat().st_mode & 0o777 for name in texts} == {0o444}
    assert (production.folder / "secrets").stat().st_mode & 0o777 == 0o700


def test_the_services_reach_the_database_through_pgbouncer_alone(production: Production, every_container: list[dict[str, Any]]) -> None:
    [pooler] = [one for one in every_container if one["Config"]["Labels"]["com.docker.compose.service"] == "pgbouncer"]
    for service in APPS:
        assert production.ask(f"/{service}/boards").status == 200
    query = (
        "SELECT DISTINCT host(client_addr) FROM pg_stat_activity WHERE usename IN ('twogates_flask', 'twogates_fastapi', 'twogates_django')"
    )
    psql = ["psql", "--username=postgres", "--dbname=twogates", "--no-align", "--tuples-only", f"--command={query}"]
    asked = production.compose("exec", "-T", "postgres", *psql)
    assert asked.stdout.split() == [pooler["NetworkSettings"]["Networks"][f"{production.project}_data"]["IPAddress"]], asked.stderr


# Which ports of the host a service can reach, at the first address of each of its networks, which would be the gateway.
REACH = """
import ipaddress, socket, sys
for network in sys.argv[2:]:
    try:
        socket.create_connection((str(next(ipaddress.ip_network(network).hosts())), int(sys.argv[1])), 3).close()
        print("reached", network)
    except OSError:
        pass
"""


@pytest.mark.parametrize("service", ["flask", "fastapi", "django", "worker", "upstream"])
def test_a_service_does_not_reach_the_host(production: Production, every_container: list[dict[str, Any]], service: str) -> None:
    container = next(one for one in every_container if one["Config"]["Labels"]["com.docker.compose.service"] == service)
    networks = json.loads(docker("network", "inspect", *container["NetworkSettings"]["Networks"]))
    assert all(network["Internal"] for network in networks)
    with socket.create_server(("0.0.0.0", 0)) as listening:
        subnets = [config["Subnet"] for network in networks for config in network["IPAM"]["Config"]]
        assert subnets
        assert docker("exec", container["Id"], "python", "-c", REACH, str(listening.getsockname()[1]), *subnets) == ""


def test_connections_that_only_connect_do_not_take_nginxs_memory(production: Production, every_container: list[dict[str, Any]]) -> None:
    """Open as many connections as Nginx accepts, with a complete handshake and a header that never ends."""
    nginx = next(one for one in every_container if one["Config"]["Labels"]["com.docker.compose.service"] == "nginx")
    context = ssl.create_default_context(cafile=production.authority)
    # Use Nginx's address on the network with external access, as clients on other machines do. Clients on this machine go through Docker's
    # own proxy. It ends at a few thousand connections, and does not come back (docs/production.md).
    address = next(found["IPAddress"] for name, found in nginx["NetworkSettings"]["Networks"].items() if name.endswith("_edge"))
    opened, refused = list[ssl.SSLSocket](), 0
    try:
        while refused < 20 and len(opened) < 5000:
            try:
                raw = socket.create_connection((address, 8443), 10)
                opened.append(context.wrap_socket(raw, server_hostname=NAME))
                opened[-1].sendall(b"GET /flask/json HTTP/1.1\r\nHost: " + NAME.encode() + b"\r\nX-Slow: " + b"x" * 6000)
            except OSError:
                refused += 1
        used = docker("stats", "--no-stream", "--format", "{{.MemUsage}}, {{.MemPerc}}", nginx["Id"]).strip()
    finally:
        for one in opened:
            one.close()
    print(f"{len(opened)} connections, {used}")
    assert len(opened) > 1000
    # If memory runs out, the kernel kills a worker and Nginx starts another: all connections of the first are lost.
    assert not re.search(r"worker process \d+ exited on signal", docker("logs", "--since", "5m", nginx["Id"]))
    assert json.loads(docker("inspect", nginx["Id"]))[0]["State"]["StartedAt"] == nginx["State"]["StartedAt"]

    def served() -> bool:
        with contextlib.suppress(OSError):  # until Nginx notices that the attackers have left
            return production.ask("/fastapi/json").status == 200
        return False

    until("others are served", served)


def test_make_secrets_keeps_what_is_there(production: Production) -> None:
    before = (production.folder / "secrets" / SECRET).read_text()
    assert production.run("runtime.secrets").returncode == 0
    assert (production.folder / "secrets" / SECRET).read_text() == before


def test_a_new_password_of_the_database_counts_from_the_next_start_on(production: Production) -> None:
    secret = production.folder / "secrets" / "postgres_password"
    for password in ("another' password, long enough", secret.read_text()):
        secret.chmod(0o644)
        secret.write_text(password)
        assert production.run("ops.stack", "up").returncode == 0
        psql = ["psql", "--host=127.0.0.1", "--username=postgres", "--dbname=twogates", "--command=SELECT 1"]
        asked = production.compose("exec", "-T", "--env", "PGPASSWORD", "postgres", *psql, PGPASSWORD=password.strip())
        assert asked.returncode == 0, asked.stderr
    secret.chmod(0o444)


def container_ids(production: Production, service: str) -> list[str]:
    """Return the ids of a service's running containers."""
    labels = {"project": production.project, "service": service}
    filters = [word for name, value in labels.items() for word in ("--filter", f"label=com.docker.compose.{name}={value}")]
    return sorted(docker("ps", "--no-trunc", "--quiet", *filters).split())


def test_a_start_that_mixes_profiles_is_refused_by_compose_itself(production: Production) -> None:
    """A person types docker compose with the files of one profile and the variable of the other."""
    before = docker("ps", "--all", "--quiet")
    for files, profile, sentence in (
        ("compose.yaml", "production", "PROFILE-production-needs-COMPOSE_FILE-with-compose.production.yaml"),
        ("compose.yaml:compose.production.yaml", "", "PROFILE-development-and-COMPOSE_FILE-with-compose.production.yaml-do-not-mix"),
    ):
        refused = production.compose("up", "--detach", "--no-build", COMPOSE_FILE=files, PROFILE=profile)
        assert refused.returncode == 1
        assert sentence in refused.stderr
    assert docker("ps", "--all", "--quiet") == before


def test_a_version_that_does_not_start_leaves_the_old_one_serving(production: Production) -> None:
    before = {service: container_ids(production, service) for service in APPS}
    app = production.folder / "services/flask_sync/app.py"
    good = app.read_text()
    try:
        app.write_text(good + "raise RuntimeError('this version does not start')\n")
        with Asking(production, [production.authority]) as asking:
            refused = production.run("ops.stack", "up")
    finally:
        app.write_text(good)
    assert refused.returncode == 1
    assert refused.stderr.startswith("twogates: flask is as it was. Its old replicas serve.")
    assert "this version does not start" in refused.stderr  # the replica's own last log lines
    assert "Mend the cause, and then: make up" in refused.stderr
    assert asking.failed == []
    assert asking.answered > 5
    assert {service: container_ids(production, service) for service in APPS} == before


def test_a_database_that_does_not_start_is_put_back(production: Production) -> None:
    refused = production.run("ops.stack", "up", POSTGRES_CONNECTIONS="3")
    assert refused.returncode == 1
    assert "postgres did not start as asked for. postgres runs as before." in refused.stderr
    assert '"max_connections" (3)' in refused.stderr  # PostgreSQL's own last log lines
    running = docker("inspect", "--format", "{{.Config.Cmd}} {{.State.Health.Status}}", *container_ids(production, "postgres"))
    assert "--max-connections=100" in running
    assert "healthy" in running.split()


def test_nginx_mended_starts_at_the_first_try(production: Production) -> None:
    """Its container is marked unhealthy, which Compose would take for the outcome of the next start too."""
    file = production.folder / "nginx/http/limits.conf"
    good = file.read_text()
    [nginx] = container_ids(production, "nginx")
    try:
        file.write_text(good + "no_such_directive on;\n")
        docker("restart", "-t", "5", nginx)
        state = ("inspect", "--format", "{{.RestartCount}} {{.State.Health.Status}}", nginx)
        until("Nginx with a broken configuration has ended five times", lambda: re.fullmatch(r"[5-9] unhealthy\n", docker(*state)))
        refused = production.run("ops.stack", "up")
        assert refused.returncode == 1
        assert 'unknown directive "no_such_directive"' in refused.stderr
    finally:
        file.write_text(good)
    started = production.run("ops.stack", "up")
    assert started.returncode == 0, started.stdout + started.stderr
    assert production.ask("/flask/json").status == 200


def test_djangos_own_check_stops_the_start(production: Production) -> None:
    """Django reports a fault: a setting that it warns about in production."""
    base = ["run", "--rm", "--no-deps", "--env", "PYTHONPATH=/tmp", "django"]
    broken = "from django_settings import *\nDEBUG = True\n"
    write = f"open('/tmp/worse.py','w').write({broken!r})"
    command = f"import os; {write}; os.environ['DJANGO_SETTINGS_MODULE'] = 'worse'; os.execvp('python', ['python', 'server.py'])"
    ran = production.compose(*base, "python", "-c", command)
    assert ran.returncode == 1, ran.stderr
    assert "twogates: Django's check for production found:" in ran.stderr
    assert "security.W018" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_without_docker_production_is_refused(production: Production) -> None:
    refused = production.run("ops.stack", "up", RUNTIME="local", COMPOSE_PROJECT_NAME="twogates-none")
    assert refused.returncode == 1
    assert "PROFILE is production" in refused.stderr


def test_switched_off_pgbouncer_is_gone(production: Production) -> None:
    """It would continue to hold connections, whose number is limited."""
    production.environment["PGBOUNCER"] = "off"  # for the tests below too: another change would replace the services
    started = production.run("ops.stack", "up")
    assert started.returncode == 0, started.stdout + started.stderr
    assert "pgbouncer" not in docker("ps", "--all", "--filter", f"label=com.docker.compose.project={production.project}")
    for service in APPS:
        assert production.ask(f"/{service}/boards").status == 200


@pytest.mark.skipif(shutil.which(registry.PROGRAM) is None, reason=f"needs {registry.PROGRAM}")
def test_an_update_takes_what_the_tags_name_now(production: Production, tmp_path: Path) -> None:
    """The registry has a newer Nginx. Then the registry is gone, and the running containers stay."""
    services = {name: container_ids(production, name) for name in APPS}
    [before] = container_ids(production, "nginx")
    with registry.registry(tmp_path) as mirror:
        names = {image: f"{mirror}{image}" for image in bases(production)}
        try:
            for image, name in names.items():
                docker("tag", image, name)
                docker("push", "--quiet", name)
            newer(tmp_path, names["nginx:1.30-alpine"])
            docker("tag", "nginx:1.30-alpine", names["nginx:1.30-alpine"])  # the local image is the older one
            updated = production.run("ops.refresh", IMAGE_REGISTRY=mirror)
            assert updated.returncode == 0, updated.stdout + updated.stderr
            assert updated.stdout.count("(the same)") == len(names) - 1, updated.stdout
            [after] = container_ids(production, "nginx")
            assert after != before
            assert docker("inspect", "--format", '{{index .Config.Labels "newer"}}', after) == "yes\n"
            assert {name: container_ids(production, name) for name in APPS} == services
            assert production.ask("/flask/json").status == 200
        finally:
            for name in names.values():
                subprocess.run(["docker", "image", "rm", "--force", name], capture_output=True)
    refused = production.run("ops.refresh", IMAGE_REGISTRY=mirror)
    assert refused.returncode == 1, refused.stdout
    assert f"{names['python:3.14-slim']} could not be pulled, and what runs has not changed" in refused.stderr
    assert container_ids(production, "nginx") == [after]


def test_a_part_that_became_vulnerable_stops_a_start_and_a_deploy(production: Production) -> None:
    """The running services continue to serve."""
    floors = production.folder / "runtime/checks/floors.toml"
    good = floors.read_text()
    services = {name: container_ids(production, name) for name in (*APPS, "nginx")}
    try:
        floors.write_text(re.sub(r'(?s)(\[python\].*?floors = \[)"[^]]+', r'\1"99.0.2"', good))
        for module, words in (("ops.stack", ["up"]), ("ops.deploy", ["flask"])):
            refused = production.run(module, *words, ACCEPT_VULNERABLE="")
            assert refused.returncode == 1, refused.stdout
            assert re.search(r"Python [\d.]+, for CVE-.*; 99\.0\.2 is needed", refused.stderr), refused.stderr
    finally:
        floors.write_text(good)
    assert {name: container_ids(production, name) for name in (*APPS, "nginx")} == services
    assert production.ask("/flask/json").status == 200


def bases(production: Production) -> list[str]:
    """Return the base images that compose.yaml names."""
    block = (production.folder / "compose.yaml").read_text().partition("x-images:\n")[2].partition("\n\n")[0]
    return re.findall(r"\$\{IMAGE_REGISTRY:-\}(\S+)", block)


def newer(folder: Path, name: str) -> None:
    """Push an image that differs from the local one of that name."""
    (folder / "Dockerfile").write_text(f"FROM {name}\nLABEL newer=yes\n")
    docker("build", "--quiet", "--tag", name, str(folder))
    docker("push", "--quiet", name)


MISSING = [name for name in ("certbot", "pebble", "pebble-challtestsrv") if shutil.which(name) is None]


@pytest.mark.skipif(bool(MISSING or os.geteuid()), reason=f"needs root, as certbot's hook does, and {', '.join(MISSING) or 'nothing else'}")
def test_certbot_renews_as_the_docs_say(production: Production, tmp_path: Path) -> None:
    """Steps 4 and 7 of docs/production.md, while a client sends requests. It runs last: the certificate then has another authority."""
    written = re.sub("^ {3}", "", (ROOT / "docs/production.md").read_text(), flags=re.MULTILINE)
    written = written.replace("/srv/twogates", str(production.folder)).replace("www.example.org", NAME)
    script = re.search(r"#!/bin/sh -e\n.*?(?=```)", written, re.DOTALL)
    renew = re.search(r"sudo certbot (renew .*)", written)
    assert script
    assert renew
    hook = tmp_path / "certbot/config/renewal-hooks/deploy/twogates"
    hook.parent.mkdir(parents=True)
    hook.write_text(script[0])
    hook.chmod(0o755)
    with acme.authority(tmp_path, production.port) as authority:
        authority.certbot("certonly", "--webroot", "-w", production.folder / "acme", "-d", NAME)  # --standalone needs Nginx's port
        with Asking(production, [production.authority, authority.root]) as asking:
            authority.certbot(*renew[1].split(), "--no-random-sleep-on-renew", **production.environment)
            production.authority = authority.root  # the only authority that new connections trust
            until("new connections have the new certificate", lambda: served(production))
    assert asking.failed == []
    assert asking.answered


def served(production: Production) -> bool:
    """Return whether new connections get the new certificate: Nginx starts its new workers after the signal."""
    try:
        return production.ask("/flask/json").status == 200
    except ssl.SSLCertVerificationError:
        return False


class Asking(Thread):
    """A client that sends requests throughout the block, and keeps its connection open where possible."""

    def __init__(self, production: Production, trusted: list[Path]) -> None:
        super().__init__()
        context = ssl.create_default_context(cadata="".join(path.read_text() for path in trusted))
        self.client, self.url = httpx.Client(verify=context), f"https://127.0.0.1:{production.secure_port}/flask/json"
        self.over, self.answered, self.failed = Event(), 0, list[str]()

    def run(self) -> None:
        while not self.over.wait(0.25):  # the interval between requests
            try:
                self.client.get(self.url, headers={"Host": NAME}, extensions={"sni_hostname": NAME}).raise_for_status()
                self.answered += 1
            except httpx.HTTPError as error:
                self.failed.append(repr(error))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.join()
        self.client.close()
