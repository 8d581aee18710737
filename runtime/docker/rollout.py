"""Replace the containers of a service while the old ones serve, for make deploy and for make up on a running stack.

Needs only plain Compose and plain Nginx. New replicas start beside the old ones, and Nginx sends them no request until all are
healthy. Then Nginx sends all requests to the new replicas. The old ones stop when their accept queues are empty: a server that stops
resets the connections in its queue. If a new replica does not become healthy, the new ones are removed and the old ones stay.
"""

import fcntl
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from runtime.compose_file import ROOT, load
from runtime.console import fail, say
from runtime.docker import nginx as nginx_docker
from runtime.docker.compose import compose, without_progress
from runtime.docker.replicas import POLL_SECONDS, NotHealthy, Replica, remove, replicas, stop, wait_until_healthy
from runtime.docker.wanted import Wanted

# The services to which Nginx sends requests through an upstream of their own.
BEHIND_NGINX = ("flask", "fastapi", "django")
# The order of replacement. The worker comes before Django: jobs of a new kind then find a worker that knows them.
ORDER = ("upstream", "monitor", "worker", *BEHIND_NGINX)
MIGRATION = "migrate"
# A migration may rewrite a large table.
MIGRATION_SECONDS = 1800
# A start takes some 3 s on an idle machine. A replica that ends is noticed at once; this limit is for one that runs and never answers.
HEALTHY_SECONDS = 120
# After a reload, old Nginx workers serve their connected clients from the old list for up to this long (keepalive_min_timeout, 5 s).
KNOWN_CLIENTS_SECONDS = 6.0
# Nginx queries Docker's DNS server every second.
LOOKED_UP_SECONDS = 2.0
# The time limit for serving the connections that are still queued then.
LINE_SECONDS = 30.0


@contextmanager
def alone() -> Iterator[None]:
    """Hold the lock that allows only one deploy or start at a time to change the stack."""
    (ROOT / ".run").mkdir(exist_ok=True)
    with (ROOT / ".run" / "deploy.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail("Another make deploy or make up of this checkout is under way. Wait for its end")
        yield


def send_to(service: str, addresses: Sequence[str], *, name: bool = False) -> None:
    """Make Nginx send a service's requests to these addresses; with ``name``, also to all addresses of the service's name.

    Raises ``NotHealthy`` if Nginx rejects the configuration.
    """
    variable = f"{service.upper()}_SERVERS"
    usual = load()[0]["nginx"].environment[variable]
    servers = [usual.replace(f"server {service}:", f"server {one}:").replace(" resolve", "") for one in addresses if one]
    if wrong := nginx_docker.reload(**{variable: " ".join([usual] * (name or not servers) + servers)}):
        raise NotHealthy(f"Nginx does not accept its configuration:\n{wrong}")


def back_to_name(service: str, addresses: Sequence[str]) -> None:
    """Make Nginx follow the service's name again, as usual. ``addresses`` are those that the name resolves to.

    Works in two steps: while Nginx resolves a newly configured name, requests arrive and need a server. Nginx keeps the resolved
    addresses over the next reload.
    """
    send_to(service, addresses, name=True)
    time.sleep(LOOKED_UP_SECONDS)
    send_to(service, [], name=True)


def start_new(service: str, old: Sequence[Replica], count: int) -> list[Replica]:
    """Start ``count`` replicas beside the old ones and wait until they are healthy; raises ``NotHealthy``."""
    scale = f"{service}={len(old) + count}"
    started = compose("up", "--detach", "--no-deps", "--no-recreate", "--no-build", "--scale", scale, service, quiet=True)
    new = [one for one in replicas(service, ended=True) if one not in old]
    if started.returncode or len(new) < count:
        raise NotHealthy(f"Compose did not start them:\n{without_progress(started.stderr)}")
    wait_until_healthy(new, float(os.environ.get("WITHIN") or HEALTHY_SECONDS))
    return new


def wait_until_drained(old: Sequence[Replica]) -> None:
    """Wait until Nginx sends the old replicas no requests, and their accept queues are empty or ``LINE_SECONDS`` are over."""
    time.sleep(KNOWN_CLIENTS_SECONDS)
    deadline = time.monotonic() + LINE_SECONDS
    while any(one.in_line() for one in old) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def migrate() -> None:
    """Run the job that migrates the schema, and wait until it ends; raises ``NotHealthy``."""
    say(f"{MIGRATION}: bringing the schema up to date ...")
    started = compose("up", "--detach", "--no-deps", "--no-build", "--force-recreate", MIGRATION, quiet=True)
    jobs = replicas(MIGRATION, ended=True)
    if started.returncode or not jobs:
        raise NotHealthy(f"The job for the schema did not start:\n{without_progress(started.stderr)}")
    [job] = jobs
    try:
        waited = subprocess.run(["docker", "wait", job.id], capture_output=True, text=True, timeout=MIGRATION_SECONDS)
    except subprocess.TimeoutExpired:
        raise NotHealthy(f"The job for the schema runs on after {MIGRATION_SECONDS} seconds: docker logs {job.name}") from None
    except KeyboardInterrupt:
        stop([job])  # safe: each migration is a transaction
        raise
    if status := waited.stdout.strip().removeprefix("0"):
        raise NotHealthy(f"The job for the schema ended with status {status}, and no replica was replaced.{job.last_words()}")


def replace(one: Wanted, retired: Sequence[Replica], *, drain: bool) -> list[Replica]:
    """Replace these replicas of a service, and scale it to its configured count. Return the replicas that serve at the end.

    With ``drain``, Nginx stops using the old replicas before they stop: no request is lost, and it takes some 10 s more. Without it,
    Nginx follows the service's name. If new replicas do not become healthy, restores the previous state and raises ``NotHealthy``.
    """
    service, drain = one.name, drain and one.name in BEHIND_NGINX
    old = replicas(service)
    remove([ended for ended in replicas(service, ended=True) if ended not in old])  # otherwise Compose would start and count them
    kept = [replica for replica in old if replica not in retired]
    retired = [replica for replica in old if replica in retired] + kept[one.count :]
    kept = kept[: one.count]
    missing = one.count - len(kept)
    try:
        if drain:
            send_to(service, [replica.address() for replica in old])
        new: list[Replica] = []
        if missing:
            say(f"{service}: starting {missing} new beside {len(old)} old ...")
            new = start_new(service, old, missing)
        if drain:
            send_to(service, [replica.address() for replica in (*kept, *new)])
    except (NotHealthy, KeyboardInterrupt) as reason:
        take_back(service, old, drain)
        raise NotHealthy(f"{service} is as it was. Its old replicas serve. {reason or 'Interrupted.'}") from None
    say(f"{service}: {'the new ones serve; ' * bool(new)}letting {len(retired)} old finish ...")
    with suppress(KeyboardInterrupt):  # too late for a rollback; the old replicas still finish the requests in hand
        if drain:
            wait_until_drained(retired)
    stop(retired)
    if drain:
        back_to_name(service, [replica.address() for replica in (*kept, *new)])
    return [*kept, *new]


def take_back(service: str, old: Sequence[Replica], drain: bool) -> None:
    """Roll back: remove all replicas but the old ones, to which Nginx sends all requests again."""
    say(f"{service}: removing the new ones ...")
    remove([one for one in replicas(service, ended=True) if one not in old])
    if drain:
        with suppress(NotHealthy):  # Nginx then still has its usual list, or the caller reports the reason
            back_to_name(service, [one.address() for one in old])


def running_images(services: Mapping[str, Wanted]) -> dict[str, str]:
    """Return the ids of the images that containers run, by image name. A build moves the name to another image."""
    found: dict[str, str] = {}
    for one in services.values():
        for replica in replicas(one.name)[:1] if one.built and not one.ends else []:
            found.setdefault(one.image, replica.look()["Image"])
    return found


def give_names_back(images: Mapping[str, str]) -> None:
    """Restore the names of images that still run. Otherwise the next scaling would start the image that did not become healthy."""
    for name, one in images.items():
        subprocess.run(["docker", "tag", one, name], capture_output=True)
